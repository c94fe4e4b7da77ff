//! When keys are fetched, and what becomes of tokens meanwhile.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::*;
use crate::auth::testing::{KEYS, TestKey};

const NO_KEY: &str = "No key of this service fits the token.";

async fn find(jwks: &Jwks, kid: &str) -> Result<(), Error> {
    jwks.find(Algorithm::EdDSA, Some(kid)).await.map(drop)
}

fn is_refused(answer: &Result<(), Error>) -> bool {
    matches!(answer, Err(Error::Unauthenticated(NO_KEY)))
}

fn is_unavailable(answer: &Result<(), Error>) -> bool {
    matches!(answer, Err(Error::Unavailable(_)))
}

/// Waits for what a task in the background does.
async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), waiting).await.expect("it did not come to pass");
}

#[tokio::test]
async fn an_answer_that_is_no_set_is_a_failure_and_changes_no_key() {
    let (jwks, source, clock) = jwks(&KEYS.set());
    jwks.refresh().await;
    for answer in ["", "[]", "<html>", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        source.answer(Ok(answer.as_bytes()));
        clock.advance_seconds(30);
        jwks.refresh().await;
        assert!(is_unavailable(&find(&jwks, "new").await), "{answer}");
        assert!(find(&jwks, "ed").await.is_ok(), "{answer}");
        assert_eq!(jwks.generation(), 1, "{answer}");
    }
}

#[tokio::test]
async fn callers_have_one_fetch_in_thirty_seconds() {
    let (jwks, source, clock) = jwks(&KEYS.set());
    jwks.refresh().await;
    for advance in [0, 29] {
        clock.advance_seconds(advance);
        for kid in ["a", "b", "c"] {
            assert!(find(&jwks, kid).await.is_err());
        }
        assert_eq!(source.fetches(), 2, "after {advance} s");
    }
    clock.advance_seconds(1);
    for kid in ["a", "b"] {
        assert!(find(&jwks, kid).await.is_err());
    }
    assert_eq!(source.fetches(), 3);
    clock.advance_seconds(-3600);
    assert!(find(&jwks, "a").await.is_err());
    assert_eq!(source.fetches(), 4, "a clock that was set back");
    clock.advance_seconds(300);
    assert!(find(&jwks, "ed").await.is_ok());
    assert_eq!(source.fetches(), 4, "a known kid fetches nothing");
}

#[tokio::test]
async fn a_kid_is_refused_only_when_a_fetch_since_has_not_brought_it() {
    let (jwks, source, clock) = jwks(&KEYS.set());
    assert!(is_refused(&find(&jwks, "first").await));
    for _ in 0..3 {
        assert!(is_refused(&find(&jwks, "first").await), "it was looked for");
        assert!(is_unavailable(&find(&jwks, "second").await), "it was not");
    }
    assert_eq!(source.fetches(), 1);
    clock.advance_seconds(30);
    jwks.refresh().await;
    assert!(is_refused(&find(&jwks, "third").await), "callers have a fetch again");
    for kid in ["first", "second", "third"] {
        assert!(is_refused(&find(&jwks, kid).await), "{kid}");
    }
    assert_eq!(source.fetches(), 3);
    assert!(matches!(jwks.find(Algorithm::ES256, Some("third")).await, Err(Error::Unavailable(_))));
    assert!(matches!(jwks.find(Algorithm::HS512, None).await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn many_callers_and_the_schedule_share_one_fetch() {
    let (jwks, source, _) = jwks(&KEYS.set());
    jwks.start();
    let callers = (0..50).map(|_| find(&jwks, "ed"));
    assert!(join_all(callers).await.iter().all(Result::is_ok));
    tokio::task::yield_now().await;
    assert_eq!(source.fetches(), 1);
}

#[tokio::test]
async fn a_caller_who_hangs_up_takes_no_fetch_along() {
    let (jwks, source, _) = jwks(&KEYS.set());
    let gate = source.gate.lock().await;
    let hung_up = tokio::time::timeout(Duration::from_millis(20), find(&jwks, "ed")).await;
    assert!(hung_up.is_err());
    drop(gate);
    assert!(find(&jwks, "ed").await.is_ok());
    assert_eq!(source.fetches(), 1);
}

#[tokio::test]
async fn nobody_waits_for_a_source_that_is_known_to_be_away() {
    let (jwks, source, clock) = jwks(&KEYS.set());
    source.answer(Err("connection refused"));
    jwks.refresh().await;
    source.publish(&KEYS.set());
    let gate = source.gate.lock().await;
    for _ in 0..3 {
        assert!(is_unavailable(&find(&jwks, "ed").await));
    }
    drop(gate);
    until(|| jwks.status() == Ok(4)).await;
    assert!(find(&jwks, "ed").await.is_ok());
    assert_eq!(source.fetches(), 2, "a caller asked, but did not wait");
    clock.advance_seconds(30);
    assert!(is_refused(&find(&jwks, "other").await));
}

#[tokio::test]
async fn keys_that_are_gone_are_dropped() {
    let (jwks, source, clock) = jwks(&KEYS.set());
    jwks.refresh().await;
    let generation = jwks.generation();
    let new = TestKey::ed25519();
    source.publish(&json!({"keys": [new.jwk(&json!({"kid": "new"}))]}));
    assert!(find(&jwks, "new").await.is_ok());
    assert!(jwks.generation() > generation);
    clock.advance_seconds(30);
    assert!(is_refused(&find(&jwks, "ed").await));
    source.publish(&json!({"keys": []}));
    clock.advance_seconds(30);
    jwks.refresh().await;
    assert!(is_refused(&find(&jwks, "new").await));
}

#[tokio::test]
async fn the_schedule_fetches_until_the_end() {
    let (jwks, source, clock) = jwks(&KEYS.set());
    let short = Duration::from_millis(1);
    for _ in 0..2 {
        jwks.start_at(Pace { every: short, again: short });
    }
    until(|| source.fetches() == 1).await;
    tokio::time::sleep(10 * short).await;
    assert_eq!(source.fetches(), 1, "not twice in 30 s, however short the pauses");
    source.answer(Err("connection refused"));
    clock.advance_seconds(30);
    until(|| jwks.status().is_err()).await;
    source.publish(&json!({"keys": []}));
    clock.advance_seconds(30);
    until(|| jwks.status() == Ok(0)).await;
    assert_eq!((source.fetches(), jwks.generation()), (3, 2));

    let inner = Arc::downgrade(&jwks.inner);
    drop(jwks);
    until(|| inner.strong_count() == 0).await;
}

#[tokio::test]
async fn starting_waits_for_nothing() {
    let (jwks, source, _) = jwks(&KEYS.set());
    let gate = source.gate.lock().await;
    jwks.start();
    until(|| source.fetches() == 1).await;
    assert_eq!(jwks.status(), Ok(0));
    drop(gate);
    assert!(find(&jwks, "ed").await.is_ok());
    assert_eq!(source.fetches(), 1);
}
