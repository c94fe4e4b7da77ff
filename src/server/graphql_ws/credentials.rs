//! The token of a socket: in a payload, or in the request that opened it.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value};

use super::super::{App, door};
use crate::auth::Verified;
use crate::error::Result;

/// What the handshake told of its sender.
#[derive(Debug)]
pub(super) struct Credentials {
    /// `Authorization`, and nothing else.
    headers: HeaderMap,
    address: Option<IpAddr>,
}

impl Credentials {
    pub(super) fn new(headers: &HeaderMap, address: Option<IpAddr>) -> Self {
        let values = headers.get_all(header::AUTHORIZATION).iter();
        Self { headers: values.map(|value| (header::AUTHORIZATION, value.clone())).collect(), address }
    }

    /// Whose token it is: that of the payload of `connection_init`, or if there is none, that of the handshake.
    ///
    /// # Errors
    /// As [`door::identify`].
    pub(super) async fn verify(&self, app: &App, payload: &Map<String, Value>) -> Result<Verified> {
        let given = authorization(payload);
        let headers = if given.is_empty() { &self.headers } else { &given };
        door::identify(app, headers, || self.address).await
    }

    /// Whose token is in a payload, if there is one in it.
    ///
    /// # Errors
    /// As [`door::identify`].
    pub(super) async fn renewed(&self, app: &App, payload: &Map<String, Value>) -> Result<Option<Verified>> {
        let given = authorization(payload);
        if given.is_empty() {
            return Ok(None);
        }
        door::identify(app, &given, || self.address).await.map(Some)
    }
}

/// The members `authorization` of a payload and of its `headers`, in any case, as the headers that they stand for.
fn authorization(payload: &Map<String, Value>) -> HeaderMap {
    let inner = payload.iter().filter(|(name, _)| name.eq_ignore_ascii_case("headers"));
    let inner = inner.filter_map(|(_, headers)| headers.as_object()).flatten();
    let named = payload.iter().chain(inner).filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    // What cannot be a header is none that anybody would accept.
    let value = |value: &Value| HeaderValue::from_str(value.as_str().unwrap_or_default());
    named.map(|(_, text)| (header::AUTHORIZATION, value(text).unwrap_or(HeaderValue::from_static("")))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_found_wherever_clients_put_it() {
        for (payload, found) in [
            (json!({ "authorization": "Bearer a" }), &["Bearer a"][..]),
            (json!({ "Authorization": "Bearer a", "x": 1 }), &["Bearer a"]),
            (json!({ "headers": { "AUTHORIZATION": "Bearer a" } }), &["Bearer a"]),
            (json!({ "Headers": { "Authorization": "Bearer a" } }), &["Bearer a"]),
            (json!({ "authorization": "Bearer a", "headers": { "authorization": "b" } }), &["Bearer a", "b"]),
            (json!({ "authorization": null }), &[""]),
            (json!({ "authorization": ["Bearer a"] }), &[""]),
            (json!({ "authorization": "Bearer a\n" }), &[""]),
            (json!({ "token": "Bearer a", "headers": "authorization" }), &[]),
            (json!({}), &[]),
        ] {
            let headers = authorization(payload.as_object().unwrap());
            let values: Vec<&str> = headers.values().map(|value| value.to_str().unwrap()).collect();
            assert_eq!(values, found, "{payload}");
        }
    }
}
