//! Who may open a socket, and how.

use http::Method;
use rstest::rstest;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::Live;
use super::client::{Client, PROTOCOL};
use crate::support::{Answer, Sqlite, start_with};

/// The status and the code of a request for a socket that is refused, over the router alone.
async fn refusal(live: &Live, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut call = live.app.anonymous(Method::GET, path);
    let needed = [
        ("host", "api.example"),
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        PROTOCOL,
    ];
    for (name, value) in needed.iter().filter(|(name, _)| headers.iter().all(|(other, _)| other != name)).chain(headers)
    {
        call = call.header(name, value);
    }
    let answer: Answer = call.send().await;
    assert!(answer.json()["errors"][0]["message"].as_str().unwrap().ends_with('.'));
    let code = answer.json()["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned();
    (answer.status.as_u16(), code)
}

#[tokio::test]
async fn what_is_no_handshake_is_refused_before_there_is_a_socket() {
    let live = Live::start(Sqlite).await;
    let bad_request = (400, "BAD_REQUEST".to_owned());
    for headers in [
        [("sec-websocket-version", "12")],
        [("sec-websocket-version", "")],
        [("sec-websocket-key", "")],
        [("sec-websocket-key", "c2hvcnQ=")],
        [("sec-websocket-key", "no base64 at all, but long")],
    ] {
        assert_eq!(refusal(&live, "/graphql", &headers).await, bad_request, "{headers:?}");
    }
    let answer =
        live.app.anonymous(Method::GET, "/graphql").header("connection", "upgrade").header("upgrade", "websocket");
    assert_eq!(answer.send().await.header("sec-websocket-version"), "13");
    // A request for another protocol is one like any other, and so is one for a socket by another method or elsewhere.
    assert_eq!(refusal(&live, "/graphql", &[("upgrade", "h2c")]).await, (401, "UNAUTHENTICATED".to_owned()));
    assert_eq!(refusal(&live, "/graphql", &[("connection", "close")]).await, (401, "UNAUTHENTICATED".to_owned()));
    for (method, path, status) in
        [(Method::POST, "/graphql", 401), (Method::GET, "/api/tasks", 401), (Method::GET, "/no", 404)]
    {
        let call = live.app.anonymous(method, path).header("connection", "upgrade").header("upgrade", "websocket");
        assert_eq!(call.send().await.status, status, "{path}");
    }
    for path in ["/api/tasks", "/livez", "/"] {
        assert!(Client::shake(live.address, path, &[PROTOCOL]).await.is_err(), "{path}");
    }
}

#[tokio::test]
async fn a_token_in_the_url_is_refused() {
    let live = Live::start(Sqlite).await;
    for query in ["token=x", "access_token=x", "Authorization=Bearer%20x", "x=eyJhbGciOiJIUzI1NiJ9.e30.x"] {
        let path = format!("/graphql?{query}");
        assert_eq!(refusal(&live, &path, &[]).await, (400, "BAD_REQUEST".to_owned()), "{query}");
        assert_eq!(Client::shake(live.address, &path, &[PROTOCOL]).await.unwrap_err().0, 400, "{query}");
    }
    Client::shake(live.address, "/graphql?client=web", &[PROTOCOL]).await.unwrap();
    Client::shake(live.address, "/graphql/", &[PROTOCOL]).await.unwrap();
}

#[tokio::test]
async fn only_pages_that_may_call_may_open_a_socket() {
    let live = Live::start(Sqlite).await;
    let own = format!("http://{}", live.address);
    for origin in [own.as_str(), "http://localhost:3000"] {
        Client::shake(live.address, "/graphql", &[PROTOCOL, ("origin", origin)]).await.unwrap();
    }
    for origin in ["https://evil.example", "null", "http://localhost:3001", "http://127.0.0.1"] {
        let refused = Client::shake(live.address, "/graphql", &[PROTOCOL, ("origin", origin)]).await;
        assert_eq!(refused.unwrap_err().0, 403, "{origin}");
        assert_eq!(refusal(&live, "/graphql", &[("origin", origin)]).await, (403, "FORBIDDEN".to_owned()), "{origin}");
    }
}

#[tokio::test]
async fn where_only_this_machine_is_served_a_foreign_host_opens_none() {
    let app = start_with(Sqlite, |options| options.settings.loopback_only = true).await;
    let call = app.anonymous(Method::GET, "/graphql").header("connection", "upgrade").header("upgrade", "websocket");
    assert_eq!(call.header("host", "evil.example").send().await.status, 403);
}

#[rstest]
#[case::none("")]
#[case::another("Sec-WebSocket-Protocol: graphql-ws\r\n")]
#[case::in_another_case("Sec-WebSocket-Protocol: GraphQL-Transport-WS\r\n")]
#[tokio::test]
async fn another_subprotocol_is_told_so(#[case] header: &'static str) {
    use std::io::{Read as _, Write as _};
    let live = Live::start(Sqlite).await;
    let address = live.address;
    // By hand: clients that offer a subprotocol insist on one in the answer.
    let told = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET /graphql HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{header}\r\n"
        )
        .unwrap();
        let mut told = Vec::new();
        stream.read_to_end(&mut told).unwrap();
        told
    });
    let told = told.await.unwrap();
    let end = told.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8(told[..end].to_vec()).unwrap().to_lowercase();
    assert!(head.starts_with("http/1.1 101 ") && !head.contains("sec-websocket-protocol"), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{head}");
    // A close frame: its length, its code, its reason.
    let reason = b"Subprotocol not acceptable";
    let frame = [&[0x88, 28][..], &4406_u16.to_be_bytes(), reason].concat();
    assert_eq!(&told[end..], frame);
}

#[tokio::test]
async fn the_subprotocol_is_found_among_others() {
    let live = Live::start(Sqlite).await;
    let offered = [("sec-websocket-protocol", "graphql-ws, graphql-transport-ws")];
    let mut client = Client::shake(live.address, "/graphql", &offered).await.unwrap();
    client.init(&live.app.token("ann")).await;
    assert_eq!(client.next().await["type"], "connection_ack");
}

#[tokio::test]
async fn the_token_may_come_with_the_handshake() {
    let live = Live::start(Sqlite).await;
    let authorization = format!("Bearer {}", live.app.token("ann"));
    let headers = [PROTOCOL, ("authorization", authorization.as_str())];
    for message in [json!({ "type": "connection_init" }), json!({ "type": "connection_init", "payload": { "x": 1 } })] {
        let mut client = Client::shake(live.address, "/graphql", &headers).await.unwrap();
        client.send(message).await;
        assert_eq!(client.next().await, json!({ "type": "connection_ack" }));
        assert_eq!(client.run("1", "{ viewer { id } }").await["data"]["viewer"]["id"], "ann");
    }
    // That of the payload is nearer.
    let mut client = Client::shake(live.address, "/graphql", &headers).await.unwrap();
    client.init(&live.app.token("bob")).await;
    client.next().await;
    assert_eq!(client.run("1", "{ viewer { id } }").await["data"]["viewer"]["id"], "bob");
    client.frame(Message::Close(None)).await;
}

#[tokio::test]
async fn what_is_sent_right_behind_the_handshake_is_heard() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let live = Live::start(Sqlite).await;
    let mut stream = tokio::net::TcpStream::connect(live.address).await.unwrap();
    let head = format!(
        "GET /graphql HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        live.address
    );
    // A masked frame of text, its mask being zeros.
    let ping = br#"{"type":"ping"}"#;
    let frame = [&[0x81, 0x80 | 15, 0, 0, 0, 0][..], ping].concat();
    stream.write_all(&[head.as_bytes(), &frame].concat()).await.unwrap();
    let mut told = Vec::new();
    while !told.ends_with(br#"{"type":"pong"}"#) {
        assert_ne!(stream.read_buf(&mut told).await.unwrap(), 0, "{}", String::from_utf8_lossy(&told));
    }
    // And one that is not masked is the end (RFC 6455, section 5.1).
    stream.write_all(&[&[0x81, 15][..], ping].concat()).await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest[2..4], 1002_u16.to_be_bytes());
}
