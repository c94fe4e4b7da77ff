//! A request that changes something, read in full.

use axum::extract::Request;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};

use serde_json::Value;

use super::body::{self, Bounds, Members};
use crate::error::{Problem, Result};
use crate::idempotency::{self, Key, Keyed};

/// What a request asks for: its body, what it is conditional on, its key.
#[derive(Debug)]
pub(super) struct Change<B = Members> {
    pub(super) headers: HeaderMap,
    body: Option<B>,
    pub(super) keyed: Option<Keyed>,
}

impl<B> Change<B> {
    async fn read_as(request: Request, bounds: Bounds, take: impl FnOnce(Value) -> Result<B>) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let key = key(&parts.headers);
        let (bytes, body) = body::json(&parts.headers, body, bounds).await?;
        let body = body.map(take).transpose()?;
        let keyed = key?.map(|key| of_request(key, &parts, &bytes));
        Ok(Self { headers: parts.headers, body, keyed })
    }

    /// The body, which must be there.
    pub(super) fn required_body(&mut self) -> Result<B> {
        Ok(self.body.take().ok_or_else(|| Problem::new("missing", "is required").at("body"))?)
    }

    /// Tells the caller whether the answer is new.
    pub(super) fn answer(&self, mut response: Response) -> Response {
        if self.keyed.as_ref().is_some_and(Keyed::is_replayed) {
            response.headers_mut().insert(idempotency::REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

impl Change<Vec<Value>> {
    /// Reads a request and its body, a list.
    pub(super) async fn read_list(request: Request, bounds: Bounds) -> Result<Self> {
        Self::read_as(request, bounds, body::entries).await
    }
}

impl Change {
    /// Reads a request and its body, an object.
    pub(super) async fn read(request: Request, bounds: Bounds) -> Result<Self> {
        Self::read_as(request, bounds, body::members).await
    }

    /// Reads a request whose body means nothing.
    pub(super) fn without_body(request: Request) -> Result<Self> {
        let (parts, _) = request.into_parts();
        let keyed = key(&parts.headers)?.map(|key| of_request(key, &parts, b""));
        Ok(Self { headers: parts.headers, body: None, keyed })
    }

    /// The members of the body, which may be absent.
    pub(super) fn body(&mut self) -> Members {
        self.body.take().unwrap_or_default()
    }
}

fn key(headers: &HeaderMap) -> Result<Option<Key>> {
    Ok(Key::of(headers).map_err(|problem| problem.at(idempotency::HEADER.as_str().to_owned()).at("header"))?)
}

fn of_request(key: Key, parts: &Parts, body: &[u8]) -> Keyed {
    let conditions = parts.headers.get_all(header::IF_MATCH).iter().map(HeaderValue::as_bytes);
    let conditions: Vec<&[u8]> = conditions.collect();
    let conditions = conditions.join(&b","[..]);
    key.of_request(&[b"rest", parts.method.as_str().as_bytes(), parts.uri.path().as_bytes(), &conditions, body])
}
