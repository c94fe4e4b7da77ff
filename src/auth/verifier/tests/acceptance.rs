//! Every rule of a token, with a token that keeps it and tokens that break it.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::{World, rules};
use crate::auth::testing::{
    KEYS, NOW, PREVIOUS, PUBLISHED, SECRET, TestKey, USER, base64, claims, compact, hs256, mac, raw, sha256,
};
use crate::auth::{TokenRules, issue};
use crate::clock::Timestamp;
use crate::user::UserId;

#[tokio::test]
async fn every_algorithm_is_accepted_with_its_key() {
    let world = World::new(rules());
    for (algorithm, kid) in PUBLISHED {
        world.accepts(algorithm, &KEYS.get(kid).token(algorithm, Some(kid))).await;
        world.accepts(algorithm, &KEYS.get(kid).token(algorithm, None)).await;
    }
    world.accepts("HS256", &hs256(&json!({}))).await;
    let previous = compact(&json!({"alg": "HS256"}), &claims(&json!({})), mac(PREVIOUS));
    world.accepts("the previous secret", &previous).await;
    let kid = compact(&json!({"alg": "HS256", "kid": "ed"}), &claims(&json!({})), mac(SECRET));
    world.accepts("HS256 with a kid", &kid).await;
    assert_eq!(world.source.fetches(), 1);
}

/// Tokens of the current secret with these headers.
fn with_header(header: &Value) -> String {
    compact(header, &claims(&json!({})), mac(SECRET))
}

#[tokio::test]
async fn a_header_says_one_known_algorithm_and_nothing_critical() {
    let world = World::new(rules());
    let spellings = ["none", "None", "NONE", "nOnE", "", " HS256", "hs256", "Hs256", "HS256\0", "HMAC"];
    let unknown = ["HS384", "HS512", "ES256K", "ES512", "Ed25519", "Ed448", "RSA1_5", "A256KW", "dir", "eddsa"];
    for alg in spellings.into_iter().chain(unknown) {
        world.refuses(alg, &with_header(&json!({"alg": alg})), "alg").await;
        let unsigned = compact(&json!({"alg": alg}), &claims(&json!({})), |_| Vec::new());
        world.refuses(alg, &unsigned, "three parts").await;
    }
    for alg in [json!(null), json!(256), json!(["HS256"]), json!({"HS256": true})] {
        world.refuses("alg of another type", &with_header(&json!({"alg": alg})), "alg").await;
    }
    world.refuses("no alg", &with_header(&json!({"typ": "JWT"})), "alg").await;
    for crit in [json!(["b64"]), json!(["exp"]), json!([]), json!(null), json!("exp")] {
        let header = json!({"alg": "HS256", "crit": crit, "b64": true, "exp": NOW + 900});
        world.refuses("crit", &with_header(&header), "crit").await;
    }
    for kid in [json!(null), json!(1), json!(["ed"])] {
        world.refuses("kid", &with_header(&json!({"alg": "HS256", "kid": kid})), "kid").await;
    }
    for (name, header) in [("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
        let sign = |message: &[u8]| hmac::sign(&hmac::Key::new(header, SECRET.as_bytes()), message).as_ref().to_vec();
        world.refuses(name, &compact(&json!({"alg": name}), &claims(&json!({})), sign), "alg").await;
    }
}

#[tokio::test]
async fn a_token_cannot_bring_its_key() {
    let world = World::new(rules());
    let [theirs, ..] = &KEYS.others;
    let brought = json!({
        "alg": "EdDSA", "kid": "ed", "jwk": theirs.jwk(&json!({"kid": "ed"})), "jku": "https://evil.test/jwks",
        "x5u": "https://evil.test/cert", "x5c": [base64(theirs.der())], "x5t": 1,
    });
    let token = |key: &TestKey| compact(&brought, &claims(&json!({})), |message| key.sign("EdDSA", message));
    world.accepts("signed by ours", &token(&KEYS.ed)).await;
    world.refuses("signed by theirs", &token(theirs), "signature").await;
}

#[tokio::test]
async fn a_secret_is_no_published_key_and_a_published_key_no_secret() {
    let world = World::new(rules());
    let header = json!({"alg": "HS256", "kid": "ed"});
    for kid in ["ed", "p256", "p384", "rsa"] {
        let key = KEYS.get(kid);
        for secret in key.spellings().into_iter().chain([KEYS.set().to_string().into(), Vec::new()]) {
            world.refuses(kid, &compact(&header, &claims(&json!({})), mac(secret)), "signature").await;
        }
        let alg = PUBLISHED.into_iter().find(|(_, of)| *of == kid).unwrap().0;
        let header = json!({"alg": alg, "kid": kid});
        world.refuses(alg, &compact(&header, &claims(&json!({})), mac(SECRET)), "signature").await;
        world.refuses(alg, &compact(&header, &claims(&json!({})), sha256), "signature").await;
    }
    let other = compact(&json!({"alg": "HS256"}), &claims(&json!({})), mac("another secret of thirty-two bytes"));
    world.refuses("another secret", &other, "signature").await;
}

#[tokio::test]
async fn times_are_numbers_with_thirty_seconds_of_leeway() {
    let world = World::new(rules());
    let good = [
        ("exp just within the leeway", json!({"exp": NOW - 29})),
        ("exp a microsecond within the leeway", json!({"exp": number(&format!("{}.000001", NOW - 30))})),
        ("exp with a fraction", json!({"exp": number(&format!("{NOW}.5"))})),
        ("exp with an exponent", json!({"exp": 1e10})),
        ("exp beyond all clocks", json!({"exp": u64::MAX})),
        ("exp beyond all integers", json!({"exp": 1e300})),
        ("nbf now", json!({"nbf": NOW})),
        ("nbf at the end of the leeway", json!({"nbf": NOW + 30})),
        ("nbf long past", json!({"nbf": -1e300})),
        ("no iat", json!({"iat": "(absent)"})),
        ("iat at the end of the leeway", json!({"iat": NOW + 30})),
        ("iat zero", json!({"iat": 0})),
    ];
    for (name, changes) in good {
        world.accepts(name, &hs256(&changes)).await;
    }
    let bad = [
        ("no exp", json!({"exp": "(absent)"}), "no exp"),
        ("exp at the end of the leeway", json!({"exp": NOW - 30}), "expired"),
        ("exp a microsecond past the leeway", json!({"exp": number(&format!("{}.999999", NOW - 31))}), "expired"),
        ("exp zero", json!({"exp": 0}), "expired"),
        ("exp negative", json!({"exp": i64::MIN}), "expired"),
        ("exp before all integers", json!({"exp": -1e300}), "expired"),
        ("nbf past the leeway", json!({"nbf": NOW + 31}), "not valid yet"),
        ("nbf a moment past the leeway", json!({"nbf": number(&format!("{}.00001", NOW + 30))}), "not valid yet"),
        ("nbf beyond all integers", json!({"nbf": 1e300}), "not valid yet"),
        ("iat past the leeway", json!({"iat": NOW + 31}), "issued in the future"),
        ("iat in milliseconds", json!({"iat": NOW * 1000}), "issued in the future"),
    ];
    for (name, changes, sentence) in &bad {
        world.refuses(name, &hs256(changes), sentence).await;
    }
    for claim in ["exp", "nbf", "iat"] {
        for value in [json!(null), json!(NOW.to_string()), json!("soon"), json!(true), json!([NOW]), json!({"at": NOW})]
        {
            world.refuses(claim, &hs256(&json!({claim: value})), "have to be numbers").await;
        }
    }
    let infinite = format!(r#"{{"sub":"{USER}","exp":1e999}}"#);
    world.refuses("infinite", &raw(br#"{"alg":"HS256"}"#, infinite.as_bytes(), mac(SECRET)), "claims").await;
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn a_token_expires_as_the_clock_moves() {
    let world = World::new(rules());
    let token = hs256(&json!({"exp": number(&format!("{}.75", NOW + 10))}));
    assert_eq!(world.verifier.verify(&token).await.unwrap().expires_at, NOW + 10);
    world.clock.advance_seconds(40);
    world.accepts("0.75 s before its end", &token).await;
    world.clock.advance_seconds(1);
    world.refuses("0.25 s after its end", &token, "expired").await;
    world.clock.advance_seconds(-3600);
    world.refuses("an hour before it was made", &token, "issued in the future").await;
}

#[tokio::test]
async fn issuer_and_audience_count_when_they_are_set() {
    let issuer = World::new(TokenRules { issuer: Some("https://auth.test".to_owned()), ..rules() });
    issuer.accepts("the issuer", &hs256(&json!({}))).await;
    let url = "https://auth.test";
    for iss in [
        json!("(absent)"),
        json!(null),
        json!(""),
        json!("https://auth.test/"),
        json!("HTTPS://auth.test"),
        json!([url]),
    ] {
        issuer.refuses("another issuer", &hs256(&json!({"iss": iss})), "issuer").await;
    }
    let audience = World::new(TokenRules { audience: Some("tasks".to_owned()), ..rules() });
    for aud in [json!("tasks"), json!(["tasks"]), json!(["mail", "tasks"])] {
        audience.accepts("the audience", &hs256(&json!({"aud": aud}))).await;
    }
    for aud in [json!("(absent)"), json!(null), json!(""), json!("Tasks"), json!("tasks "), json!([]), json!(["mail"])]
    {
        audience.refuses("another audience", &hs256(&json!({"aud": aud})), "audience").await;
    }
    for aud in [json!({"tasks": "tasks"}), json!([["tasks"]]), json!("mail tasks")] {
        audience.refuses("another audience", &hs256(&json!({"aud": aud})), "audience").await;
    }
    let neither = World::new(rules());
    for value in [json!("(absent)"), json!("anything"), json!(["a", "b"]), json!(7)] {
        neither.accepts("any issuer and audience", &hs256(&json!({"iss": value, "aud": value}))).await;
    }
}

#[tokio::test]
async fn the_subject_is_a_string_of_one_to_255_characters() {
    let world = World::new(rules());
    for sub in ["a".repeat(255), "😀".repeat(255), " ".to_owned(), "auth0|a b".to_owned()] {
        let verified = world.verifier.verify(&hs256(&json!({"sub": sub}))).await.unwrap();
        assert_eq!(verified.user.as_str(), sub);
    }
    let absent =
        [json!("(absent)"), json!(null), json!(""), json!(42), json!(true), json!([USER]), json!({"id": USER})];
    let bad = [json!("a".repeat(256)), json!("a\0b"), json!("a\nb"), json!("a\u{7f}"), json!("a\u{85}")];
    for sub in absent.into_iter().chain(bad) {
        world.refuses(&sub.to_string(), &hs256(&json!({"sub": sub})), "subject").await;
    }
}

#[tokio::test]
async fn the_subject_may_be_inside() {
    let world = World::new(TokenRules { subject_claim: "user.id".to_owned(), ..rules() });
    world.accepts("inside", &hs256(&json!({"sub": "(absent)", "user": {"id": USER}}))).await;
    world.accepts("inside, with another sub", &hs256(&json!({"sub": "other", "user": {"id": USER}}))).await;
    for user in
        [json!("(absent)"), json!(null), json!(USER), json!({}), json!({"id": {"id": USER}}), json!([{"id": USER}])]
    {
        world.refuses(&user.to_string(), &hs256(&json!({"user": user})), "subject").await;
    }
    world.refuses("a dot in the name", &hs256(&json!({"user.id": USER})), "subject").await;
    world.refuses("an index", &hs256(&json!({"user": [USER], "id": USER})), "subject").await;
}

#[tokio::test]
async fn tokens_of_our_own_are_accepted() {
    let (secret, user) = (&rules().secrets[0], UserId::parse(USER).unwrap());
    let now = Timestamp::from_micros(NOW * 1_000_000 + 999_999);
    let (issuer, audience) = (Some("https://auth.test"), Some("tasks"));
    for path in ["sub", "user.id", "a.b.c.d"] {
        let strict = TokenRules {
            issuer: issuer.map(str::to_owned),
            audience: audience.map(str::to_owned),
            subject_claim: path.to_owned(),
            ..rules()
        };
        let world = World::new(strict);
        let token = issue(secret, path, &user, issuer, audience, now, 60).unwrap();
        assert_eq!(world.verifier.verify(&token).await.unwrap().expires_at, NOW + 60);
        let bare = issue(secret, path, &user, None, None, now, 60).unwrap();
        world.refuses(path, &bare, "issuer").await;
        World::new(TokenRules { subject_claim: path.to_owned(), ..rules() }).accepts(path, &bare).await;
        world.clock.advance_seconds(90);
        world.refuses(path, &token, "expired").await;
    }
    let over = issue(secret, "exp", &user, None, None, now, i64::MAX).unwrap();
    World::new(rules()).refuses("a claim that is taken", &over, "subject").await;
}
