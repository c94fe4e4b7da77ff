//! Forgetting a user who leaves.

use diesel::result::Error as DieselError;
use diesel::{ExpressionMethods, QueryDsl, QueryResult, SqliteConnection};

use super::schema::{idempotency_keys, imported_ids, owners, tasks};
use super::{ATTEMPTS, Database, Store};
use crate::error::Result;
use crate::user::UserId;

/// What there is of a user, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Tasks that were not deleted.
    pub tasks: i64,
    /// Tombstones of deleted tasks.
    pub tombstones: i64,
    /// Idempotency keys.
    pub keys: i64,
}

impl Erased {
    /// Whether there was nothing.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

macro_rules! found {
    ($connection:expr, [$($wait:tt)*], $user:expr) => {{
        let of_user = || tasks::table.filter(tasks::user_id.eq($user.as_str()));
        let tasks = of_user().filter(tasks::deleted_at.is_null()).count().get_result($connection)$($wait)*?;
        let tombstones = of_user().filter(tasks::deleted_at.is_not_null()).count().get_result($connection)$($wait)*?;
        let keys = idempotency_keys::table.filter(idempotency_keys::user_id.eq($user.as_str()));
        let keys = keys.count().get_result($connection)$($wait)*?;
        Ok(Erased { tasks, tombstones, keys })
    }};
}

/// Removes all that there is of a user.
///
/// A change locks its task before the owner, and a new task needs the owner: so the tasks are removed first, and those
/// that were made meanwhile once the owner is locked.
macro_rules! erased {
    ($connection:expr, [$($wait:tt)*], $user:expr) => {{
        let user: &UserId = $user;
        let mut erased: Erased = (found!($connection, [$($wait)*], user) as QueryResult<Erased>)?;
        let of_user = || tasks::table.filter(tasks::user_id.eq(user.as_str()));
        let owner = || owners::table.filter(owners::user_id.eq(user.as_str()));
        let their = imported_ids::table.filter(imported_ids::task_id.eq_any(of_user().select(tasks::id)));
        diesel::delete(their).execute($connection)$($wait)*?;
        diesel::delete(of_user()).execute($connection)$($wait)*?;
        diesel::update(owner()).set(owners::task_count.eq(0)).execute($connection)$($wait)*?;
        let late = diesel::delete(of_user()).execute($connection)$($wait)*?;
        erased.tasks += i64::try_from(late).unwrap_or_default();
        let keys = idempotency_keys::table.filter(idempotency_keys::user_id.eq(user.as_str()));
        diesel::delete(keys).execute($connection)$($wait)*?;
        diesel::delete(owner()).execute($connection)$($wait)*?;
        Ok(erased)
    }};
}

impl Store {
    /// What there is of a user.
    pub async fn belongings(&self, user: UserId) -> Result<Erased> {
        match &self.database {
            Database::Postgres(postgres) => {
                use diesel_async::RunQueryDsl;
                let mut pooled = postgres.exclusive().await?;
                let super::postgres::Connection { inner, link } = &mut *pooled;
                let work = async { found!(inner, [.await], user) };
                Ok(postgres.run(link, work).await?)
            }
            Database::Sqlite(sqlite) => {
                use diesel::RunQueryDsl;
                sqlite.exclusive(move |connection| found!(connection, [], user)).await
            }
        }
    }

    /// Removes all that there is of a user, whole or not at all, and answers how much that was. Who follows the user's
    /// feed is told to begin again; should the user come back, revisions go on above those that were.
    pub async fn erase(&self, user: UserId) -> Result<Erased> {
        let owner = user.clone();
        let erased = match &self.database {
            Database::Postgres(postgres) => {
                use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
                let mut pooled = postgres.exclusive().await?;
                let super::postgres::Connection { inner, link } = &mut *pooled;
                let mut attempt = 1;
                loop {
                    let work = async |connection: &mut AsyncPgConnection| erased!(connection, [.await], &user);
                    match postgres.run(link, inner.transaction::<_, DieselError, _>(work)).await {
                        Err(failure) if attempt < ATTEMPTS && failure.is_retryable() => attempt += 1,
                        outcome => break outcome?,
                    }
                }
            }
            Database::Sqlite(sqlite) => {
                use diesel::RunQueryDsl;
                sqlite.write(move |connection: &mut SqliteConnection| erased!(connection, [], &user)).await?
            }
        };
        self.hint(&owner);
        self.tell_nodes().await;
        Ok(erased)
    }
}
