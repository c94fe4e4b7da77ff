//! A piece of work that waits for its turn on a connection, and the caller who waits for what comes of it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use diesel::{QueryResult, SqliteConnection};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tracing::Span;

use super::failure;
use crate::store::ACQUIRE_TIMEOUT;
use crate::store::failure::Failure;
use crate::timing::{Phase, count};
use crate::trace;

/// What became of a piece of work on the connection.
pub(super) enum Verdict {
    Done,
    /// It is to be taken back; the connection is as good as before.
    Refused,
    /// The file failed. Whatever else is in the transaction is lost with it.
    Lost(String),
}

/// Work, whatever it answers.
pub(super) trait Work: Send {
    /// Whether somebody waits for it.
    fn is_wanted(&self) -> bool;
    /// Takes its turn. `false`: nobody waits for it any more, and it is not to be run.
    fn begin(&self) -> bool;
    /// How long it has waited for its turn.
    fn waited(&self) -> Duration;
    /// Runs it, once.
    fn run(&mut self, connection: &mut SqliteConnection) -> Verdict;
    /// Tells the caller. `lost`: why nothing of what it did counts.
    fn answer(self: Box<Self>, lost: Option<&str>);
}

/// What the work and its caller both know.
struct Turn {
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

struct Job<W, T> {
    work: Option<W>,
    outcome: Option<Result<T, Failure>>,
    turn: Arc<Turn>,
    reply: oneshot::Sender<Result<T, Failure>>,
}

/// The caller's end.
pub(super) struct Answer<T> {
    turn: Arc<Turn>,
    reply: oneshot::Receiver<Result<T, Failure>>,
}

/// Work that is to be done, and its caller's end.
pub(super) fn job<T: Send + 'static>(
    work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
) -> (Box<dyn Work>, Answer<T>) {
    let turn =
        Arc::new(Turn { since: Instant::now(), begun: OnceLock::new(), span: Mutex::new(Some(Span::current())) });
    let (sender, receiver) = oneshot::channel();
    let job = Job { work: Some(work), outcome: None, turn: Arc::clone(&turn), reply: sender };
    (Box::new(job), Answer { turn, reply: receiver })
}

impl<W, T> Work for Job<W, T>
where
    W: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send,
    T: Send,
{
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn begin(&self) -> bool {
        if !self.is_wanted() || self.turn.begun.get_or_init(|| Some(Instant::now())).is_none() {
            return false;
        }
        let mut span = self.turn.span();
        *span = span.take().map(|parent| parent.in_scope(|| trace::statement("sqlite")));
        true
    }

    fn waited(&self) -> Duration {
        self.turn.since.elapsed()
    }

    fn run(&mut self, connection: &mut SqliteConnection) -> Verdict {
        let Some(work) = self.work.take() else { return Verdict::Refused };
        let outcome = work(connection).map_err(failure);
        let verdict = match &outcome {
            Ok(_) => Verdict::Done,
            Err(Failure::Lost(cause)) => Verdict::Lost(cause.to_string()),
            Err(_) => Verdict::Refused,
        };
        self.outcome = Some(outcome);
        verdict
    }

    fn answer(self: Box<Self>, lost: Option<&str>) {
        let outcome = match (self.outcome, lost) {
            // What was refused was not done in any case.
            (Some(Err(failure)), _) => Err(failure),
            (_, Some(cause)) => Err(Failure::Lost(cause.to_owned().into())),
            (Some(outcome), None) => outcome,
            (None, None) => return,
        };
        // A caller that went away is told nothing.
        let _ = self.reply.send(outcome);
    }
}

impl<T> Answer<T> {
    /// Waits for the turn, and then for at most `limit` for the outcome. `None`: the work panicked.
    pub(super) async fn wait(mut self, limit: Duration) -> Option<Result<T, Failure>> {
        let outcome = loop {
            if let Ok(reply) = timeout_at(self.until(limit), &mut self.reply).await {
                break reply.ok();
            }
            if let Some(failure) = self.is_over(limit) {
                break Some(Err(failure));
            }
        };
        let begun = self.turn.begun();
        count(Phase::Pool, begun.unwrap_or_else(Instant::now).duration_since(self.turn.since));
        count(Phase::Database, begun.map(|begun| begun.elapsed()).unwrap_or_default());
        if let (Some(Err(failure)), Some(_), Some(span)) = (&outcome, begun, &*self.turn.span()) {
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
        if let Some(begun) = self.turn.begun.get_or_init(|| None) {
            return (begun.elapsed() >= limit).then_some(Failure::Late(limit));
        }
        let cause = format!("no database connection came free within {ACQUIRE_TIMEOUT:?}");
        Some(Failure::Lost(cause.into()))
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        *self.turn.span() = None;
    }
}
