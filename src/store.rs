//! Where tasks are kept: PostgreSQL or SQLite, chosen by URL, behind the same functions.
//!
//! Diesel's query values know no database until they meet a connection, so each query is written once and
//! [`on_connection!`] expands it for both; what differs in SQL is in [`sql`]. Reads and writes name the owner in the
//! statement itself; only when nothing matched does a second query find out why.
//!
//! To add a query: write it in `tasks.rs` or `changes.rs` with [`on_connection!`] or [`change!`], and nothing else.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::clock::SharedClock;
use crate::database_url::DatabaseUrl;
use crate::error::{Error, Result};

/// Runs a Diesel query on whichever database this is: `on_connection!(store, shared, |connection| query.load(connection))`.
///
/// `shared` takes the connection that others read from at the same time (short reads only), `exclusive` one of its
/// own. The body is expanded once for each database, with `DB` the backend; it owns what it uses, because SQLite runs
/// it on another thread.
macro_rules! on_connection {
    ($store:expr, $pool:ident, |$connection:ident| $body:expr) => {
        match &$store.database {
            $crate::store::Database::Postgres(postgres) => {
                #[allow(unused_imports)]
                use diesel::pg::Pg as DB;
                use diesel_async::RunQueryDsl;
                let pooled = postgres.$pool().await?;
                let $connection = &mut &pooled.inner;
                $crate::timing::measure($crate::timing::Phase::Database, $body).await.map_err($crate::store::failure)
            }
            $crate::store::Database::Sqlite(sqlite) => {
                use diesel::RunQueryDsl;
                #[allow(unused_imports)]
                use diesel::sqlite::Sqlite as DB;
                sqlite.read(move |$connection| $body).await
            }
        }
    };
}

/// Raises the owner's revision by `bump` and runs the one statement that takes it: in PostgreSQL as one statement, in
/// SQLite as two in one transaction. `None` when there was nothing to change.
macro_rules! change {
    ($store:expr, $row:ty, $bump:expr, $change:expr) => {
        match &$store.database {
            $crate::store::Database::Postgres(postgres) => {
                use diesel::OptionalExtension;
                use diesel_async::RunQueryDsl;
                let pooled = postgres.exclusive().await?;
                let mut attempt = 1;
                loop {
                    let statement = $crate::store::sql::Bumped { bump: $bump, change: $change };
                    let run = statement.get_result::<$row>(&mut &pooled.inner);
                    let outcome = $crate::timing::measure($crate::timing::Phase::Database, run).await.optional();
                    match outcome {
                        Err(error) if attempt < $crate::store::ATTEMPTS && $crate::store::is_retryable(&error) => {
                            attempt += 1;
                        }
                        outcome => break outcome.map_err($crate::store::failure),
                    }
                }
            }
            $crate::store::Database::Sqlite(sqlite) => {
                use diesel::{OptionalExtension, RunQueryDsl};
                sqlite
                    .write(move |connection| {
                        if $bump.load::<i64>(connection)?.is_empty() {
                            return Ok(None);
                        }
                        $change.get_result::<$row>(connection).optional()
                    })
                    .await
            }
        }
    };
}

mod backup;
mod changes;
pub mod migrate;
mod postgres;
pub mod schema;
mod sql;
mod sqlite;
mod tasks;
pub mod timestamp;

pub use backup::backup;
pub use changes::Target;
pub use tasks::{Counts, Direction, Filter, Key, Page, PageRequest, SortField, SortKey};

/// A database with its pools.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
    clock: SharedClock,
    /// Whether another user's task looks like one that does not exist.
    hides_foreign_tasks: bool,
}

#[derive(Debug, Clone)]
enum Database {
    Postgres(postgres::Postgres),
    Sqlite(sqlite::Sqlite),
}

impl Store {
    /// The store at `url`, with at most `pool_size` connections. Nothing is connected or migrated yet.
    #[must_use]
    pub fn new(url: &DatabaseUrl, pool_size: u32, clock: SharedClock) -> Self {
        let database = match url {
            DatabaseUrl::Postgres(url) => Database::Postgres(postgres::Postgres::new(url, pool_size)),
            DatabaseUrl::Sqlite(path) => Database::Sqlite(sqlite::Sqlite::new(path, pool_size)),
        };
        Self { database, clock, hides_foreign_tasks: false }
    }

    /// The same store, to which another user's task is as if it did not exist.
    #[must_use]
    pub const fn hiding_foreign_tasks(mut self, hides: bool) -> Self {
        self.hides_foreign_tasks = hides;
        self
    }

    /// Asks the database for an answer, any answer.
    pub async fn ping(&self) -> Result<()> {
        on_connection!(self, exclusive, |connection| diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>(
            "1"
        ))
        .get_result::<i32>(connection))
        .map(drop)
    }
}

/// How often a statement is run that the database itself asks to run again.
const ATTEMPTS: u32 = 3;

/// Whether the database took nothing of the statement and asks for it again (SQLSTATE 40001, 40P01).
fn is_retryable(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        DieselError::DatabaseError(_, information) => information.message() == "deadlock detected",
        _ => false,
    }
}

/// What a caller is told when the database fails; the log has the rest.
fn failure(error: DieselError) -> Error {
    match error {
        DieselError::DatabaseError(
            DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection,
            information,
        ) => Error::unavailable(information.message().to_owned()),
        error => Error::internal(error),
    }
}
