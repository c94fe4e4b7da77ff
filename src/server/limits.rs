//! How much the server takes on, and for how long.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use futures_util::future::{Either, ready};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::around::{Inner, Middleware};
use super::health;
use super::metrics::{Load, Metrics};
use crate::error::{Error, Result};
use crate::rest::body::Bounds;

/// About how many headers the layers add to an answer.
const HEADERS: usize = 16;

/// What the service bears before it refuses. Nothing here is zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of a request's body; beyond it `PayloadTooLarge`.
    pub body_bytes: usize,
    /// How long the header of a request may take to arrive; beyond it the connection is closed.
    pub header_timeout: Duration,
    /// How long a body may stand still: one that arrives (`Timeout`), or one that the peer does not take (closed).
    pub body_timeout: Duration,
    /// How long a request may take from its header to its answer, the arrival of its body included; beyond it
    /// `Timeout`.
    pub request_timeout: Duration,
    /// The most requests that run at once; beyond it `Unavailable`.
    pub in_flight: u32,
    /// The most connections that are open at once; those beyond it are closed unanswered.
    pub connections: u32,
    /// How long a stop waits for running requests.
    pub drain_time: Duration,
    /// What one WebSocket, and one user with several, may take.
    pub sockets: SocketBounds,
}

/// What the service bears of sockets (WebSocket). Nothing here is zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketBounds {
    /// The most that one user may have open at once; those beyond it are closed.
    pub per_user: u32,
    /// The most operations that run at once on one; those beyond it are answered with an error.
    pub operations: usize,
    /// The most bytes of a message of the peer; beyond it the socket is closed.
    pub message_bytes: usize,
    /// How long the peer may take to begin; beyond it the socket is closed.
    pub init_timeout: Duration,
    /// How long nothing may be heard of the peer, which is asked for a sign of life after half of it, and how long it
    /// may take to take a message; beyond it the socket is dropped.
    pub silence: Duration,
}

impl Default for SocketBounds {
    fn default() -> Self {
        Self {
            per_user: 20,
            operations: 32,
            message_bytes: 64 * 1024,
            init_timeout: Duration::from_secs(3),
            silence: Duration::from_secs(40),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let body = Bounds::default();
        Self {
            body_bytes: body.bytes,
            header_timeout: Duration::from_secs(10),
            body_timeout: body.stall,
            request_timeout: Duration::from_secs(10),
            in_flight: 512,
            connections: 10_000,
            drain_time: Duration::from_secs(10),
            sockets: SocketBounds::default(),
        }
    }
}

impl Limits {
    /// What those who read bodies have to hold.
    pub(super) const fn body(&self) -> Bounds {
        Bounds { bytes: self.body_bytes, stall: self.body_timeout }
    }
}

/// Which requests may run, and for how long. A clone is the same gate.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    timeout: Duration,
    metrics: Metrics,
}

impl Gate {
    pub(super) fn new(limits: &Limits, metrics: Metrics) -> Self {
        Self { places: Arc::new(Semaphore::new(limits.in_flight as usize)), timeout: limits.request_timeout, metrics }
    }

    /// Lets work be done while there is a place and time left, from now on. Work without a place is refused at once.
    ///
    /// # Errors
    /// `Unavailable`, `Timeout`.
    pub(super) fn run<T, Work>(&self, needs_place: bool, work: Work) -> impl Future<Output = Result<T>> + use<T, Work>
    where
        Work: Future<Output = T>,
    {
        let (place, limit) = (Arc::clone(&self.places).try_acquire_owned(), self.timeout);
        if place.is_err() && needs_place {
            self.metrics.shed(Load::Request);
            return Either::Left(ready(Err(Error::unavailable("too many requests run already"))));
        }
        // An async function would hold the work twice; see `timing`.
        Either::Right(timeout(limit, work).map(move |done| {
            drop(place);
            done.map_err(|_| Error::timeout(format!("there was no answer within {limit:?}")))
        }))
    }
}

/// Lets a request run while there is a place and time left. One without a place is refused before anything of it is read
/// or looked up; health checks need none, so that a busy server is not taken for a dead one. The place is free when there
/// is an answer. Sending it is bounded elsewhere: callers who take it slowly cannot fill the places.
impl Middleware for Gate {
    fn around(self, request: Request, inner: impl Inner) -> impl Future<Output = Response> + Send {
        let needs_place = !health::PATHS.contains(&request.uri().path());
        self.run(needs_place, inner.answer(request)).map(|answered| {
            let mut response = answered.unwrap_or_else(Error::into_response);
            // The layers outside add theirs one by one, and the map would grow as often.
            response.headers_mut().reserve(HEADERS);
            response
        })
    }
}
