//! SQLite like a server: one connection that writes, some that read, and no work of theirs on the threads that serve
//! requests.
//!
//! Work waits in lanes ([`lane`]): what is short, what may be long, and what writes, several of which share a
//! transaction ([`group`]).

use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use bb8::{Pool, QueueStrategy};
use diesel::result::Error as DieselError;
use diesel::{QueryResult, SqliteConnection};

use self::file::{Manager, Role};
pub(super) use self::file::{create_private, open, open_to_read};
use self::lane::Lane;
use super::failure::Failure;
use super::figures::PoolFigures;
use super::health::{Health, State};
use super::{ACQUIRE_TIMEOUT, STATEMENT_TIMEOUT};
use crate::error::{Error, Result};

mod file;
mod group;
mod lane;
mod work;

/// The connections to one database file.
#[derive(Debug, Clone)]
pub(super) struct Sqlite {
    readers: Pool<Manager>,
    writer: Pool<Manager>,
    short: Arc<Lane>,
    long: Arc<Lane>,
    writes: Arc<Lane>,
    pub(super) statement_timeout: Duration,
    health: Health,
}

impl Sqlite {
    /// One writer and at most `size` readers. Nothing is opened yet.
    pub(super) fn new(path: &Path, size: u32, health: Health) -> Self {
        let pool = |size, role| {
            let manager = Manager { path: path.to_owned(), role };
            // The one that was used last has its pages at hand.
            let builder = Pool::builder().max_size(size).queue_strategy(QueueStrategy::Lifo);
            builder.connection_timeout(ACQUIRE_TIMEOUT).build_unchecked(manager)
        };
        let (readers, writer) = (pool(size.max(1), Role::Reader), pool(1, Role::Writer));
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        // More would only take the processors from each other.
        let short = available_parallelism().map_or(1, usize::from).min(size.div_ceil(2)).max(1);
        Self {
            short: Lane::new(readers.clone(), short, lane::reads),
            long: Lane::new(readers.clone(), size.saturating_sub(short).max(1), lane::reads),
            writes: Lane::new(writer.clone(), 1, group::writes),
            readers,
            writer,
            statement_timeout: STATEMENT_TIMEOUT,
            health,
        }
    }

    /// Runs `work` that reads a little.
    pub(super) async fn shared<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.short, work).await
    }

    /// Runs `work` that may read a lot.
    pub(super) async fn exclusive<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.long, work).await
    }

    /// Runs `work` on the writer, whole or not at all, and comes back when it is on the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.writes, work).await
    }

    /// The figures of the readers and of the writer.
    pub(super) fn figures(&self) -> [PoolFigures; 2] {
        let readers = PoolFigures::of("readers", &self.readers);
        [
            readers.with_queue(self.short.figures()).with_queue(self.long.figures()),
            PoolFigures::of("writer", &self.writer).with_queue(self.writes.figures()),
        ]
    }

    /// Runs `work` when its turn comes; see [`super::turn`].
    async fn run<T: Send + 'static>(
        &self,
        lane: &Arc<Lane>,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        self.health.is_open()?;
        let (job, answer) = work::job(work);
        if !lane.push(job) {
            return Err(Error::unavailable("too much waits for the database"));
        }
        let outcome = answer.wait(self.statement_timeout).await;
        let is_ill = matches!(outcome, Err(Failure::Lost(_) | Failure::Late(_) | Failure::NoTurn(_)));
        self.health.set(if is_ill { State::Ill } else { State::Well });
        outcome.map_err(Error::from)
    }
}

/// What SQLite says (`sqlite3_errstr`) where the file, and not the statement, is what is wrong. Diesel keeps the
/// result code to itself.
const OF_THE_FILE: [&str; 6] = [
    "attempt to write a readonly database",
    "database is locked",
    "database or disk is full",
    "disk I/O error",
    "locking protocol",
    "unable to open database file",
];

fn failure(error: DieselError) -> Failure {
    match error {
        DieselError::DatabaseError(_, information) if OF_THE_FILE.contains(&information.message()) => {
            Failure::Lost(information.message().to_owned().into())
        }
        // SQLite takes the transaction back by itself then.
        DieselError::RollbackErrorOnCommit { commit_error, .. } => failure(*commit_error),
        error => Failure::Refused(error),
    }
}

#[cfg(test)]
mod tests;
