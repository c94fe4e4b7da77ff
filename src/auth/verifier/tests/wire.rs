//! Keys from a real server, which may do anything.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;

use super::{Verifier, rules};
use crate::auth::TokenRules;
use crate::auth::testing::{KEYS, PUBLISHED, TestKey, clock, hs256};
use crate::clock::ManualClock;
use crate::error::Error;

type Answer = fn() -> Response;

/// A verifier whose keys come from a server that gives one answer after the other.
async fn world(answer: Answer) -> (Verifier, Arc<Mutex<Answer>>, Arc<ManualClock>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/api/auth/jwks", listener.local_addr().unwrap());
    let (now, clock) = (Arc::new(Mutex::new(answer)), clock());
    let answers = Arc::clone(&now);
    let routes = Router::new().route("/api/auth/jwks", get(async move || answers.lock().unwrap()()));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let rules = TokenRules { jwks_url: address.parse().ok(), ..rules() };
    (Verifier::new(rules, clock.clone()).unwrap(), now, clock)
}

fn keys() -> Response {
    KEYS.set().to_string().into_response()
}

#[tokio::test]
async fn keys_come_over_the_wire() {
    let (verifier, ..) = world(keys).await;
    verifier.start();
    for (algorithm, kid) in PUBLISHED {
        assert!(verifier.verify(&KEYS.get(kid).token(algorithm, Some(kid))).await.is_ok(), "{algorithm}");
    }
}

#[tokio::test]
async fn whatever_the_server_does_next_the_keys_stay() {
    let answers: [(&str, Answer); 6] = [
        ("500", || StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        ("404", || StatusCode::NOT_FOUND.into_response()),
        ("a page", || axum::response::Html("<h1>Welcome</h1>").into_response()),
        ("much", || " ".repeat(64 * 1024 + 1).into_response()),
        ("another origin", || Redirect::temporary("http://localhost:9/jwks").into_response()),
        ("a set without an array", || json!({"keys": {}}).to_string().into_response()),
    ];
    let (verifier, now, clock) = world(keys).await;
    assert!(verifier.try_keys().await.is_ok());
    for (name, answer) in answers {
        *now.lock().unwrap() = answer;
        clock.advance_seconds(30);
        verifier.try_keys().await.expect_err(name);
        let unknown = TestKey::ed25519().token("EdDSA", Some(name));
        assert!(matches!(verifier.verify(&unknown).await, Err(Error::Unavailable(_))), "{name}");
        assert!(verifier.verify(&KEYS.p256.token("ES256", Some("p256"))).await.is_ok(), "{name}");
    }
    *now.lock().unwrap() = keys;
    clock.advance_seconds(30);
    assert!(verifier.try_keys().await.is_ok());
}

#[tokio::test]
async fn a_server_that_never_answers_delays_nothing_but_its_own_tokens() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", silent.local_addr().unwrap());
    let rules = TokenRules { jwks_url: address.parse().ok(), ..rules() };
    let verifier = Verifier::new(rules, clock()).unwrap();
    let started = Instant::now();
    verifier.start();
    assert!(verifier.verify(&hs256(&json!({}))).await.is_ok());
    assert!(verifier.verify("not a token").await.is_err());
    assert!(started.elapsed() < Duration::from_secs(1));
    let token = KEYS.ed.token("EdDSA", Some("ed"));
    let waiting = tokio::time::timeout(Duration::from_millis(50), verifier.verify(&token)).await;
    assert!(waiting.is_err(), "it may come yet");
}
