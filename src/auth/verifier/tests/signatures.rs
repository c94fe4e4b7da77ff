//! Signatures that are nearly right.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{World, rules};
use crate::auth::testing::{KEYS, PUBLISHED, base64, claims, compact};

#[derive(Debug, Deserialize)]
struct Group {
    source: String,
    jwk: Value,
    tokens: Vec<Vector>,
}

#[derive(Debug, Deserialize)]
struct Vector {
    name: String,
    token: String,
    /// A part of the sentence that refuses it.
    refused: Option<String>,
}

/// Tokens that others made. Those of the RFCs are old or have no claims: that they get as far shows the signature good.
#[tokio::test]
async fn signatures_of_others_are_read_as_they_meant_them() {
    let groups: Vec<Group> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    for Group { source, jwk, tokens } in groups {
        let world = World::new(rules());
        world.source.publish(&json!({"keys": [jwk]}));
        for Vector { name, token, refused } in tokens {
            let name = format!("{source}: {name}");
            match refused {
                Some(part) => world.refuses(&name, &token, &part).await,
                None => world.accepts(&name, &token).await,
            }
        }
    }
}

#[tokio::test]
async fn one_key_does_not_stand_for_another() {
    let world = World::new(rules());
    for (algorithm, kid) in PUBLISHED {
        for other in ["ed", "p256", "p384", "rsa"].into_iter().filter(|other| *other != kid) {
            let header = json!({"alg": algorithm, "kid": kid});
            let token = compact(&header, &claims(&json!({})), |message| KEYS.get(other).sign(algorithm, message));
            world.refuses(&format!("{algorithm} signed by {other}"), &token, "signature").await;
            let named = KEYS.get(kid).token(algorithm, Some(other));
            world.refuses(&format!("{algorithm} with the kid {other}"), &named, "No key").await;
        }
        let stranger = KEYS.others.each_ref().map(|key| key.token(algorithm, Some(kid)));
        for token in stranger {
            world.refuses(&format!("{algorithm} signed by a stranger"), &token, "signature").await;
        }
    }
    for (said, done) in [("RS256", "PS256"), ("PS256", "RS256"), ("RS256", "RS512"), ("PS384", "PS512")] {
        let header = json!({"alg": said, "kid": "rsa"});
        let token = compact(&header, &claims(&json!({})), |message| KEYS.rsa.sign(done, message));
        world.refuses(&format!("{said} by {done}"), &token, "signature").await;
    }
}

#[tokio::test]
async fn a_signature_is_exactly_the_signature() {
    type Form = fn(Vec<u8>) -> Vec<u8>;
    let world = World::new(rules());
    for (algorithm, kid) in PUBLISHED {
        let sign = |message: &[u8]| KEYS.get(kid).sign(algorithm, message);
        let forms: [(&str, Form); 7] = [
            ("truncated", |s| s[..s.len() - 1].to_vec()),
            ("halved", |s| s[..s.len() / 2].to_vec()),
            ("doubled", |s| [s.clone(), s].concat()),
            ("longer", |s| [s, vec![0]].concat()),
            ("with a zero in front", |s| [vec![0], s].concat()),
            ("of zeros", |s| vec![0; s.len()]),
            ("of ones", |s| vec![0xff; s.len()]),
        ];
        for (name, form) in forms {
            let header = json!({"alg": algorithm, "kid": kid});
            let token = compact(&header, &claims(&json!({})), |message| form(sign(message)));
            world.refuses(&format!("{algorithm} {name}"), &token, "signature").await;
        }
        let good = KEYS.get(kid).token(algorithm, Some(kid));
        for other in non_canonical(&good) {
            world.refuses(&format!("{algorithm} with stray bits"), &other, "signature").await;
        }
        let (message, signature) = good.rsplit_once('.').unwrap();
        let standard = signature.replace('-', "+").replace('_', "/");
        if standard != signature {
            world.refuses("standard base64", &format!("{message}.{standard}"), "signature").await;
        }
    }
}

/// The token with other last characters that a lenient decoder reads as the same bytes.
fn non_canonical(token: &str) -> Vec<String> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (start, last) = token.split_at(token.len() - 1);
    let signature = start.rsplit_once('.').unwrap().1;
    // A last group of two characters has four bits to spare, one of three has two.
    let spare = match (signature.len() + 1) % 4 {
        2 => 16,
        3 => 4,
        _ => 1,
    };
    let at = ALPHABET.find(last).unwrap();
    let same = (at / spare * spare)..(at / spare * spare + spare);
    same.filter(|other| *other != at).map(|other| format!("{start}{}", &ALPHABET[other..=other])).collect()
}

#[test]
fn non_canonical_spellings_are_made() {
    assert_eq!(non_canonical(&format!("a.b.{}", base64([0]))).len(), 15);
    assert_eq!(non_canonical(&format!("a.b.{}", base64([0; 2]))).len(), 3);
    assert_eq!(non_canonical(&format!("a.b.{}", base64([0; 3]))).len(), 0);
}
