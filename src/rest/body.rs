//! Reading a JSON body: declared as JSON (else 415), within the bound (else 413), an object (else 422).

use axum::body::Body;
use axum::extract::Request;
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Map, Value};

use crate::error::{Error, Problem, Result};

/// The most bytes that a body may have.
pub const MAX_BYTES: usize = 1024 * 1024;

/// The members of a JSON object.
pub(super) type Members = Map<String, Value>;

/// The members of the body, or `None` when there is no body at all.
pub(super) async fn members(request: Request) -> Result<Option<Members>> {
    let is_json = declares_json(request.headers());
    let body = request.into_body();
    if !is_json {
        // What has no bytes needs no type.
        return if is_empty(body).await? { Ok(None) } else { Err(Error::UnsupportedMediaType) };
    }
    let bytes = bounded(body).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(members)) => Ok(Some(members)),
        Ok(_) => Err(Problem::new("object_type", "must be a JSON object").at("body").into()),
        Err(error) => {
            let place = format!("is not valid JSON (line {}, column {})", error.line(), error.column());
            Err(Problem::new("json_invalid", place).at("body").into())
        }
    }
}

/// Reads a body of at most [`MAX_BYTES`].
///
/// # Errors
/// `PayloadTooLarge`, without reading further; `BadRequest` when the caller stops in the middle.
pub async fn bounded(body: Body) -> Result<bytes::Bytes> {
    use http_body::Body as _;
    if body.size_hint().lower() > MAX_BYTES as u64 {
        return Err(Error::PayloadTooLarge { limit: MAX_BYTES });
    }
    match Limited::new(body, MAX_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::PayloadTooLarge { limit: MAX_BYTES }),
        Err(_) => Err(Error::BadRequest("The body ended before all of it arrived.".to_owned())),
    }
}

async fn is_empty(mut body: Body) -> Result<bool> {
    loop {
        match body.frame().await {
            None => return Ok(true),
            Some(Ok(frame)) if frame.data_ref().is_none_or(bytes::Bytes::is_empty) => {}
            Some(Ok(_)) => return Ok(false),
            Some(Err(_)) => return Err(Error::BadRequest("The body ended before all of it arrived.".to_owned())),
        }
    }
}

/// Whether the body is declared as JSON: `application/json` or a type with the suffix `+json` (RFC 6839).
fn declares_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    declared.and_then(|text| text.parse::<mime::Mime>().ok()).is_some_and(|mime| {
        mime.type_() == mime::APPLICATION && (mime.subtype() == mime::JSON || mime.suffix() == Some(mime::JSON))
    })
}
