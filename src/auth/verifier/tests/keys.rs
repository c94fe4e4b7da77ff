//! Published keys as they come, go and stay away, and signatures that are nearly right.

use serde_json::json;

use super::{World, rules};
use crate::auth::testing::{KEYS, PUBLISHED, TestKey, base64, claims, clock, compact, hs256};
use crate::auth::{TokenRules, Verifier};
use crate::error::Error;

#[tokio::test]
async fn a_rotation_is_noticed_by_its_first_token() {
    let world = World::new(rules());
    world.verifier.start().await;
    let (old, new) = (&KEYS.ed, TestKey::ed25519());
    let rotated = new.token("EdDSA", Some("new"));
    world.source.publish(&json!({"keys": [old.jwk(&json!({"kid": "ed"})), new.jwk(&json!({"kid": "new"}))]}));
    world.clock.advance_seconds(30);
    world.accepts("the new key", &rotated).await;
    world.accepts("the old key", &old.token("EdDSA", Some("ed"))).await;
    world.refuses("no kid, two keys", &new.token("EdDSA", None), "More than one key").await;
    assert_eq!(world.source.fetches(), 2);
    for _ in 0..100 {
        world.refuses("an unknown kid", &new.token("EdDSA", Some("unknown")), "No key").await;
    }
    assert_eq!(world.source.fetches(), 2);
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_at_the_start_come_later() {
    let world = World::new(rules());
    world.source.answer(Err("connection refused"));
    world.verifier.start().await;
    let (token, anonymous) = (KEYS.ed.token("EdDSA", Some("ed")), KEYS.ed.token("EdDSA", None));
    for _ in 0..3 {
        for token in [&token, &anonymous] {
            let error = world.verifier.verify(token).await.unwrap_err();
            let cause = error.cause().map(ToString::to_string);
            assert!(cause.is_some_and(|cause| cause.contains("connection refused")), "{error:?}");
        }
    }
    world.accepts("a token that needs no such key", &hs256(&json!({}))).await;
    assert_eq!(world.source.fetches(), 1);

    world.source.publish(&KEYS.set());
    world.clock.advance_seconds(29);
    assert!(matches!(world.verifier.verify(&token).await, Err(Error::Unavailable(_))));
    world.clock.advance_seconds(1);
    world.accepts("30 s later", &token).await;
    world.accepts("30 s later, no kid", &anonymous).await;
    assert_eq!(world.source.fetches(), 2);
}

#[tokio::test]
async fn old_keys_serve_while_the_source_is_away() {
    let world = World::new(rules());
    world.verifier.start().await;
    world.source.answer(Err("connection refused"));
    world.clock.advance_seconds(600);
    let unknown = TestKey::ed25519().token("EdDSA", Some("new"));
    assert!(matches!(world.verifier.verify(&unknown).await, Err(Error::Unavailable(_))));
    world.accepts("a known key", &KEYS.ed.token("EdDSA", Some("ed"))).await;
    world.source.publish(&KEYS.set());
    world.clock.advance_seconds(30);
    world.refuses("the source is back and does not know the key", &unknown, "No key").await;
}

#[tokio::test]
async fn a_verifier_that_was_not_started_fetches_with_its_first_token() {
    let world = World::new(rules());
    world.accepts("HS256", &hs256(&json!({}))).await;
    assert_eq!(world.source.fetches(), 0);
    world.accepts("EdDSA", &KEYS.ed.token("EdDSA", Some("ed"))).await;
    assert_eq!(world.source.fetches(), 1);
}

#[tokio::test]
async fn keys_come_over_the_wire() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/api/auth/jwks", listener.local_addr().unwrap());
    let routes = axum::Router::new().route("/api/auth/jwks", axum::routing::get(|| async { KEYS.set().to_string() }));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let rules = TokenRules { jwks_url: address.parse().ok(), ..rules() };
    let verifier = Verifier::new(rules, clock()).unwrap();
    verifier.start().await;
    for (algorithm, kid) in PUBLISHED {
        assert!(verifier.verify(&KEYS.get(kid).token(algorithm, Some(kid))).await.is_ok(), "{algorithm}");
    }
}

#[tokio::test]
async fn each_kind_of_key_alone_takes_its_own_tokens_only() {
    let keys = World::new(TokenRules { secrets: Vec::new(), ..rules() });
    keys.refuses("HS256 without a secret", &hs256(&json!({})), "no key for").await;
    keys.accepts("EdDSA", &KEYS.ed.token("EdDSA", Some("ed"))).await;
    let secrets = Verifier::new(rules(), clock()).unwrap();
    secrets.start().await;
    assert!(secrets.verify(&hs256(&json!({}))).await.is_ok());
    for (algorithm, kid) in PUBLISHED {
        let error = secrets.verify(&KEYS.get(kid).token(algorithm, None)).await.unwrap_err();
        assert!(matches!(error, Error::Unauthenticated(text) if text.contains("no key for")), "{error:?}");
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

#[tokio::test]
async fn a_signature_in_der_is_none() {
    let world = World::new(rules());
    let header = json!({"alg": "ES256", "kid": "p256"});
    let token = compact(&header, &claims(&json!({})), |message| KEYS.p256.sign_in_der(message));
    world.refuses("ES256 in DER", &token, "signature").await;
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
