//! SQLite like a server: one writer, a pool of readers, and no work of theirs on the threads that serve requests.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bb8::{ManageConnection, Pool};
use diesel::connection::SimpleConnection;
use diesel::{Connection, QueryResult, SqliteConnection};
use tokio::task::spawn_blocking;

use crate::error::{Cause, Error, Result};
use crate::store::failure;
use crate::timing::{Phase, measure};

/// How long a request waits for a connection before it is told to come back later.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// An acknowledged write is on the disk (`synchronous = FULL` under WAL). The busy timeout is for other processes:
/// inside this one the writers queue.
const SETTINGS: &str = "PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                        PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;";

/// How often, and how long apart, a connection tries to switch a new file to WAL. Where several do so at once, SQLite
/// fails those that would have to wait, whatever the busy timeout is.
const WAL_ATTEMPTS: u32 = 500;
const WAL_PAUSE: Duration = Duration::from_millis(10);

/// The pools of one database file.
#[derive(Debug, Clone)]
pub(super) struct Sqlite {
    readers: Pool<Manager>,
    writer: Pool<Manager>,
}

impl Sqlite {
    /// One writer and at most `size` readers. Nothing is opened yet.
    pub(super) fn new(path: &Path, size: u32) -> Self {
        let pool = |size, role| {
            let manager = Manager { path: path.to_owned(), role };
            Pool::builder().max_size(size).connection_timeout(ACQUIRE_TIMEOUT).build_unchecked(manager)
        };
        Self { readers: pool(size.max(1), Role::Reader), writer: pool(1, Role::Writer) }
    }

    /// Runs `work` on a reader.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        run(&self.readers, work).await
    }

    /// Runs `work` on the writer, as one transaction.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T> {
        run(&self.writer, move |connection| connection.immediate_transaction(work)).await
    }
}

/// The work owns its connection: a caller that goes away waits for nothing and leaves nothing half done.
async fn run<T: Send + 'static>(
    pool: &Pool<Manager>,
    work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
) -> Result<T> {
    let mut connection = measure(Phase::Pool, pool.get_owned()).await.map_err(|error| match error {
        bb8::RunError::User(cause) => Error::unavailable(cause),
        bb8::RunError::TimedOut => Error::unavailable("no database connection came free in time"),
    })?;
    let work = spawn_blocking(move || work(&mut connection));
    measure(Phase::Database, work).await.map_err(Error::internal)?.map_err(failure)
}

#[derive(Debug, Clone, Copy)]
enum Role {
    Reader,
    Writer,
}

#[derive(Debug)]
struct Manager {
    path: PathBuf,
    role: Role,
}

impl ManageConnection for Manager {
    type Connection = SqliteConnection;
    type Error = Cause;

    async fn connect(&self) -> Result<SqliteConnection, Cause> {
        let (path, role) = (self.path.clone(), self.role);
        spawn_blocking(move || {
            let mut connection = open(&path)?;
            if matches!(role, Role::Reader) {
                connection.batch_execute("PRAGMA query_only = ON;")?;
            }
            Ok(connection)
        })
        .await?
    }

    async fn is_valid(&self, _: &mut SqliteConnection) -> Result<(), Cause> {
        Ok(())
    }

    fn has_broken(&self, _: &mut SqliteConnection) -> bool {
        false
    }
}

/// Opens a database file with the settings that every connection has.
pub(super) fn open(path: &Path) -> Result<SqliteConnection, Cause> {
    // Diesel takes a text that begins with `file:` as a URI, and any other as a path.
    let name = path.to_str().ok_or("the path of the database is not UTF-8")?;
    let name = if path.is_absolute() { name.to_owned() } else { format!("./{name}") };
    let mut connection = SqliteConnection::establish(&name)?;
    let mut attempt = 1;
    while let Err(error) = connection.batch_execute(SETTINGS) {
        if attempt == WAL_ATTEMPTS || !is_locked(&error) {
            return Err(error.into());
        }
        attempt += 1;
        std::thread::sleep(WAL_PAUSE);
    }
    Ok(connection)
}

fn is_locked(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, information) if information.message() == "database is locked")
}

/// Makes the file where there is none, for its owner only: SQLite gives its side files the same mode.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}
