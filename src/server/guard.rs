//! Who may pass.

use std::net::IpAddr;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::uri::Authority;
use http::{HeaderMap, header};

use super::around::{Inner, Middleware};
use super::boundary::RequestId;
use super::{App, door, live};
use crate::error::Error;

/// Puts the user of the token into the request, or refuses it.
#[derive(Debug, Clone)]
pub(super) struct Authenticated(pub(super) App);

impl Middleware for Authenticated {
    fn around(self, mut request: Request, inner: impl Inner) -> impl Future<Output = Response> + Send {
        let request_id = RequestId::of(request.headers());
        async move {
            let caller = match door::admit(&self.0, request.headers(), request.extensions()).await {
                Ok(caller) => caller,
                Err(refusal) => return refusal.into_response(),
            };
            request.extensions_mut().insert(caller.user.clone());
            let response = inner.answer(request).await;
            if !live::is_stream(&response) {
                return response;
            }
            live::hold(&self.0, &caller, request_id, response).unwrap_or_else(Error::into_response)
        }
    }
}

/// Refuses requests that name another host than this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoopbackOnly;

impl Middleware for LoopbackOnly {
    async fn around(self, request: Request, inner: impl Inner) -> Response {
        if names_loopback(request.headers(), request.uri().authority()) {
            return inner.answer(request).await;
        }
        let refusal = "This server answers on this machine only; call it as localhost or 127.0.0.1.";
        Error::ForbiddenHost(refusal).into_response()
    }
}

fn names_loopback(headers: &HeaderMap, target: Option<&Authority>) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let named = match (target, hosts.next(), hosts.next()) {
        (Some(target), None, None) => Some(target.clone()),
        (None, Some(host), None) => host.to_str().ok().and_then(|host| host.parse().ok()),
        (Some(target), Some(host), None) if host.as_bytes() == target.as_str().as_bytes() => Some(target.clone()),
        _ => None,
    };
    named.is_some_and(|authority| is_loopback(authority.host()))
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = host.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["localhost", "LOCALHOST", "app.localhost", "127.0.0.1", "127.8.0.1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["example.com", "localhost.example.com", "10.0.0.1", "0.0.0.0", "[::]", "127.0.0.1.nip.io", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
