//! SQLite like a server: one writer, a pool of readers, and no work of theirs on the threads that serve requests.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bb8::{ManageConnection, Pool};
use diesel::connection::SimpleConnection;
use diesel::result::Error as DieselError;
use diesel::{Connection, QueryResult, SqliteConnection};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::failure::Failure;
use super::health::{Health, State};
use super::{ACQUIRE_TIMEOUT, STATEMENT_TIMEOUT};
use crate::error::{Cause, Error, Result};
use crate::timing::{Phase, measure};
use crate::trace;

/// An acknowledged write is on the disk (`synchronous = FULL` under WAL). The busy timeout is for other processes:
/// inside this one the writers queue.
const SETTINGS: &str = "PRAGMA busy_timeout = 1500; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                        PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;";

/// For how long, and how long apart, a connection tries to switch a new file to WAL. Where several do so at once, SQLite
/// fails those that would have to wait, whatever the busy timeout is.
const WAL_PATIENCE: Duration = Duration::from_secs(5);
const WAL_PAUSE: Duration = Duration::from_millis(10);

/// What a path has to escape to be part of a URI that SQLite reads.
const IN_URI: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

/// The pools of one database file.
#[derive(Debug, Clone)]
pub(super) struct Sqlite {
    pub(super) readers: Pool<Manager>,
    pub(super) writer: Pool<Manager>,
    pub(super) statement_timeout: Duration,
    health: Health,
}

impl Sqlite {
    /// One writer and at most `size` readers. Nothing is opened yet.
    pub(super) fn new(path: &Path, size: u32, health: Health) -> Self {
        let pool = |size, role| {
            let manager = Manager { path: path.to_owned(), role };
            Pool::builder().max_size(size).connection_timeout(ACQUIRE_TIMEOUT).build_unchecked(manager)
        };
        Self {
            readers: pool(size.max(1), Role::Reader),
            writer: pool(1, Role::Writer),
            statement_timeout: STATEMENT_TIMEOUT,
            health,
        }
    }

    /// Runs `work` on a reader.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.readers, work).await
    }

    /// Runs `work` on the writer, as one transaction.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.writer, move |connection| connection.immediate_transaction(work)).await
    }

    /// The work owns its connection: a caller that goes away, or is told that it takes too long, waits for nothing and
    /// leaves nothing half done.
    async fn run<T: Send + 'static>(
        &self,
        pool: &Pool<Manager>,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        self.health.is_open()?;
        let outcome = match measure(Phase::Pool, pool.get_owned()).await {
            Ok(mut handle) => {
                let span = trace::statement("sqlite");
                let done = timeout(self.statement_timeout, spawn_blocking(move || handle.run(work)));
                let outcome = match measure(Phase::Database, done.instrument(span.clone())).await {
                    Ok(Ok(outcome)) => outcome,
                    Ok(Err(panic)) => return Err(Error::internal(panic)),
                    Err(_) => Err(Failure::Late(self.statement_timeout)),
                };
                if let Err(failure) = &outcome {
                    trace::failed(&span, failure.kind());
                }
                outcome
            }
            Err(bb8::RunError::User(cause)) => Err(Failure::Lost(cause)),
            Err(bb8::RunError::TimedOut) => {
                let cause = format!("no database connection came free within {ACQUIRE_TIMEOUT:?}");
                Err(Failure::Lost(cause.into()))
            }
        };
        let is_ill = matches!(outcome, Err(Failure::Lost(_) | Failure::Late(_)));
        self.health.set(if is_ill { State::Ill } else { State::Well });
        outcome.map_err(Error::from)
    }
}

/// An open file.
pub(super) struct Handle {
    connection: SqliteConnection,
    /// Whether it is to be opened anew: after a failure of the disk nobody knows what state SQLite left it in.
    is_spent: bool,
}

impl Handle {
    fn run<T>(&mut self, work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>) -> Result<T, Failure> {
        // It stays so where the work panics.
        self.is_spent = true;
        let outcome = work(&mut self.connection).map_err(failure);
        self.is_spent = matches!(outcome, Err(Failure::Lost(_)));
        outcome
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

#[derive(Debug, Clone, Copy)]
enum Role {
    Reader,
    Writer,
}

#[derive(Debug)]
pub(super) struct Manager {
    path: PathBuf,
    role: Role,
}

impl ManageConnection for Manager {
    type Connection = Handle;
    type Error = Cause;

    async fn connect(&self) -> Result<Handle, Cause> {
        let (path, role) = (self.path.clone(), self.role);
        spawn_blocking(move || {
            let mut connection = open(&path)?;
            if matches!(role, Role::Reader) {
                connection.batch_execute("PRAGMA query_only = ON;")?;
            }
            Ok(Handle { connection, is_spent: false })
        })
        .await?
    }

    async fn is_valid(&self, _: &mut Handle) -> Result<(), Cause> {
        Ok(())
    }

    fn has_broken(&self, handle: &mut Handle) -> bool {
        handle.is_spent
    }
}

/// Opens a database file, which is there, with the settings that every connection has.
///
/// A file that is gone is not made anew: it would be empty, and nobody would learn that the other one is missing.
pub(super) fn open(path: &Path) -> Result<SqliteConnection, Cause> {
    let name = path.to_str().ok_or("the path of the database is not UTF-8")?;
    // What follows two slashes is a host, so an absolute path has to follow it.
    let host = if path.is_absolute() { "//" } else { "" };
    let name = format!("file:{host}{}?mode=rw", utf8_percent_encode(name, IN_URI));
    let mut connection = SqliteConnection::establish(&name)?;
    let begun = Instant::now();
    while let Err(error) = connection.batch_execute(SETTINGS) {
        let is_locked = matches!(&error, DieselError::DatabaseError(_, said) if said.message() == "database is locked");
        if !is_locked || begun.elapsed() > WAL_PATIENCE {
            return Err(error.into());
        }
        std::thread::sleep(WAL_PAUSE);
    }
    Ok(connection)
}

/// Makes the file where there is none, for its owner only: SQLite gives its side files the same mode.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}
