//! The spelling of a token: parts, base64url, JSON.

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};

use super::{World, rules};
use crate::auth::testing::{SECRET, base64, claims, compact, hs256, mac, raw};

#[tokio::test]
async fn the_form_is_three_parts_of_some_length() {
    let world = World::new(rules());
    let good = hs256(&json!({}));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let cases = [
        ("nothing", String::new(), "three parts"),
        ("dots", "..".to_owned(), "three parts"),
        ("many dots", ".".repeat(1000), "three parts"),
        ("another text", "undefined".to_owned(), "three parts"),
        ("one part", header.to_owned(), "three parts"),
        ("two parts", format!("{header}.{payload}"), "three parts"),
        ("four parts", format!("{good}.{signature}"), "three parts"),
        ("five parts", format!("{header}.{payload}.{payload}.{payload}.{signature}"), "three parts"),
        ("no header", format!(".{payload}.{signature}"), "three parts"),
        ("no claims", format!("{header}..{signature}"), "three parts"),
        ("no signature", format!("{header}.{payload}."), "three parts"),
        ("too long", hs256(&json!({"name": "x".repeat(16 * 1024)})), "too long"),
        ("far too long", "x".repeat(10_000_000), "too long"),
        ("not ASCII", "é.ü.😀".to_owned(), "header"),
        ("signature padded", format!("{good}="), "signature"),
        ("signature with white space", format!("{good}\n"), "signature"),
        ("signature with a NUL", format!("{good}\0"), "signature"),
        (
            "a line break within",
            format!("{header}.{payload}.{}\r\n{}", &signature[..20], &signature[20..]),
            "signature",
        ),
        ("white space in front", format!(" {good}"), "header"),
        ("JSON", json!({"protected": header, "payload": payload, "signature": signature}).to_string(), "three parts"),
        ("quotes", format!("\"{good}\""), "header"),
        ("dots of another kind", good.replace('.', "\u{2024}"), "three parts"),
    ];
    world.accepts("the form", &good).await;
    for (name, token, part) in &cases {
        world.refuses(name, token, part).await;
    }
}

#[tokio::test]
async fn header_and_claims_are_objects_in_strict_base64url() {
    let world = World::new(rules());
    let signed = |message: &str| format!("{message}.{}", base64(mac(SECRET)(message.as_bytes())));
    let with_header = |header: &str| signed(&format!("{header}.{}", base64(claims(&json!({})).to_string())));
    let with_claims = |claims: &str| signed(&format!("{}.{claims}", base64(r#"{"alg":"HS256"}"#)));
    world.accepts("the header", &with_header(&base64(r#"{"alg":"HS256"}"#))).await;
    let headers = [
        ("noise", "AAAA".to_owned()),
        ("padded", format!("{}==", base64(r#"{"alg":"HS256" }"#))),
        ("stray bits", with_stray_bit(&base64(r#"{"alg":"HS256" }"#))),
        ("white space within", format!("{} ", base64(r#"{"alg":"HS256"}"#))),
        ("standard base64", STANDARD_NO_PAD.encode(r#"{"alg":"HS256","x":">>>???"}"#)),
        ("not UTF-8", base64(b"{\"alg\":\"HS256\",\"x\":\"\xff\"}")),
        ("a byte order mark", base64("\u{feff}{\"alg\":\"HS256\"}")),
        ("a string", base64(r#""HS256""#)),
        ("an array", base64(r#"["HS256"]"#)),
        ("alg twice", base64(r#"{"alg":"HS256","alg":"HS256"}"#)),
        ("alg twice, once escaped", base64(r#"{"alg":"HS256","\u0061lg":"none"}"#)),
        ("kid twice", base64(r#"{"alg":"HS256","kid":"a","kid":"b"}"#)),
        ("a member twice further in", base64(r#"{"alg":"HS256","jwk":{"kty":"oct","kty":"RSA"}}"#)),
        ("text behind", base64(r#"{"alg":"HS256"}}"#)),
    ];
    for (name, header) in &headers {
        world.refuses(name, &with_header(header), "header").await;
    }
    let bad_claims = [
        ("padded", "e30=".to_owned()),
        ("stray bits", "e31".to_owned()),
        ("standard base64", "eyJzdWIiOiI+Pz8/In0".to_owned()),
        ("an array", base64("[]")),
        ("a string", base64("\"sub\"")),
        ("null", base64("null")),
        ("not UTF-8", base64(b"{\"sub\":\"\xff\"}")),
        ("white space within", "e30\n".to_owned()),
        ("a token", base64(hs256(&json!({})))),
        ("a token in quotes", base64(json!(hs256(&json!({}))).to_string())),
        ("a member twice further in", base64(r#"{"exp":9999999999,"sub":"a","user":{"id":"a","id":"b"}}"#)),
        ("sub twice", base64(r#"{"exp":9999999999,"sub":"a","sub":"b"}"#)),
        ("text behind", base64(r#"{"exp":9999999999,"sub":"a"}x"#)),
        ("brackets", base64("[".repeat(10_000))),
    ];
    for (name, claims) in &bad_claims {
        world.refuses(name, &with_claims(claims), "claims").await;
    }
    world.refuses("an empty object", &with_claims("e30"), "exp").await;
}

/// The last character's next: with bits that the decoded bytes have no room for.
fn with_stray_bit(part: &str) -> String {
    let (start, last) = part.split_at(part.len() - 1);
    let next = char::from(last.as_bytes()[0] + 1);
    format!("{start}{next}")
}

#[tokio::test]
async fn what_is_encrypted_or_inside_another_token_is_none() {
    let world = World::new(rules());
    for header in [json!({"alg": "dir", "enc": "A256GCM"}), json!({"alg": "HS256", "enc": "A256GCM"})] {
        let jwe = format!("{}..{}.{}.{}", base64(header.to_string()), base64([0; 12]), base64("x"), base64([0; 16]));
        world.refuses("five parts", &jwe, "three parts").await;
        let three = compact(&header, &claims(&json!({})), |_| vec![0; 32]);
        world.refuses("three parts", &three, if header["alg"] == "dir" { "alg" } else { "signature" }).await;
    }
    let nested = |header: &Value, inner: &str| raw(header.to_string().as_bytes(), inner.as_bytes(), mac(SECRET));
    let inner = hs256(&json!({}));
    world.refuses("a token in a token", &nested(&json!({"alg": "HS256", "cty": "JWT"}), &inner), "claims").await;
    let twice = nested(&json!({"alg": "HS256", "cty": "JWT"}), &json!({"jwt": inner}).to_string());
    world.refuses("a token as a claim", &twice, "no exp").await;
    for b64 in [true, false] {
        let header = json!({"alg": "HS256", "b64": b64, "crit": ["b64"]}).to_string();
        let message = format!("{}.{}", base64(header), claims(&json!({})).to_string().replace('.', ""));
        let unencoded = format!("{message}.{}", base64(mac(SECRET)(message.as_bytes())));
        world.refuses("claims that are not encoded", &unencoded, "crit").await;
    }
}
