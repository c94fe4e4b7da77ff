//! What sockets may take: of one user, of silence, of memory.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use taskgate::server::{Limits, SocketBounds};
use tokio_tungstenite::tungstenite::Message;

use super::Live;
use super::client::Client;
use crate::support::Sqlite;

async fn bounded(bounds: SocketBounds) -> Live {
    let limits = Limits { sockets: bounds, ..Limits::default() };
    Live::start_with(Sqlite, |options| options.settings.limits = limits).await
}

#[tokio::test]
async fn a_user_has_so_many_sockets_and_others_have_theirs() {
    let live = Live::start(Sqlite).await;
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(Client::begun(&live, "ann").await);
    }
    let mut refused = Client::open(&live).await;
    refused.init(&live.app.token("ann")).await;
    assert_eq!(refused.end().await, (1013, "too many connections of this user".to_owned()));
    assert!(Client::begun(&live, "bob").await.lives().await);
    for client in &mut open {
        assert!(client.lives().await);
    }
    // Whoever leaves makes room at once.
    let mut leaving = open.pop().unwrap();
    leaving.frame(Message::Close(None)).await;
    while leaving.frames.next().await.is_some_and(|frame| frame.is_ok()) {}
    assert!(Client::begun(&live, "ann").await.lives().await);
    // Many is no matter of a request's limits.
    assert_eq!(live.app.get("ann", "/api/tasks").await.status, 200);
}

#[tokio::test]
async fn a_silent_peer_is_asked_and_then_dropped() {
    let live = bounded(SocketBounds { silence: Duration::from_secs(4), ..SocketBounds::default() }).await;
    let mut client = Client::begun(&live, "ann").await;
    let started = Instant::now();
    // It hears the question, but who does not look at it does not answer it.
    while started.elapsed() < Duration::from_secs(7) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The question, and the end of the stream without a word.
    assert!(matches!(client.frames.next().await, Some(Ok(Message::Ping(_)))));
    assert!(!matches!(client.frames.next().await, Some(Ok(_))), "it was not dropped");

    // One that is quiet but answers stays.
    let mut client = Client::begun(&live, "ann").await;
    let quiet = tokio::time::timeout(Duration::from_secs(7), client.next()).await;
    assert!(quiet.is_err());
    assert!(client.lives().await);
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_not_waited_for() {
    let live = bounded(SocketBounds { silence: Duration::from_secs(3), ..SocketBounds::default() }).await;
    for number in 0..100 {
        live.app.create("ann", &format!("{number} {}", "x".repeat(150))).await;
    }
    let mut client = Client::begun(&live, "ann").await;
    let started = Instant::now();
    // It asks and asks; what it is told soon fills the way to it.
    let query = "{ tasks(first: 100) { nodes { id title } } }";
    let mut asked = 0;
    while started.elapsed() < Duration::from_secs(20) {
        let message = json!({ "type": "subscribe", "id": asked.to_string(), "payload": { "query": query } });
        let sent = client.frames.send(Message::text(message.to_string()));
        match tokio::time::timeout(Duration::from_secs(10), sent).await {
            Ok(Ok(())) => asked += 1,
            _ => break,
        }
    }
    assert!(asked > 32, "{asked}");
    assert!((2900..12_000).contains(&started.elapsed().as_millis()), "{:?} {asked}", started.elapsed());
}
