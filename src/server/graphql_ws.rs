//! GraphQL over WebSocket: the subprotocol `graphql-transport-ws`
//! (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>), for every kind of operation.
//!
//! [`handshake`](self::handshake) decides who may open a socket, [`socket`](self::socket) knows frames,
//! [`message`](self::message) the messages in them, [`session`](self::session) what follows from each, and
//! [`operations`](self::operations) runs what was asked for. See `docs/adr/0055-the-socket-is-ours.md`.

mod close;
mod credentials;
mod handshake;
mod message;
mod operations;
mod session;
mod socket;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use hyper_util::rt::TokioIo;

use super::boundary::RequestId;
use super::{App, address};
use crate::error::{Error, Result};
use credentials::Credentials;
use session::Session;
use socket::Socket;

pub(super) use handshake::is_upgrade;

/// Answers a request for a socket. What happens on it goes on after the answer, without a place among the requests that
/// run, and for as long as both sides like.
///
/// # Errors
/// `ForbiddenHost` for a page of a foreign origin, `BadRequest` when it is no handshake of RFC 6455 or there is a token
/// in its URL, `Unavailable` when the server is about to stop.
pub(super) fn upgrade(app: App, mut request: Request) -> Result<Response> {
    handshake::check(&request, &app.settings.cors_origins)?;
    if app.stop.has_begun() {
        return Err(Error::unavailable("the server is stopping"));
    }
    let protocol = handshake::protocol(request.headers());
    let answer = handshake::answer(request.headers(), protocol.clone());
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(answer);
    }
    let address = address::client(request.headers(), request.extensions(), &app.settings.trusted_proxies);
    let credentials = Credentials::new(request.headers(), address);
    let request_id = RequestId::of(request.headers());
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgraded.await {
            Ok(upgraded) => {
                let bounds = &app.settings.limits.sockets;
                let socket = Socket::new(TokioIo::new(upgraded), bounds.message_bytes, bounds.silence).await;
                Session::new(app, socket, credentials, request_id).run(protocol.is_some()).await;
            }
            Err(error) => tracing::debug!(%error, "a connection did not become a socket"),
        }
    });
    Ok(answer)
}
