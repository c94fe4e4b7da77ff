//! The messages of the protocol.

use std::borrow::Cow;

use async_graphql::Response;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::render;
use crate::error::Error;

/// What a client says.
#[derive(Debug)]
pub(super) enum Message {
    Init(Map<String, Value>),
    Ping(Option<Map<String, Value>>),
    Pong(Option<Map<String, Value>>),
    /// An id that is not empty, and a request that is looked at later.
    Subscribe(String, Map<String, Value>),
    Complete(String),
}

/// Why a text is no message of a client.
pub(super) type Malformed = Cow<'static, str>;

impl Message {
    /// Reads a message. Members that the protocol does not know are passed over.
    pub(super) fn parse(text: &str) -> Result<Self, Malformed> {
        let Ok(Value::Object(mut message)) = serde_json::from_str(text) else {
            return Err("a message is a JSON object".into());
        };
        let Some(Value::String(kind)) = message.remove("type") else { return Err("type must be a string".into()) };
        match kind.as_str() {
            "connection_init" => Ok(Self::Init(payload(&mut message)?.unwrap_or_default())),
            "ping" => Ok(Self::Ping(payload(&mut message)?)),
            "pong" => Ok(Self::Pong(payload(&mut message)?)),
            "subscribe" => {
                let id = id(&mut message)?;
                let request = payload(&mut message)?.ok_or("the payload of subscribe must be an object")?;
                Ok(Self::Subscribe(id, request))
            }
            "complete" => Ok(Self::Complete(id(&mut message)?)),
            _ => Err("there is no such type of messages to a server".into()),
        }
    }
}

fn id(message: &mut Map<String, Value>) -> Result<String, Malformed> {
    match message.remove("id") {
        Some(Value::String(id)) if !id.is_empty() => Ok(id),
        _ => Err("id must be a string that is not empty".into()),
    }
}

fn payload(message: &mut Map<String, Value>) -> Result<Option<Map<String, Value>>, Malformed> {
    match message.remove("payload") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(payload)) => Ok(Some(payload)),
        Some(_) => Err("payload must be an object".into()),
    }
}

pub(super) fn connection_ack() -> String {
    json!({ "type": "connection_ack" }).to_string()
}

/// Tells in how many seconds the token expires.
pub(super) fn ping(expires_in: i64) -> String {
    json!({ "type": "ping", "payload": expiry(expires_in) }).to_string()
}

pub(super) fn pong(payload: Option<&Map<String, Value>>) -> String {
    match payload {
        Some(payload) => json!({ "type": "pong", "payload": payload }).to_string(),
        None => json!({ "type": "pong" }).to_string(),
    }
}

/// The payload that tells in how many seconds the token expires.
pub(super) fn expiry(expires_in: i64) -> Map<String, Value> {
    Map::from_iter([("expiresIn".to_owned(), expires_in.into())])
}

pub(super) fn next(id: &str, payload: &Response) -> Result<String, Error> {
    #[derive(Serialize)]
    struct Next<'a> {
        id: &'a str,
        r#type: &'static str,
        payload: &'a Response,
    }
    serde_json::to_string(&Next { id, r#type: "next", payload }).map_err(Error::internal)
}

pub(super) fn error(id: &str, error: &Error) -> String {
    json!({ "id": id, "type": "error", "payload": render::graphql_errors(error) }).to_string()
}

pub(super) fn complete(id: &str) -> String {
    json!({ "id": id, "type": "complete" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_of_a_client_is_told() {
        for text in [
            "",
            "x",
            "null",
            "[]",
            "\"ping\"",
            "{}",
            r#"{"type": 5}"#,
            r#"{"type": "start"}"#,
            r#"{"type": "PING"}"#,
            r#"{"type": "connection_ack"}"#,
            r#"{"type": "next", "id": "1", "payload": {}}"#,
            r#"{"type": "error", "id": "1", "payload": [{"message": "x"}]}"#,
            r#"{"type": "connection_init", "payload": "x"}"#,
            r#"{"type": "ping", "payload": []}"#,
            r#"{"type": "pong", "payload": 1}"#,
            r#"{"type": "subscribe", "payload": {"query": "{a}"}}"#,
            r#"{"type": "subscribe", "id": 1, "payload": {"query": "{a}"}}"#,
            r#"{"type": "subscribe", "id": "", "payload": {"query": "{a}"}}"#,
            r#"{"type": "subscribe", "id": "1"}"#,
            r#"{"type": "subscribe", "id": "1", "payload": null}"#,
            r#"{"type": "subscribe", "id": "1", "payload": "{a}"}"#,
            r#"{"type": "complete"}"#,
            r#"{"type": "complete", "id": ""}"#,
            r#"{"type": "complete", "id": null}"#,
            r#"{"type": "ping"} {"type": "ping"}"#,
            &format!(r#"{{"type": "ping", "payload": {{"x": {}{}}}}}"#, "[".repeat(500), "]".repeat(500)),
        ] {
            assert!(Message::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn members_that_the_protocol_does_not_know_are_passed_over() {
        let parsed = Message::parse(r#"{"type": "complete", "id": "1", "payload": 5, "x": []}"#);
        assert!(matches!(parsed, Ok(Message::Complete(id)) if id == "1"));
        assert!(matches!(Message::parse(r#"{"type": "ping", "payload": null}"#), Ok(Message::Ping(None))));
        let parsed = Message::parse(r#"{"type": "connection_init", "id": 5}"#);
        assert!(matches!(parsed, Ok(Message::Init(payload)) if payload.is_empty()));
    }
}
