//! What happens on a socket, from its handshake to its end.

use std::pin::pin;

use serde_json::{Map, Value};
use tokio::select;
use tokio::time::{Instant, sleep_until};

use super::super::boundary::RequestId;
use super::super::live::{Due, Lease, Place, patrol};
use super::super::{App, SocketBounds, graphql_http};
use super::close::Close;
use super::credentials::Credentials;
use super::message::{self, Message};
use super::operations::Operations;
use super::socket::{Received, Socket};
use crate::auth::Verified;
use crate::error::Error;
use crate::user::UserId;

/// A socket and all that belongs to it.
pub(super) struct Session {
    app: App,
    socket: Socket,
    credentials: Credentials,
    request_id: RequestId,
    /// When it has to have begun.
    init_deadline: Instant,
    has_begun: bool,
    caller: Option<Caller>,
    operations: Operations,
    heard_at: Instant,
    /// Whether the peer was asked for a sign of life since.
    is_asked: bool,
}

/// Whose socket it is.
#[derive(Debug)]
struct Caller {
    user: UserId,
    lease: Lease,
    _place: Place,
}

/// Whether it goes on.
type Step = Result<(), Close>;

impl Session {
    pub(super) fn new(app: App, socket: Socket, credentials: Credentials, request_id: RequestId) -> Self {
        let (now, patience) = (Instant::now(), app.settings.limits.sockets.init_timeout);
        Self {
            app,
            socket,
            credentials,
            request_id,
            init_deadline: now + patience,
            has_begun: false,
            caller: None,
            operations: Operations::default(),
            heard_at: now,
            is_asked: false,
        }
    }

    /// Serves the socket to its end, which comes at once where another protocol was asked for.
    pub(super) async fn run(mut self, is_our_protocol: bool) {
        let opened_at = Instant::now();
        let close = if is_our_protocol { self.serve().await } else { Close::OTHER_PROTOCOL };
        // What was taken is free before the peer is told, and may come again.
        (self.operations, self.caller) = (Operations::default(), None);
        let (seconds, request_id) = (opened_at.elapsed().as_secs_f64(), self.request_id.as_str());
        tracing::info!(code = close.code(), seconds, request_id, "a socket ended");
        self.socket.close(&close).await;
    }

    async fn serve(&mut self) -> Close {
        let mut leaving = pin!(self.app.stop.clone().leaving(self.app.sockets.turn()));
        let mut patrol = patrol();
        loop {
            let step = select! {
                () = &mut leaving => Err(Close::STOPPING),
                () = sleep_until(self.init_deadline), if !self.has_begun => Err(Close::NOT_BEGUN_IN_TIME),
                received = self.socket.receive() => self.take(received).await,
                Some(said) = self.operations.next() => self.socket.send(said).await,
                _ = patrol.tick() => self.look_at_the_time().await,
            };
            if let Err(close) = step {
                return close;
            }
        }
    }

    async fn take(&mut self, received: Result<Received, Close>) -> Step {
        let received = received?;
        (self.heard_at, self.is_asked) = (Instant::now(), false);
        let Received::Text(text) = received else { return Ok(()) };
        match Message::parse(&text).map_err(Close::malformed)? {
            Message::Init(payload) => self.begin(payload).await,
            Message::Ping(payload) => self.answer_ping(payload).await,
            Message::Pong(payload) => self.renew(&payload.unwrap_or_default()).await.map(|_| ()),
            Message::Subscribe(id, request) => self.subscribe(&id, request).await,
            Message::Complete(id) => {
                self.operations.stop(&id);
                Ok(())
            }
        }
    }

    async fn begin(&mut self, payload: Map<String, Value>) -> Step {
        if self.has_begun {
            return Err(Close::BEGUN_TWICE);
        }
        self.has_begun = true;
        let verified = self.credentials.verify(&self.app, &payload).await.map_err(|error| self.refuse(&error))?;
        let Verified { user, expires_at } = verified;
        self.app.budget.admit(&user).map_err(|error| self.refuse(&error))?;
        let place = self.app.sockets.take(&user, self.bounds().per_user).ok_or(Close::TOO_MANY)?;
        self.caller = Some(Caller { user, lease: Lease::until(expires_at), _place: place });
        self.socket.send(message::connection_ack()).await
    }

    /// A ping is answered with what is in it, unless that is a token.
    async fn answer_ping(&mut self, payload: Option<Map<String, Value>>) -> Step {
        let told = match payload {
            Some(payload) => Some(self.renew(&payload).await?.map_or(payload, message::expiry)),
            None => None,
        };
        self.socket.send(message::pong(told.as_ref())).await
    }

    /// Puts off the end of the token where a payload brings a new one; answers how many seconds are left then.
    async fn renew(&mut self, payload: &Map<String, Value>) -> Result<Option<i64>, Close> {
        let renewed = self.credentials.renewed(&self.app, payload).await.map_err(|error| self.refuse(&error))?;
        let (Some(verified), Some(caller)) = (renewed, &mut self.caller) else { return Ok(None) };
        if verified.user != caller.user {
            return Err(Close::OTHER_USER);
        }
        caller.lease = Lease::until(verified.expires_at);
        Ok(Some(caller.lease.left(self.app.clock.now())))
    }

    async fn subscribe(&mut self, id: &str, request: Map<String, Value>) -> Step {
        let Some(caller) = &self.caller else { return Err(Close::NOT_ACKNOWLEDGED) };
        let call = graphql_http::call_of_request(request, &self.app.graphql);
        let call = call.map_err(|error| Close::malformed(error.to_string()))?;
        if self.operations.contains(id) {
            return Err(Close::id_in_use(id));
        }
        let most = self.bounds().operations;
        if self.operations.count() >= most {
            return self.socket.send(message::error(id, &Error::TooManyOperations { most })).await;
        }
        let request_id = self.request_id.clone();
        self.operations.start(id, self.app.clone(), caller.user.clone(), call, request_id);
        Ok(())
    }

    async fn look_at_the_time(&mut self) -> Step {
        let (silent, patience) = (self.heard_at.elapsed(), self.bounds().silence);
        if silent >= patience {
            return Err(Close::Gone);
        }
        if silent >= patience / 2 && !self.is_asked {
            self.is_asked = true;
            self.socket.ping().await?;
        }
        let Some(caller) = &mut self.caller else { return Ok(()) };
        match caller.lease.due(self.app.clock.now()) {
            Due::Nothing => Ok(()),
            Due::Warning(left) => self.socket.send(message::ping(left)).await,
            Due::End => Err(Close::TOKEN_EXPIRED),
        }
    }

    /// The end that follows from a token that does not count. Its cause, where there is one, is for the log.
    fn refuse(&self, error: &Error) -> Close {
        if let Some(cause) = error.cause() {
            tracing::error!(request_id = self.request_id.as_str(), cause, "a token could not be verified");
        }
        Close::refused(error)
    }

    fn bounds(&self) -> &SocketBounds {
        &self.app.settings.limits.sockets
    }
}
