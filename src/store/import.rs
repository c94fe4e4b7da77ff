//! Tasks that come from elsewhere, with their own times and, where they can be kept, their own ids.
//!
//! A batch is one transaction, and may be tried as often as one likes: a task that is there already is left as it is.
//! Each task is stamped with a revision of its own, as if it had just been made, so whoever follows its owner is told.

use std::sync::Arc;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::BigInt;
use diesel::{ExpressionMethods, QueryDsl, QueryResult, QueryableByName, SqliteConnection};
use diesel_async::AsyncPgConnection;

use self::plan::Plan;
use self::sql::{InsertTasks, RaiseOwners};
use super::failure::Failure;
use super::postgres::{Connection, Postgres};
use super::schema::{imported_ids, tasks};
use super::{ATTEMPTS, Database, Store};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::task::{Description, TaskId, Title};
use crate::user::UserId;

mod plan;
mod sql;

/// The most tasks of a batch: what both databases take in one statement.
pub const MOST_AT_ONCE: usize = 1_000;

/// What a task was called where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It keeps its id, which is above 0 and below 2^53.
    Kept(TaskId),
    /// It gets a new id, and its old one, of 1 to 255 characters, is remembered beside that.
    Foreign(String),
}

/// A task from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    pub origin: Origin,
    pub user: UserId,
    pub title: Title,
    pub description: Option<Description>,
    pub completed: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What became of a task from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landed {
    /// It was imported.
    New(TaskId),
    /// It was there before: a task of the same owner and the same moment, whatever has become of it since.
    There(TaskId),
    /// Another task has its id.
    Taken,
}

/// Imports a batch, or only looks what would become of it.
macro_rules! landed {
    ($connection:expr, [$($wait:tt)*], $incoming:expr, $now:expr, $new_ids:expr, $is_trial:expr) => {{
        let mut plan = Plan::of($incoming);
        let became = imported_ids::table
            .filter(imported_ids::source_id.eq_any(plan.foreign()))
            .select((imported_ids::source_id, imported_ids::task_id))
            .load($connection)$($wait)*?;
        let there = tasks::table
            .filter(tasks::id.eq_any(plan.wanted(became)))
            .select((tasks::id, tasks::user_id, tasks::created_at))
            .load($connection)$($wait)*?;
        let missing = i64::try_from(plan.missing()).unwrap_or(i64::MAX);
        if $is_trial {
            // Ids that no task has.
            plan.settle(there, (-missing..0).collect());
            return Ok(plan.into_landed());
        }
        let ids = if missing == 0 { Vec::new() } else { $new_ids($connection, missing)$($wait)*? };
        plan.settle(there, ids);
        let owners = plan.owners($now);
        if !owners.is_empty() {
            let raised = RaiseOwners { rows: &owners }.load::<(String, i64)>($connection)$($wait)*?;
            InsertTasks { rows: &plan.arrivals(&owners, raised) }.execute($connection)$($wait)*?;
        }
        let becoming = plan.becoming();
        if !becoming.is_empty() {
            let becoming: Vec<_> = becoming
                .into_iter()
                .map(|(source, id)| (imported_ids::source_id.eq(source), imported_ids::task_id.eq(id)))
                .collect();
            diesel::insert_into(imported_ids::table).values(becoming).execute($connection)$($wait)*?;
        }
        Ok(plan.into_landed())
    }};
}

impl Store {
    /// Imports at most [`MOST_AT_ONCE`] tasks, those that are not there yet, and answers what became of each. A quota is
    /// for what users make, so it does not count here. With `is_trial` nothing is written, and new ids mean nothing.
    pub async fn import(&self, incoming: Arc<[Incoming]>, is_trial: bool) -> Result<Vec<Landed>> {
        let now = self.clock.now();
        let landed = match &self.database {
            Database::Postgres(postgres) => import_on_postgres(postgres, &incoming, now, is_trial).await,
            Database::Sqlite(sqlite) => {
                use diesel::RunQueryDsl;
                let incoming = Arc::clone(&incoming);
                let work = move |connection: &mut SqliteConnection| {
                    landed!(connection, [], &incoming, now, new_ids_on_sqlite, is_trial)
                };
                if is_trial { sqlite.exclusive(work).await } else { sqlite.write(work).await }
            }
        }?;
        if !is_trial {
            for (task, landed) in incoming.iter().zip(&landed) {
                if matches!(landed, Landed::New(_)) {
                    self.hint(&task.user);
                }
            }
            self.tell_nodes().await;
        }
        Ok(landed)
    }

    /// Sees to it that tasks that are made from now on get ids above `highest`.
    pub async fn keep_ids_free(&self, highest: TaskId) -> Result<()> {
        match &self.database {
            Database::Postgres(postgres) => {
                use diesel_async::{AsyncConnection, RunQueryDsl};
                let mut pooled = postgres.exclusive().await?;
                let Connection { inner, link } = &mut *pooled;
                let is_free = async |connection: &mut AsyncPgConnection| {
                    let statement = diesel::sql_query(IS_FREE).bind::<BigInt, _>(highest.0);
                    Ok(!statement.load::<Id>(connection).await?.is_empty())
                };
                if postgres.run(link, is_free(inner)).await? {
                    return Ok(());
                }
                let work = async |connection: &mut AsyncPgConnection| {
                    // Whoever makes a task has a lock on the table before it takes an id, so none is given out twice.
                    diesel::sql_query("LOCK TABLE tasks IN SHARE ROW EXCLUSIVE MODE").execute(connection).await?;
                    if is_free(connection).await? {
                        return Ok(());
                    }
                    let statement = diesel::sql_query(KEEP_FREE).bind::<BigInt, _>(highest.0);
                    statement.load::<Id>(connection).await.map(drop)
                };
                Ok(postgres.run(link, inner.transaction::<_, DieselError, _>(work)).await?)
            }
            Database::Sqlite(sqlite) => {
                sqlite
                    .write(move |connection| {
                        use diesel::RunQueryDsl;
                        for statement in KEEP_FREE_ON_SQLITE {
                            diesel::sql_query(statement).bind::<BigInt, _>(highest.0).execute(connection)?;
                        }
                        Ok(())
                    })
                    .await
            }
        }
    }
}

async fn import_on_postgres(
    postgres: &Postgres,
    incoming: &[Incoming],
    now: Timestamp,
    is_trial: bool,
) -> Result<Vec<Landed>> {
    use diesel_async::{AsyncConnection, RunQueryDsl};
    let mut pooled = postgres.exclusive().await?;
    let Connection { inner, link } = &mut *pooled;
    let mut attempt = 1;
    loop {
        let work = async |connection: &mut AsyncPgConnection| landed!(connection, [.await], incoming, now, new_ids_on_postgres, is_trial);
        match postgres.run(link, inner.transaction::<_, DieselError, _>(work)).await {
            Err(failure) if attempt < ATTEMPTS && (failure.is_retryable() || was_forestalled(&failure)) => attempt += 1,
            outcome => return Ok(outcome?),
        }
    }
}

/// Whether somebody else has imported one of the tasks at the same moment; the next attempt finds it.
const fn was_forestalled(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

const NEW_IDS: &str = "SELECT nextval(pg_get_serial_sequence('tasks', 'id')) AS id FROM generate_series(1, $1)";

/// A row where the next id is above the one given.
const IS_FREE: &str = "SELECT s.last AS id FROM (SELECT coalesce(pg_sequence_last_value( \
                       pg_get_serial_sequence('tasks', 'id')::regclass), 0) AS last) AS s WHERE s.last >= $1";

const KEEP_FREE: &str = "SELECT setval(pg_get_serial_sequence('tasks', 'id'), $1) AS id";

/// SQLite keeps what AUTOINCREMENT has given out in a table, from the first row on.
const KEEP_FREE_ON_SQLITE: [&str; 2] = [
    "UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'tasks'",
    "INSERT INTO sqlite_sequence (name, seq) SELECT 'tasks', ?1 \
     WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'tasks')",
];

async fn new_ids_on_postgres(connection: &mut AsyncPgConnection, count: i64) -> QueryResult<Vec<i64>> {
    use diesel_async::RunQueryDsl;
    let ids: Vec<Id> = diesel::sql_query(NEW_IDS).bind::<BigInt, _>(count).load(connection).await?;
    Ok(ids.into_iter().map(|row| row.id).collect())
}

/// The only writer gives itself what comes next; writing it moves AUTOINCREMENT on.
fn new_ids_on_sqlite(connection: &mut SqliteConnection, count: i64) -> QueryResult<Vec<i64>> {
    use diesel::RunQueryDsl;
    let last = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tasks'), 0) AS id";
    let Id { id } = diesel::sql_query(last).get_result(connection)?;
    Ok((id + 1..=id + count).collect())
}
