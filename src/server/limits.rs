//! How much the server takes on, and for how long.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::health;
use super::metrics::{Load, Metrics};
use crate::error::{Error, Result};
use crate::rest::body::Bounds;

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
}

/// Lets a request run while there is a place and time left. One without a place is refused at once, before anything of
/// it is read or looked up; health checks need none, so that a busy server is not taken for a dead one.
pub(super) async fn bounded(State(gate): State<Gate>, request: Request, next: Next) -> Result<Response> {
    let needs_place = !health::PATHS.contains(&request.uri().path());
    // Held until there is an answer. Sending it is bounded elsewhere: callers who take it slowly cannot fill the places.
    let _place = match gate.places.try_acquire() {
        Err(_) if needs_place => {
            gate.metrics.shed(Load::Request);
            return Err(Error::unavailable("too many requests run already"));
        }
        place => place,
    };
    let answer = timeout(gate.timeout, next.run(request)).await;
    answer.map_err(|_| Error::timeout(format!("there was no answer within {:?}", gate.timeout)))
}
