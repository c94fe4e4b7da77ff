//! A client that can send any frame.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::Live;

/// How long a client waits, which is longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

pub const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");

#[derive(Debug)]
pub struct Client {
    pub frames: WebSocketStream<TcpStream>,
}

/// A handshake that was refused: its status and its error's code.
pub type Refusal = (u16, String);

impl Client {
    /// Opens a socket with these headers, on a path.
    pub async fn shake(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self, Refusal> {
        let mut request = Request::get(format!("ws://{address}{path}"))
            .header("host", address.to_string())
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let stream = TcpStream::connect(address).await.unwrap();
        match client_async(request.body(()).unwrap(), stream).await {
            Ok((frames, answer)) => {
                assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
                assert!(!answer.headers().contains_key("content-encoding"));
                assert!(!answer.headers()["x-request-id"].is_empty());
                Ok(Self { frames })
            }
            // The error's code is asked for by itself: the library keeps no body.
            Err(Error::Http(answer)) => Err((answer.status().as_u16(), String::new())),
            Err(error) => panic!("no handshake: {error}"),
        }
    }

    /// A socket on which nothing was said yet.
    pub async fn open(live: &Live) -> Self {
        Self::shake(live.address, "/graphql", &[PROTOCOL]).await.unwrap()
    }

    /// A socket of `user` that was acknowledged.
    pub async fn begun(live: &Live, user: &str) -> Self {
        Self::begun_with(live, &live.app.token(user)).await
    }

    /// A socket that was acknowledged for a token.
    pub async fn begun_with(live: &Live, token: &str) -> Self {
        let mut client = Self::open(live).await;
        client.init(token).await;
        assert_eq!(client.next().await, json!({ "type": "connection_ack" }));
        client
    }

    pub async fn init(&mut self, token: &str) {
        self.send(json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } }))
            .await;
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    pub async fn complete(&mut self, id: &str) {
        self.send(json!({ "type": "complete", "id": id })).await;
    }

    pub async fn send(&mut self, message: Value) {
        self.frame(Message::text(message.to_string())).await;
    }

    pub async fn frame(&mut self, frame: Message) {
        self.frames.send(frame).await.unwrap();
    }

    /// The next message.
    #[track_caller]
    pub fn next(&mut self) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            match self.heard().await {
                Message::Text(text) => serde_json::from_str(&text).unwrap(),
                frame => panic!("no message but {frame:?} ({caller})"),
            }
        }
    }

    /// The messages of an operation with a single result.
    pub async fn run(&mut self, id: &str, query: &str) -> Value {
        self.subscribe(id, query).await;
        let next = self.next().await;
        assert_eq!((&next["type"], &next["id"]), (&json!("next"), &json!(id)), "{next}");
        assert_eq!(self.next().await, json!({ "type": "complete", "id": id }));
        next["payload"].clone()
    }

    /// The code of the one error in the message `error` for an operation.
    #[track_caller]
    pub fn error(&mut self, id: &str) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        async move {
            let told = self.next().await;
            assert_eq!((&told["type"], &told["id"]), (&json!("error"), &json!(id)), "{told} ({caller})");
            let errors = told["payload"].as_array().unwrap();
            assert_eq!(errors.len(), 1, "{told}");
            assert!(errors[0]["message"].as_str().unwrap().ends_with('.'), "{told}");
            errors[0]["extensions"]["code"].as_str().unwrap().to_owned()
        }
    }

    /// Waits for the end, over whatever else is said, and answers its code and reason.
    #[track_caller]
    pub fn end(&mut self) -> impl Future<Output = (u16, String)> {
        let caller = std::panic::Location::caller();
        async move {
            loop {
                match self.heard().await {
                    Message::Close(Some(frame)) => {
                        assert!(frame.reason.len() <= 123, "{}", frame.reason);
                        return (frame.code.into(), frame.reason.to_string());
                    }
                    Message::Close(None) => panic!("no reason ({caller})"),
                    _ => {}
                }
            }
        }
    }

    /// Whether nothing is said for a while.
    pub async fn is_quiet(&mut self) -> bool {
        timeout(Duration::from_millis(200), self.frames.next()).await.is_err()
    }

    /// Whether the socket still serves.
    pub async fn lives(&mut self) -> bool {
        self.send(json!({ "type": "ping" })).await;
        self.next().await == json!({ "type": "pong" })
    }

    async fn heard(&mut self) -> Message {
        loop {
            let frame = timeout(PATIENCE, self.frames.next()).await.expect("nothing is heard").expect("it was dropped");
            match frame.expect("it broke") {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }
}
