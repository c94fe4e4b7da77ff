//! Tokens on a socket: whose it is, for how long, and how it goes on after that.

use std::num::NonZeroU32;

use rstest::rstest;
use serde_json::{Value, json};

use super::Live;
use super::client::Client;
use crate::support::Sqlite;

async fn init(live: &Live, payload: Value) -> Client {
    let mut client = Client::open(live).await;
    client.send(json!({ "type": "connection_init", "payload": payload })).await;
    client
}

#[tokio::test]
async fn a_token_is_taken_wherever_clients_put_it() {
    let live = Live::start(Sqlite).await;
    let token = format!("Bearer {}", live.app.token("ann"));
    for payload in [
        json!({ "authorization": token }),
        json!({ "Authorization": token }),
        json!({ "AUTHORIZATION": token.replace("Bearer", "bearer") }),
        json!({ "headers": { "Authorization": token, "X-Other": 1 } }),
        json!({ "headers": { "authorization": token } }),
    ] {
        let mut client = init(&live, payload).await;
        assert_eq!(client.next().await, json!({ "type": "connection_ack" }));
    }
}

#[tokio::test]
async fn a_token_that_does_not_count_is_the_end_but_clients_may_try_again() {
    let live = Live::start(Sqlite).await;
    let token = live.app.token("ann");
    for payload in [
        json!(null),
        json!({}),
        json!({ "token": token }),
        json!({ "authorization": token }),
        json!({ "authorization": null }),
        json!({ "authorization": 1 }),
        json!({ "authorization": "Bearer nonsense" }),
        json!({ "authorization": "Bearer é\n" }),
        json!({ "authorization": format!("Bearer {token}x") }),
        json!({ "authorization": format!("Bearer {}", live.app.token_for("ann", -31)) }),
        json!({ "authorization": format!("Bearer {token}"), "headers": { "authorization": format!("Bearer {token}") } }),
        json!({ "headers": [format!("Bearer {token}")] }),
    ] {
        let mut client = init(&live, payload.clone()).await;
        let (code, reason) = client.end().await;
        assert_eq!(code, 4403, "{payload}");
        assert!(reason.ends_with('.') && !reason.contains(&token), "{reason}");
    }
}

#[tokio::test]
async fn failures_count_by_address() {
    let live = Live::start_with(Sqlite, |options| options.settings.rate_limit = NonZeroU32::new(3000)).await;
    for _ in 0..60 {
        assert_eq!(init(&live, json!({})).await.end().await.0, 4403);
    }
    assert_eq!(init(&live, json!({})).await.end().await.0, 1013);
    // A good token is never refused for what others do.
    assert!(Client::begun(&live, "ann").await.lives().await);
}

#[rstest]
#[case::by_ping("ping", false)]
#[case::by_pong("pong", false)]
#[case::as_a_header("ping", true)]
#[tokio::test]
async fn a_fresh_token_puts_the_end_off(#[case] kind: &str, #[case] in_headers: bool) {
    let live = Live::start(Sqlite).await;
    let mut client = Client::begun_with(&live, &live.app.token_for("ann", 100)).await;
    live.app.clock.advance_seconds(40);
    assert_eq!(client.next().await, json!({ "type": "ping", "payload": { "expiresIn": 60 } }));
    let authorization = format!("Bearer {}", live.app.token_for("ann", 1000));
    let payload = json!({ "authorization": authorization });
    let payload = if in_headers { json!({ "headers": payload }) } else { payload };
    client.send(json!({ "type": kind, "payload": payload })).await;
    if kind == "ping" {
        // The token is not sent back.
        assert_eq!(client.next().await, json!({ "type": "pong", "payload": { "expiresIn": 1000 } }));
    }
    assert!(client.lives().await);
    live.app.clock.advance_seconds(939);
    assert_eq!(client.run("1", "{ viewer { id } }").await["data"]["viewer"]["id"], "ann");
    live.app.clock.advance_seconds(1);
    assert_eq!(client.next().await, json!({ "type": "ping", "payload": { "expiresIn": 60 } }));
    live.app.clock.advance_seconds(60);
    assert_eq!(client.end().await, (4403, "token expired".to_owned()));
}

#[tokio::test]
async fn without_a_fresh_token_the_socket_ends_with_the_old_one() {
    let live = Live::start(Sqlite).await;
    let mut short = Client::begun_with(&live, &live.app.token_for("ann", 10)).await;
    assert_eq!(short.next().await, json!({ "type": "ping", "payload": { "expiresIn": 10 } }));
    // An answer without a token changes nothing.
    short.send(json!({ "type": "pong", "payload": { "expiresIn": 10 } })).await;
    let held = live.app.database.hold().await;
    short.subscribe("1", "mutation { createTask(input: { title: \"late\" }) { task { id } } }").await;
    assert!(short.is_quiet().await);
    live.app.clock.advance_seconds(10);
    assert_eq!(short.end().await, (4403, "token expired".to_owned()));
    held.release().await;
}

#[tokio::test]
async fn a_token_of_another_user_is_the_end() {
    let live = Live::start(Sqlite).await;
    for (token, reason) in [
        (live.app.token("bob"), "the token is of another user"),
        ("nonsense".to_owned(), "The token does not have three parts with a dot between them."),
        (live.app.token_for("ann", -31), "The token has expired."),
    ] {
        let mut client = Client::begun(&live, "ann").await;
        client.send(json!({ "type": "ping", "payload": { "authorization": format!("Bearer {token}") } })).await;
        assert_eq!(client.end().await, (4403, reason.to_owned()));
    }
}

#[tokio::test]
async fn pings_are_answered_with_what_is_in_them() {
    let live = Live::start(Sqlite).await;
    // Also before anything has begun.
    let mut client = Client::open(&live).await;
    for payload in [json!({ "x": [1, null] }), json!({})] {
        client.send(json!({ "type": "ping", "payload": payload })).await;
        assert_eq!(client.next().await, json!({ "type": "pong", "payload": payload }));
    }
    client.send(json!({ "type": "ping", "payload": null })).await;
    assert_eq!(client.next().await, json!({ "type": "pong" }));
    client.send(json!({ "type": "pong", "payload": { "x": 1 } })).await;
    client.send(json!({ "type": "pong" })).await;
    assert!(client.lives().await);
}
