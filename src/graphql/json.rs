//! Values as JSON, parts of which may be written already.
//!
//! The schema has no binary scalar, so that the binary variant of a value is free to mean: this is JSON.

use std::io::Write as _;

use async_graphql::{Name, Response, Value};

use crate::clock::{Rfc3339, Timestamp};

/// JSON as a value.
pub(super) fn written(json: Vec<u8>) -> Value {
    Value::Binary(json.into())
}

/// An answer as the body of a response (<https://spec.graphql.org/October2021/#sec-Response-Format>).
#[must_use]
pub fn response(response: &Response) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(br#"{"data":"#);
    write(&response.data, &mut out);
    if !response.errors.is_empty() {
        out.extend_from_slice(br#","errors":"#);
        // Errors have nothing that JSON cannot say, and writing to memory does not fail.
        let _ = serde_json::to_writer(&mut out, &response.errors);
    }
    out.push(b'}');
    out
}

/// Writes a value of an answer.
pub fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        // Writing to memory does not fail.
        Value::Number(number) => drop(write!(out, "{number}")),
        Value::Boolean(flag) => drop(write!(out, "{flag}")),
        Value::String(text) => self::text(text, out),
        Value::Enum(name) => self::text(name, out),
        Value::Binary(json) => out.extend_from_slice(json),
        Value::List(items) => list(items, out, write),
        Value::Object(members) => object(members, out, |(key, value), out| {
            name(key, out);
            write(value, out);
        }),
    }
}

/// Writes the name of a member, which needs no escapes, and the colon after it.
pub(super) fn name(name: &Name, out: &mut Vec<u8>) {
    let name = name.as_bytes();
    out.reserve(name.len() + 3);
    out.push(b'"');
    out.extend_from_slice(name);
    out.extend_from_slice(b"\":");
}

/// Writes a string.
pub(super) fn text(text: &str, out: &mut Vec<u8>) {
    // A string is always JSON, and writing to memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// Writes a number.
pub(super) fn number(number: i64, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, &number);
}

/// Writes a number as a string.
pub(super) fn quoted(number: i64, out: &mut Vec<u8>) {
    out.push(b'"');
    self::number(number, out);
    out.push(b'"');
}

/// Writes an instant.
pub(super) fn time(instant: Timestamp, out: &mut Vec<u8>) {
    let text = instant.rfc3339();
    out.push(b'"');
    out.extend_from_slice(text.as_ref().map(Rfc3339::as_bytes).unwrap_or_default());
    out.push(b'"');
}

/// Writes a list.
pub(super) fn list<T>(items: impl IntoIterator<Item = T>, out: &mut Vec<u8>, item: impl FnMut(T, &mut Vec<u8>)) {
    out.push(b'[');
    separated(items, out, item);
    out.push(b']');
}

/// Writes an object; `member` writes a name, a colon and a value.
pub(super) fn object<T>(members: impl IntoIterator<Item = T>, out: &mut Vec<u8>, member: impl FnMut(T, &mut Vec<u8>)) {
    out.push(b'{');
    separated(members, out, member);
    out.push(b'}');
}

fn separated<T>(items: impl IntoIterator<Item = T>, out: &mut Vec<u8>, mut item: impl FnMut(T, &mut Vec<u8>)) {
    for (i, one) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        item(one, out);
    }
}
