//! Reading a JSON body: declared as JSON (else 415), within the bounds (else 413 or 504), of the right kind (else
//! 422).

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value};

use crate::error::{Error, Problem, Result};

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The most bytes that it may have.
    pub bytes: usize,
    /// How long its next bytes may take.
    pub stall: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: 1024 * 1024, stall: Duration::from_secs(10) }
    }
}

/// The members of a JSON object.
pub(super) type Members = Map<String, Value>;

/// The bytes of the body and what they say in JSON, or `None` when there is no body at all.
pub(super) async fn json(headers: &HeaderMap, body: Body, bounds: Bounds) -> Result<(Bytes, Option<Value>)> {
    if !declares_json(headers) {
        // What has no bytes needs no type.
        return if is_empty(body, bounds).await? { Ok((Bytes::new(), None)) } else { Err(Error::UnsupportedMediaType) };
    }
    let bytes = bounded(body, bounds).await?;
    if bytes.is_empty() {
        return Ok((bytes, None));
    }
    match serde_json::from_slice(&bytes) {
        Ok(value) => Ok((bytes, Some(value))),
        Err(error) => {
            let place = format!("is not valid JSON (line {}, column {})", error.line(), error.column());
            Err(Problem::new("json_invalid", place).at("body").into())
        }
    }
}

/// The members of a body that must be an object.
pub(super) fn members(body: Value) -> Result<Members> {
    match body {
        Value::Object(members) => Ok(members),
        _ => Err(Problem::new("object_type", "must be a JSON object").at("body").into()),
    }
}

/// The entries of a body that must be a list.
pub(super) fn entries(body: Value) -> Result<Vec<Value>> {
    match body {
        Value::Array(entries) => Ok(entries),
        _ => Err(Problem::new("list_type", "must be a JSON array").at("body").into()),
    }
}

/// Reads a body within `bounds`.
///
/// # Errors
/// `PayloadTooLarge`, without reading further; `Timeout` when it stands still; `BadRequest` when the caller stops in
/// the middle.
pub async fn bounded(mut body: Body, bounds: Bounds) -> Result<Bytes> {
    use http_body::Body as _;
    let too_large = Error::PayloadTooLarge { limit: bounds.bytes };
    if body.size_hint().lower() > bounds.bytes as u64 {
        return Err(too_large);
    }
    // Grows with what arrives, not with what the header promises.
    let mut read = BytesMut::new();
    while let Some(data) = next(&mut body, bounds).await? {
        if data.len() > bounds.bytes - read.len() {
            return Err(too_large);
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

async fn is_empty(mut body: Body, bounds: Bounds) -> Result<bool> {
    while let Some(data) = next(&mut body, bounds).await? {
        if !data.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The next bytes, or `None` at the end. Trailers are passed over.
async fn next(body: &mut Body, bounds: Bounds) -> Result<Option<Bytes>> {
    let frame = tokio::time::timeout(bounds.stall, body.frame()).await;
    match frame.map_err(|_| Error::timeout("the body of the request stopped arriving"))? {
        None => Ok(None),
        Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
        Some(Err(_)) => Err(Error::BadRequest("The body ended before all of it arrived.".to_owned())),
    }
}

/// Whether the body is declared as JSON: `application/json` or a type with the suffix `+json` (RFC 6839).
fn declares_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    declared.and_then(|text| text.parse::<mime::Mime>().ok()).is_some_and(|mime| {
        mime.type_() == mime::APPLICATION && (mime.subtype() == mime::JSON || mime.suffix() == Some(mime::JSON))
    })
}
