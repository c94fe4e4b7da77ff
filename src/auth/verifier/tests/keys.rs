//! Published keys as they come, go and stay away.

use serde_json::json;

use super::{World, rules};
use crate::auth::testing::{KEYS, PUBLISHED, TestKey, clock, hs256};
use crate::auth::{TokenRules, Verifier};
use crate::error::Error;

#[tokio::test]
async fn keys_that_cannot_be_fetched_at_the_start_come_later() {
    let world = World::new(rules());
    world.source.answer(Err("connection refused"));
    world.refresh().await;
    let (token, anonymous) = (KEYS.ed.token("EdDSA", Some("ed")), KEYS.ed.token("EdDSA", None));
    for token in [&token, &anonymous] {
        for _ in 0..3 {
            let error = world.verifier.verify(token).await.unwrap_err();
            let cause = error.cause().map(ToString::to_string);
            assert!(cause.is_some_and(|cause| cause.contains("connection refused")), "{error:?}");
        }
    }
    world.accepts("a token that needs no such key", &hs256(&json!({}))).await;
    world.source.publish(&KEYS.set());
    world.clock.advance_seconds(30);
    world.refresh().await;
    world.accepts("30 s later", &token).await;
    world.accepts("30 s later, no kid", &anonymous).await;
}

#[tokio::test]
async fn old_keys_serve_while_the_source_is_away() {
    let world = World::new(rules());
    world.refresh().await;
    world.source.answer(Err("connection refused"));
    let token = KEYS.ed.token("EdDSA", Some("ed"));
    for _ in 0..10 {
        world.clock.advance_seconds(60);
        world.refresh().await;
        world.accepts("a known key", &token).await;
        let fresh = KEYS.p256.token("ES256", Some("p256"));
        world.accepts("a known key, a token seen for the first time", &fresh).await;
    }
    let unknown = TestKey::ed25519().token("EdDSA", Some("new"));
    assert!(matches!(world.verifier.verify(&unknown).await, Err(Error::Unavailable(_))));
    world.source.publish(&KEYS.set());
    world.clock.advance_seconds(30);
    world.refresh().await;
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
async fn each_kind_of_key_alone_takes_its_own_tokens_only() {
    let keys = World::new(TokenRules { secrets: Vec::new(), ..rules() });
    keys.refuses("HS256 without a secret", &hs256(&json!({})), "no key for").await;
    keys.accepts("EdDSA", &KEYS.ed.token("EdDSA", Some("ed"))).await;
    let secrets = Verifier::new(rules(), clock()).unwrap();
    secrets.start();
    assert_eq!(secrets.try_keys().await.as_deref(), Ok("2 for HS256"));
    assert!(secrets.verify(&hs256(&json!({}))).await.is_ok());
    for (algorithm, kid) in PUBLISHED {
        let error = secrets.verify(&KEYS.get(kid).token(algorithm, None)).await.unwrap_err();
        assert!(matches!(error, Error::Unauthenticated(text) if text.contains("no key for")), "{error:?}");
    }
}

#[tokio::test]
async fn an_operator_is_told_what_keys_there_are() {
    let world = World::new(rules());
    assert_eq!(world.verifier.try_keys().await.as_deref(), Ok("2 for HS256, 4 of JWKS_URL"));
    world.source.answer(Err("connection refused"));
    world.clock.advance_seconds(30);
    let failure = world.verifier.try_keys().await.unwrap_err();
    assert_eq!(failure, "the keys of JWKS_URL could not be fetched: connection refused.");
}

#[tokio::test]
async fn a_key_is_for_the_algorithm_that_it_names() {
    for (named, other) in [("RS256", "PS256"), ("PS256", "RS256"), ("RS512", "RS256")] {
        let world = World::new(rules());
        world.source.publish(&json!({"keys": [KEYS.rsa.jwk(&json!({"kid": "rsa", "alg": named}))]}));
        world.accepts(named, &KEYS.rsa.token(named, Some("rsa"))).await;
        world.clock.advance_seconds(30);
        world.refuses(other, &KEYS.rsa.token(other, Some("rsa")), "No key").await;
        world.clock.advance_seconds(30);
        world.refuses(other, &KEYS.rsa.token(other, None), "No key").await;
    }
}
