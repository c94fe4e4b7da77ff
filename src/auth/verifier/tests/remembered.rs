//! Tokens that were verified before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::{World, rules};
use crate::auth::testing::{KEYS, NOW, TestKey, claims, compact, hs256};

impl World {
    fn hits(&self) -> u64 {
        self.verifier.cache_figures().hits
    }
}

#[tokio::test]
async fn a_token_is_verified_once() {
    let world = World::new(rules());
    world.refresh().await;
    for token in [hs256(&json!({})), KEYS.ed.token("EdDSA", Some("ed")), KEYS.rsa.token("PS512", None)] {
        let first = world.verifier.verify(&token).await.unwrap();
        let hits = world.hits();
        for _ in 0..3 {
            assert_eq!(world.verifier.verify(&token).await.unwrap(), first);
        }
        assert_eq!(world.hits(), hits + 3);
    }
    assert_eq!(world.verifier.cache_figures().entries, 3);
}

#[tokio::test]
async fn a_refused_token_is_not_remembered() {
    let world = World::new(rules());
    let good = hs256(&json!({}));
    let (message, _) = good.rsplit_once('.').unwrap();
    for _ in 0..2 {
        world.refuses("another signature", &format!("{message}.AAAA"), "signature").await;
        world.refuses("expired", &hs256(&json!({"exp": NOW - 60})), "expired").await;
        world.refuses("no kid", &TestKey::ed25519().token("EdDSA", Some("ed")), "signature").await;
    }
    assert_eq!((world.hits(), world.verifier.cache_figures().entries), (0, 0));
    world.accepts("the original", &good).await;
    world.refuses("another signature, now", &format!("{message}.AAAA"), "signature").await;
    world.refuses("more", &format!("{good}="), "signature").await;
    world.refuses("less", &good[..good.len() - 1], "signature").await;
    assert_eq!(world.hits(), 0);
}

#[tokio::test]
async fn a_remembered_token_ends_and_begins_when_it_says() {
    let world = World::new(rules());
    let token = hs256(&json!({"iat": NOW - 100, "nbf": NOW - 60, "exp": NOW + 60}));
    world.accepts("now", &token).await;
    world.clock.advance_seconds(89);
    world.accepts("a second before its end", &token).await;
    assert_eq!(world.hits(), 1);
    world.clock.advance_seconds(1);
    world.refuses("at its end", &token, "expired").await;
    world.clock.advance_seconds(-180);
    world.accepts("at its beginning", &token).await;
    assert_eq!(world.hits(), 2);
    world.clock.advance_seconds(-1);
    world.refuses("a second before its beginning", &token, "not valid yet").await;
    let token = hs256(&json!({"iat": NOW - 200, "nbf": NOW - 300}));
    world.accepts("iat after nbf", &token).await;
    world.clock.advance_seconds(-140);
    world.refuses("before it was made", &token, "issued in the future").await;
    assert_eq!(world.hits(), 2);
}

#[tokio::test]
async fn a_change_of_keys_forgets_all_tokens() {
    let world = World::new(rules());
    world.refresh().await;
    let (ed, p256) = (KEYS.ed.token("EdDSA", Some("ed")), KEYS.p256.token("ES256", Some("p256")));
    for _ in 0..2 {
        world.accepts("before", &ed).await;
        world.accepts("before", &p256).await;
    }
    assert_eq!(world.hits(), 2);
    world.clock.advance_seconds(30);
    world.refresh().await;
    world.accepts("the same keys once more", &ed).await;
    assert_eq!(world.hits(), 3);

    let other = TestKey::ed25519().jwk(&json!({"kid": "ed"}));
    world.source.publish(&json!({"keys": [other, KEYS.p256.jwk(&json!({"kid": "p256"}))]}));
    world.accepts("nobody knows yet", &ed).await;
    world.clock.advance_seconds(30);
    world.refresh().await;
    world.refuses("another key of that name", &ed, "signature").await;
    world.accepts("the same key", &p256).await;
    assert_eq!(world.hits(), 4, "verified anew");
    world.source.publish(&json!({"keys": []}));
    world.clock.advance_seconds(30);
    world.refresh().await;
    world.refuses("no key", &p256, "No key").await;
}

#[tokio::test]
async fn a_token_that_brought_its_key_is_remembered_under_the_keys_before() {
    let world = World::new(rules());
    let token = KEYS.ed.token("EdDSA", Some("ed"));
    world.accepts("its key is fetched", &token).await;
    world.accepts("verified anew", &token).await;
    assert_eq!(world.hits(), 0);
    world.accepts("remembered", &token).await;
    assert_eq!(world.hits(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_outlives_its_key_however_it_is_raced() {
    let world = Arc::new(World::new(rules()));
    let (header, claims) = (json!({"alg": "EdDSA", "kid": "ed"}), claims(&json!({"exp": NOW + 1_000_000})));
    let (token, with) = (compact(&header, &claims, |message| KEYS.ed.sign("EdDSA", message)), KEYS.set());
    let without = json!({"keys": [KEYS.p256.jwk(&json!({"kid": "p256"}))]});
    let is_over = Arc::new(AtomicBool::new(false));
    let callers = [(); 2].map(|()| {
        let (world, token, is_over) = (Arc::clone(&world), token.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let _ = world.verifier.verify(&token).await;
                tokio::task::yield_now().await;
            }
        })
    });
    for _ in 0..100 {
        for (set, is_good) in [(&with, true), (&without, false)] {
            world.source.publish(set);
            // A fetch for a caller may be under way that saw the set before.
            for _ in 0..2 {
                world.clock.advance_seconds(30);
                world.refresh().await;
            }
            for _ in 0..3 {
                assert_eq!(world.verifier.verify(&token).await.is_ok(), is_good);
            }
        }
    }
    is_over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
}
