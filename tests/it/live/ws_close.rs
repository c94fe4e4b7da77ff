//! Each end that the protocol knows, and what brings it about.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

use super::Live;
use super::client::Client;
use crate::support::Sqlite;

const QUERY: &str = "{ viewer { id } }";

#[tokio::test]
async fn what_is_no_message_is_the_end() {
    let live = Live::start(Sqlite).await;
    let subscribe = |payload: Value| json!({ "type": "subscribe", "id": "1", "payload": payload }).to_string();
    for text in [
        String::new(),
        "hello".to_owned(),
        "{".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "{}".to_owned(),
        json!({ "type": 1 }).to_string(),
        json!({ "type": "unknown" }).to_string(),
        json!({ "type": "connection_ack" }).to_string(),
        json!({ "type": "next", "id": "1", "payload": {} }).to_string(),
        json!({ "type": "ping", "payload": "x" }).to_string(),
        json!({ "type": "pong", "payload": [] }).to_string(),
        json!({ "type": "connection_init", "payload": 1 }).to_string(),
        json!({ "type": "complete" }).to_string(),
        json!({ "type": "complete", "id": "" }).to_string(),
        json!({ "type": "subscribe", "payload": { "query": QUERY } }).to_string(),
        json!({ "type": "subscribe", "id": "", "payload": { "query": QUERY } }).to_string(),
        json!({ "type": "subscribe", "id": 1, "payload": { "query": QUERY } }).to_string(),
        json!({ "type": "subscribe", "id": "1" }).to_string(),
        subscribe(json!(null)),
        subscribe(json!(QUERY)),
        subscribe(json!({})),
        subscribe(json!({ "query": null })),
        subscribe(json!({ "query": 1 })),
        subscribe(json!({ "query": QUERY, "variables": [] })),
        subscribe(json!({ "query": QUERY, "variables": "{}" })),
        subscribe(json!({ "query": QUERY, "operationName": 1 })),
        subscribe(json!({ "query": QUERY, "extensions": "x" })),
        subscribe(json!({ "documentId": 1 })),
        format!("{{\"type\": \"ping\", \"payload\": {{\"x\": {}{}}}}}", "[".repeat(1000), "]".repeat(1000)),
    ] {
        let mut client = Client::begun(&live, "ann").await;
        client.frame(Message::text(text.clone())).await;
        let (code, reason) = client.end().await;
        assert_eq!(code, 4400, "{text}: {reason}");
        assert!(!reason.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn a_binary_frame_is_the_end() {
    let live = Live::start(Sqlite).await;
    let mut client = Client::begun(&live, "ann").await;
    client.frame(Message::binary(json!({ "type": "ping" }).to_string().into_bytes())).await;
    assert_eq!(client.end().await.0, 4400);
}

#[tokio::test]
async fn frames_that_break_the_protocol_are_the_end() {
    let live = Live::start(Sqlite).await;
    let frame = |payload: &'static [u8], change: fn(&mut FrameHeader)| {
        let mut header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
        change(&mut header);
        Message::Frame(Frame::from_payload(header, payload.into()))
    };
    for (name, frame, code) in [
        ("not UTF-8", frame(b"\xff\xfe", |_| {}), 1007),
        ("a reserved bit", frame(b"x", |header| header.rsv1 = true), 1002),
        ("a reserved kind", frame(b"x", |header| header.opcode = OpCode::Data(Data::Reserved(3))), 1002),
        ("the rest of nothing", frame(b"x", |header| header.opcode = OpCode::Data(Data::Continue)), 1002),
    ] {
        let mut client = Client::begun(&live, "ann").await;
        client.frame(frame).await;
        assert_eq!(client.end().await.0, code, "{name}");
    }
}

#[tokio::test]
async fn a_message_in_parts_is_one() {
    let live = Live::start(Sqlite).await;
    let mut client = Client::begun(&live, "ann").await;
    let text = json!({ "type": "ping" }).to_string().into_bytes();
    let (first, last) = text.split_at(7);
    for (part, opcode, is_final) in [(first, Data::Text, false), (last, Data::Continue, true)] {
        client.frame(Message::Frame(Frame::message(part.to_vec(), OpCode::Data(opcode), is_final))).await;
    }
    assert_eq!(client.next().await, json!({ "type": "pong" }));
}

/// A ping of so many bytes.
fn padded(bytes: usize) -> String {
    let ping = json!({ "type": "ping" }).to_string();
    ping.clone() + &" ".repeat(bytes - ping.len())
}

#[rstest]
#[case::in_one_frame(1024 * 1024, 1)]
#[case::in_parts(1024 * 1024, 16)]
#[case::that_is_still_on_its_way(16 * 1024 * 1024, 1)]
#[tokio::test]
async fn a_message_that_is_too_large_is_the_end(#[case] bytes: usize, #[case] parts: usize) {
    let live = Live::start(Sqlite).await;
    let mut client = Client::begun(&live, "ann").await;
    // As much as is allowed.
    client.frame(Message::text(padded(65_536))).await;
    assert_eq!(client.next().await, json!({ "type": "pong" }));
    let bytes = vec![b' '; bytes / parts];
    for part in 0..parts {
        let opcode = if part == 0 { Data::Text } else { Data::Continue };
        client.frame(Message::Frame(Frame::message(bytes.clone(), OpCode::Data(opcode), part + 1 == parts))).await;
    }
    assert_eq!(client.end().await.0, 1009);
}

#[tokio::test]
async fn a_byte_too_many_is_the_end() {
    let live = Live::start(Sqlite).await;
    let mut client = Client::begun(&live, "ann").await;
    client.frame(Message::text(padded(65_537))).await;
    assert_eq!(client.end().await.0, 1009);
}

#[tokio::test]
async fn nothing_runs_before_the_acknowledgement() {
    let live = Live::start(Sqlite).await;
    let mut client = Client::open(&live).await;
    client.subscribe("1", "mutation { createTask(input: { title: \"no\" }) { task { id } } }").await;
    assert_eq!(client.end().await, (4401, "Unauthorized".to_owned()));
    assert_eq!(live.app.get("ann", "/api/tasks").await.json(), json!([]));
    // What is malformed is that first.
    let mut client = Client::open(&live).await;
    client.send(json!({ "type": "subscribe", "id": "1" })).await;
    assert_eq!(client.end().await.0, 4400);
}

#[rstest]
#[case::silent(false)]
#[case::that_pings(true)]
#[tokio::test]
async fn a_socket_has_to_begin_in_time(#[case] pings: bool) {
    let live = Live::start(Sqlite).await;
    let mut client = Client::open(&live).await;
    let started = Instant::now();
    if pings {
        assert!(client.lives().await);
        client.frame(Message::Ping(vec![1].into())).await;
    }
    assert_eq!(client.end().await, (4408, "Connection initialisation timeout".to_owned()));
    assert!((2900..3600).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    // One that has begun stays.
    let mut client = Client::begun(&live, "ann").await;
    tokio::time::sleep(Duration::from_millis(3200)).await;
    assert!(client.lives().await);
}

#[tokio::test]
async fn a_socket_begins_once() {
    let live = Live::start(Sqlite).await;
    let token = live.app.token("ann");
    let end = (4429, "Too many initialisation requests".to_owned());
    let mut client = Client::begun(&live, "ann").await;
    client.init(&token).await;
    assert_eq!(client.end().await, end);
    let mut client = Client::open(&live).await;
    client.init(&token).await;
    client.init(&token).await;
    assert_eq!(client.end().await, end);
}

#[tokio::test]
async fn an_id_in_use_is_the_end() {
    let live = Live::start(Sqlite).await;
    let held = live.app.database.hold().await;
    for (id, reason) in
        [("é1", "Subscriber for é1 already exists"), (&*"x".repeat(200), "Subscriber for this id already exists")]
    {
        let mut client = Client::begun(&live, "ann").await;
        for _ in 0..2 {
            client.subscribe(id, "mutation { createTask(input: { title: \"waits\" }) { task { id } } }").await;
        }
        assert_eq!(client.end().await, (4409, reason.to_owned()));
    }
    held.release().await;
}

#[tokio::test]
async fn a_client_that_ends_it_is_answered_in_kind() {
    let live = Live::start(Sqlite).await;
    let mut client = Client::begun(&live, "ann").await;
    let frame = CloseFrame { code: CloseCode::Normal, reason: "bye".into() };
    client.frame(Message::Close(Some(frame))).await;
    assert_eq!(client.end().await, (1000, "bye".to_owned()));
    // One that vanishes leaves no trace.
    drop(Client::begun(&live, "ann").await);
    assert!(Client::begun(&live, "ann").await.lives().await);
}
