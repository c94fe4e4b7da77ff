//! The handshake of RFC 6455, section 4.2, and who may shake hands.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, Version, header};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::error::{Error, Result};

/// The subprotocol that is spoken here.
const PROTOCOL: &str = "graphql-transport-ws";

/// Names of parameters that hold tokens, without their case and what joins their words.
const TOKENS: [&str; 9] =
    ["token", "accesstoken", "authtoken", "idtoken", "authorization", "auth", "bearer", "bearertoken", "jwt"];

/// Whether a request asks for a socket (RFC 6455, section 4.1).
pub(in crate::server) fn is_upgrade(request: &Request) -> bool {
    let headers = request.headers();
    request.version() == Version::HTTP_11
        && has_item(headers, &header::CONNECTION, "upgrade")
        && has_item(headers, &header::UPGRADE, "websocket")
}

/// Refuses a request for a socket that comes from a foreign page, or that tells a secret to whoever logs URLs.
///
/// # Errors
/// `ForbiddenHost`, `BadRequest`.
pub(super) fn check(request: &Request, origins: &[HeaderValue]) -> Result<()> {
    if !is_from_here(request.headers(), origins) {
        return Err(Error::ForbiddenHost(
            "Pages of this origin may not open a socket; the operator names those that may in CORS_ORIGINS.",
        ));
    }
    if form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).any(|(name, value)| {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        TOKENS.contains(&name.to_ascii_lowercase().as_str()) || value.starts_with("eyJ") || value.starts_with("Bearer ")
    }) {
        return Err(Error::BadRequest(
            "A token does not belong into the URL, because URLs are logged: send it in the payload of connection_init, \
             or in the header Authorization."
                .to_owned(),
        ));
    }
    Ok(())
}

/// The subprotocol, if the peer offers it.
pub(super) fn protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    // Its name has a case (RFC 6455, section 4.1), unlike those of the other headers here.
    let mut offered = items(headers, &header::SEC_WEBSOCKET_PROTOCOL);
    offered.any(|name| name == PROTOCOL).then(|| HeaderValue::from_static(PROTOCOL))
}

/// The answer that makes the connection a socket, or one with another status that says why it does not become one.
pub(super) fn answer(headers: &HeaderMap, protocol: Option<HeaderValue>) -> Response {
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let error = Error::BadRequest("The header Sec-WebSocket-Version must be 13.".to_owned());
        return ([(header::SEC_WEBSOCKET_VERSION, "13")], error).into_response();
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    if BASE64_STANDARD.decode(key).ok().is_none_or(|nonce| nonce.len() != 16) {
        let error = Error::BadRequest("The header Sec-WebSocket-Key must be 16 bytes in base64.".to_owned());
        return error.into_response();
    }
    let accepted = match HeaderValue::try_from(derive_accept_key(key)) {
        Ok(accepted) => accepted,
        Err(error) => return Error::internal(error).into_response(),
    };
    let mut answer = HeaderMap::from_iter([
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accepted),
    ]);
    answer.extend(protocol.map(|protocol| (header::SEC_WEBSOCKET_PROTOCOL, protocol)));
    (StatusCode::SWITCHING_PROTOCOLS, answer).into_response()
}

/// Whether no page is behind a request, or one of this host, or one of an origin in the list. Browsers let every page
/// open sockets to everywhere, and CORS says nothing about them (RFC 6455, section 10.2).
fn is_from_here(headers: &HeaderMap, origins: &[HeaderValue]) -> bool {
    let mut given = headers.get_all(header::ORIGIN).iter();
    match (given.next(), given.next()) {
        (None, _) => true,
        (Some(origin), None) => origins.contains(origin) || is_own(headers, origin).unwrap_or(false),
        _ => false,
    }
}

/// Whether an origin is that of the host that was called, by https or not: who ends TLS is a proxy.
fn is_own(headers: &HeaderMap, origin: &HeaderValue) -> Option<bool> {
    let origin: Uri = origin.to_str().ok()?.parse().ok()?;
    let default_port = match origin.scheme_str()? {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let host: Authority = headers.get(header::HOST)?.to_str().ok()?.parse().ok()?;
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
    let origin = origin.authority()?;
    Some(origin.host().eq_ignore_ascii_case(host.host()) && port(origin) == port(&host))
}

fn has_item(headers: &HeaderMap, name: &HeaderName, item: &str) -> bool {
    items(headers, name).any(|other| other.eq_ignore_ascii_case(item))
}

/// The items of a header that is a list.
fn items<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_open(host: &'static str, origins: &[&'static str]) -> bool {
        let mut headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
        for origin in origins {
            headers.append(header::ORIGIN, HeaderValue::from_static(origin));
        }
        is_from_here(&headers, &[HeaderValue::from_static("https://app.example")])
    }

    #[test]
    fn a_page_of_this_host_or_of_the_list_may_open_a_socket() {
        for (host, origins) in [
            ("api.example", &[][..]),
            ("api.example", &["https://app.example"]),
            ("api.example", &["https://api.example"]),
            ("api.example", &["http://api.example"]),
            ("API.example:443", &["https://api.example"]),
            ("api.example", &["https://api.example:443"]),
            ("localhost:8000", &["http://localhost:8000"]),
            ("[::1]:8000", &["http://[::1]:8000"]),
        ] {
            assert!(may_open(host, origins), "{host} {origins:?}");
        }
        for (host, origins) in [
            ("api.example", &["null"][..]),
            ("api.example", &[""]),
            ("api.example", &["http://app.example"]),
            ("api.example", &["https://app.example:8443"]),
            ("api.example", &["https://api.example:8443"]),
            ("api.example", &["https://api.example.evil.example"]),
            ("api.example", &["file://api.example"]),
            ("api.example", &["api.example"]),
            ("localhost:8000", &["http://localhost:3000"]),
            ("localhost:8000", &["http://localhost"]),
            ("api.example", &["https://app.example", "https://app.example"]),
        ] {
            assert!(!may_open(host, origins), "{host} {origins:?}");
        }
    }

    #[test]
    fn tokens_in_a_url_are_found() {
        let check = |query: &str| {
            let request = Request::get(format!("/graphql?{query}")).body(axum::body::Body::empty()).unwrap();
            check(&request, &[])
        };
        for query in
            ["token=x", "access_token=x", "Authorization=", "a=1&id-token=x", "x=eyJh.b.c", "x=Bearer%20y", "jwt"]
        {
            assert!(matches!(check(query), Err(Error::BadRequest(_))), "{query}");
        }
        for query in ["", "tokens=1", "query=%7Btoken%7D", "x=key"] {
            assert!(check(query).is_ok(), "{query}");
        }
    }
}
