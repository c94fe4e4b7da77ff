//! A piece of work for SQLite, run on a blocking thread.

use std::time::Duration;

use diesel::{QueryResult, SqliteConnection};

use super::failure;
use crate::store::failure::Failure;
use crate::store::turn::{Answer, Caller, Waits, turn};

/// What became of a piece of work on the connection.
pub(super) enum Verdict {
    Done,
    /// It is to be taken back; the connection is as good as before.
    Refused,
    /// The file failed. Whatever else is in the transaction is lost with it.
    Lost(String),
}

/// Work, whatever it answers.
pub(super) trait Work: Waits + Send {
    /// Runs it, once.
    fn run(&mut self, connection: &mut SqliteConnection) -> Verdict;
    /// Tells the caller. `lost`: why nothing of what it did counts.
    fn answer(self: Box<Self>, lost: Option<&str>);
}

struct Job<W, T> {
    work: Option<W>,
    outcome: Option<Result<T, Failure>>,
    caller: Caller<T>,
}

/// Work that is to be done, and its caller's end.
pub(super) fn job<T: Send + 'static>(
    work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
) -> (Box<dyn Work>, Answer<T>) {
    let (caller, answer) = turn("sqlite");
    (Box::new(Job { work: Some(work), outcome: None, caller }), answer)
}

impl<W, T> Waits for Job<W, T> {
    fn is_wanted(&self) -> bool {
        self.caller.is_wanted()
    }

    fn begin(&self) -> bool {
        self.caller.begin()
    }

    fn waited(&self) -> Duration {
        self.caller.waited()
    }
}

impl<W, T> Work for Job<W, T>
where
    W: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send,
    T: Send,
{
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
        self.caller.tell(outcome);
    }
}
