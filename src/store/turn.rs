//! Work that waits for its turn on a connection, and the caller who waits for what comes of it.
//!
//! The work owns what it needs and runs in a task of its own: a caller that goes away, or is told that it takes too long,
//! leaves nothing half done. Work whose turn has not come by then is not done.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tracing::Span;

use super::ACQUIRE_TIMEOUT;
use super::failure::Failure;
use crate::timing::{Phase, count};
use crate::trace;

/// Work that somebody may wait for.
pub(super) trait Waits {
    /// Whether somebody waits for it.
    fn is_wanted(&self) -> bool;
    /// Takes its turn. `false`: nobody waits for it any more, and it is not to be run.
    fn begin(&self) -> bool;
    /// How long it has waited for its turn.
    fn waited(&self) -> Duration;
}

/// What the work and its caller both know.
struct Turn {
    /// What the database is called in traces.
    system: &'static str,
    since: Instant,
    /// Set once: by the work when its turn comes, or to `None` by the caller who waits no longer.
    begun: OnceLock<Option<Instant>>,
    /// What the caller does, as traces see it, and then the work itself. `None`: the caller is gone, and its span must not
    /// be kept open.
    span: Mutex<Option<Span>>,
}

impl Turn {
    fn begun(&self) -> Option<Instant> {
        self.begun.get().copied().flatten()
    }

    fn span(&self) -> MutexGuard<'_, Option<Span>> {
        self.span.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The work's end.
pub(super) struct Caller<T> {
    turn: Arc<Turn>,
    reply: oneshot::Sender<Result<T, Failure>>,
}

/// The caller's end.
pub(super) struct Answer<T> {
    turn: Arc<Turn>,
    reply: oneshot::Receiver<Result<T, Failure>>,
}

/// Both ends of a turn on a database, which traces call `system`. It is waited for from now on.
pub(super) fn turn<T>(system: &'static str) -> (Caller<T>, Answer<T>) {
    let span = Mutex::new(Some(Span::current()));
    let turn = Arc::new(Turn { system, since: Instant::now(), begun: OnceLock::new(), span });
    let (sender, receiver) = oneshot::channel();
    (Caller { turn: Arc::clone(&turn), reply: sender }, Answer { turn, reply: receiver })
}

impl<T> Caller<T> {
    /// A caller that went away is told nothing.
    pub(super) fn tell(self, outcome: Result<T, Failure>) {
        let _ = self.reply.send(outcome);
    }
}

impl<T> Waits for Caller<T> {
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn begin(&self) -> bool {
        if !self.is_wanted() || self.turn.begun.get_or_init(|| Some(Instant::now())).is_none() {
            return false;
        }
        let mut span = self.turn.span();
        *span = span.take().map(|parent| parent.in_scope(|| trace::statement(self.turn.system)));
        true
    }

    fn waited(&self) -> Duration {
        self.turn.since.elapsed()
    }
}

impl<T> Answer<T> {
    /// Waits for the turn, and then for at most `limit` for the outcome.
    pub(super) async fn wait(mut self, limit: Duration) -> Result<T, Failure> {
        let outcome = loop {
            if let Ok(reply) = timeout_at(self.until(limit), &mut self.reply).await {
                break reply.unwrap_or(Err(Failure::Panicked));
            }
            if let Some(failure) = self.is_over(limit) {
                break Err(failure);
            }
        };
        let begun = self.turn.begun();
        count(Phase::Pool, begun.unwrap_or_else(Instant::now).duration_since(self.turn.since));
        count(Phase::Database, begun.map(|begun| begun.elapsed()).unwrap_or_default());
        if let (Err(failure), Some(_), Some(span)) = (&outcome, begun, &*self.turn.span()) {
            trace::failed(span, failure.kind());
        }
        outcome
    }

    /// Until when there is nothing to decide.
    fn until(&self, limit: Duration) -> Instant {
        match self.turn.begun() {
            Some(begun) => begun + limit,
            // No later than the work could be late if its turn came right now.
            None => (self.turn.since + ACQUIRE_TIMEOUT).min(Instant::now() + limit),
        }
    }

    fn is_over(&self, limit: Duration) -> Option<Failure> {
        if self.turn.begun().is_none() && self.turn.since.elapsed() < ACQUIRE_TIMEOUT {
            return None;
        }
        match self.turn.begun.get_or_init(|| None) {
            Some(begun) => (begun.elapsed() >= limit).then_some(Failure::Late(limit)),
            None => Some(Failure::NoTurn(ACQUIRE_TIMEOUT)),
        }
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        *self.turn.span() = None;
    }
}
