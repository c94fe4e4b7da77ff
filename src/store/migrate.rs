//! The tables, made and changed by migrations that are embedded in the program, one process at a time.

use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::result::Error as DieselError;
use diesel::result::Error::RollbackTransaction;
use diesel::{Connection as _, QueryableByName, SqliteConnection};
use diesel_async::{AsyncMigrationHarness, RunQueryDsl as _, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tokio::task::spawn_blocking;

use super::postgres::{ConnectError, Connection, FAREWELL};
use super::sqlite;
use crate::database_url::{DatabaseUrl, PostgresUrl};
use crate::error::Cause;

const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// The advisory lock that migrating nodes take, one number for all versions of taskgate.
const LOCK: i64 = 0x7461_736b_6761_7465;

/// How long to wait before the lock is tried again that another node has.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// How often a node tries where advisory locks do not exist and another may be at work.
const ATTEMPTS: u32 = 5;

/// Why the tables are not as they must be.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("The database cannot be reached: {0}. Check DATABASE_URL and that the server is running.")]
    Unreachable(#[source] Cause),
    #[error("The database cannot be used as it is configured: {0}. Check its URL.")]
    Unusable(#[source] Cause),
    #[error("The database file {path} cannot be opened: {cause}. Check that its folder exists and can be written.")]
    Unopenable { path: String, cause: Cause },
    #[error(
        "The database was set up by a newer taskgate (it has the migration {0}, which this one does not know). \
         Run that version, or restore a backup."
    )]
    Newer(String),
    #[error(
        "The database's encoding is {0}, which cannot hold every character. Create it with: \
         CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
    )]
    Encoding(String),
    #[error("The database could not be migrated: {0}. Nothing of the failed migration was kept.")]
    Failed(#[source] Cause),
}

impl From<ConnectError> for MigrateError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Away(cause) => Self::Unreachable(cause),
            ConnectError::Wrong(cause) => Self::Unusable(cause),
        }
    }
}

/// What to do with the migrations, on either database.
#[derive(Debug, Clone, Copy)]
enum Task {
    Run,
    Revert,
    Status,
}

/// Applies what is not applied yet; answers its names.
pub async fn run(url: &DatabaseUrl) -> Result<Vec<String>, MigrateError> {
    perform(url, Task::Run).await
}

/// Takes the newest migration back; answers its name. Whatever only it could hold is lost.
pub async fn revert(url: &DatabaseUrl) -> Result<Vec<String>, MigrateError> {
    perform(url, Task::Revert).await
}

/// Every migration, with `applied` or `pending` before its name.
pub async fn status(url: &DatabaseUrl) -> Result<Vec<String>, MigrateError> {
    perform(url, Task::Status).await
}

async fn perform(url: &DatabaseUrl, task: Task) -> Result<Vec<String>, MigrateError> {
    match url {
        DatabaseUrl::Sqlite(path) => {
            let path = path.clone();
            spawn_blocking(move || on_sqlite(&path, task)).await.map_err(|error| MigrateError::Failed(error.into()))?
        }
        DatabaseUrl::Postgres(url) => on_postgres(url, task).await,
    }
}

fn on_sqlite(path: &Path, task: Task) -> Result<Vec<String>, MigrateError> {
    let unopenable = |cause: Cause| MigrateError::Unopenable { path: path.display().to_string(), cause };
    if matches!(task, Task::Status) && !path.exists() {
        // To look must not make a database; whether one can be made is seen from another file.
        let probe = path.with_extension(format!("probe-{}", std::process::id()));
        sqlite::create_private(&probe)
            .and_then(|()| std::fs::remove_file(&probe))
            .map_err(|error| unopenable(error.into()))?;
        let mut nothing = SqliteConnection::establish(":memory:").map_err(|error| unopenable(error.into()))?;
        return steps(&mut nothing, &SQLITE, task);
    }
    sqlite::create_private(path).map_err(|error| unopenable(error.into()))?;
    let mut connection = sqlite::open(path).map_err(unopenable)?;
    // Ten processes may start together; the one that has the lock may take longer than a request would wait.
    connection.batch_execute("PRAGMA busy_timeout = 60000").map_err(|error| unopenable(error.into()))?;
    let mut result = None;
    let transaction = connection.immediate_transaction(|connection| {
        let outcome = result.insert(steps(connection, &SQLITE, task));
        // To look must change nothing either.
        if outcome.is_ok() && !matches!(task, Task::Status) { Ok(()) } else { Err(RollbackTransaction) }
    });
    match (transaction, result) {
        (Ok(()) | Err(RollbackTransaction), Some(result)) => result,
        (Err(error), _) => Err(unopenable(error.into())),
        (Ok(()), None) => Ok(Vec::new()),
    }
}

async fn on_postgres(url: &PostgresUrl, task: Task) -> Result<Vec<String>, MigrateError> {
    let mut attempt = 1;
    loop {
        let Connection { mut inner, link } = Connection::open(url, None).await?;
        check_encoding(&mut inner).await?;
        let lock = lock(url).await?;
        if matches!(task, Task::Status) {
            // To look must change nothing: what is begun here ends, undone, with the connection.
            inner.batch_execute("BEGIN").await.map_err(|error| MigrateError::Unreachable(error.into()))?;
        }
        let (outcome, _harness) = spawn_blocking(move || {
            let mut harness = AsyncMigrationHarness::new(inner);
            (steps(&mut harness, &POSTGRES, task), harness)
        })
        .await
        .map_err(|error| MigrateError::Failed(error.into()))?;
        match outcome {
            Err(MigrateError::Failed(cause)) if link.ends_within(FAREWELL).await => {
                return Err(MigrateError::Unreachable(cause));
            }
            Err(MigrateError::Failed(_)) if lock.is_none() && attempt < ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            outcome => return outcome,
        }
    }
}

/// A connection that holds the lock until it is dropped; none where the database has no such locks.
///
/// A transaction holds it, not a session, and none waits for it in the database: where a pooler is in between, its
/// sessions are others' too, and those who wait could take the last one from the one who works.
async fn lock(url: &PostgresUrl) -> Result<Option<Connection>, MigrateError> {
    let lost = |error: DieselError| MigrateError::Unreachable(error.into());
    let mut connection = Connection::open(url, None).await?;
    loop {
        connection.inner.batch_execute("BEGIN").await.map_err(lost)?;
        let lock = format!("SELECT pg_try_advisory_xact_lock({LOCK}) AS is_locked");
        match diesel::sql_query(lock).get_result(&mut connection.inner).await {
            Ok(Lock { is_locked: true }) => return Ok(Some(connection)),
            Ok(Lock { is_locked: false }) => connection.inner.batch_execute("ROLLBACK").await.map_err(lost)?,
            Err(_) => return Ok(None),
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
}

#[derive(QueryableByName)]
struct Lock {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    is_locked: bool,
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = diesel::sql_types::Text)]
    server_encoding: String,
}

async fn check_encoding(connection: &mut diesel_async::AsyncPgConnection) -> Result<(), MigrateError> {
    let setting: Setting = diesel::sql_query("SHOW server_encoding")
        .get_result(connection)
        .await
        .map_err(|error| MigrateError::Unreachable(error.into()))?;
    if setting.server_encoding == "UTF8" { Ok(()) } else { Err(MigrateError::Encoding(setting.server_encoding)) }
}

fn steps<DB, Harness>(
    harness: &mut Harness,
    source: &EmbeddedMigrations,
    task: Task,
) -> Result<Vec<String>, MigrateError>
where
    DB: diesel::backend::Backend,
    Harness: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let mut known = MigrationSource::<DB>::migrations(source).map_err(MigrateError::Failed)?;
    known.sort_by_key(|migration| migration.name().version().as_owned());
    let applied = harness.applied_migrations().map_err(MigrateError::Failed)?;
    let is_applied = |version: &MigrationVersion<'_>| applied.iter().any(|other| other == version);
    if let Some(newer) = applied.iter().find(|version| !known.iter().any(|one| one.name().version() == **version)) {
        return Err(MigrateError::Newer(newer.to_string()));
    }
    let name = |migration: &dyn Migration<DB>| migration.name().to_string();
    let mut names = Vec::new();
    match task {
        Task::Run => {
            for migration in known.iter().filter(|migration| !is_applied(&migration.name().version())) {
                harness.run_migration(migration).map_err(MigrateError::Failed)?;
                names.push(name(migration));
            }
        }
        Task::Revert => {
            if let Some(migration) = known.iter().rfind(|migration| is_applied(&migration.name().version())) {
                harness.revert_migration(migration).map_err(MigrateError::Failed)?;
                names.push(name(migration));
            }
        }
        Task::Status => {
            for migration in &known {
                let state = if is_applied(&migration.name().version()) { "applied" } else { "pending" };
                names.push(format!("{state} {}", name(migration)));
            }
        }
    }
    Ok(names)
}
