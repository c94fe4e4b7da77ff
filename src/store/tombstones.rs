//! Sweeping tombstones: whoever asks the feed for something that old is told that it does not reach back.

use std::time::Duration;

use diesel::{ExpressionMethods, QueryDsl};

use super::schema::{owners, tasks};
use super::timestamp::At;
use super::{Database, Store};
use crate::clock::Timestamp;
use crate::error::Result;

/// The most tombstones that one transaction sweeps away.
const BATCH: i64 = 500;

/// Sweeps a batch of the user who has the oldest tombstone from before `$before`, in the transaction at hand: `[.await]`
/// for PostgreSQL, `[]` for SQLite. `None` when nobody has one.
///
/// The user's row is locked first, as by every change: of two nodes the second finds what the first has left, and what
/// the feed says of the floor is true of the tombstones in the same statement.
macro_rules! sweep_one {
    ($connection:expr, [$($wait:tt)*], $before:expr) => {{
        let before = $before;
        let oldest = tasks::table
            .filter(tasks::deleted_at.lt(before))
            .order(tasks::deleted_at)
            .select(tasks::user_id)
            .limit(1);
        let Some(user) = oldest.load::<String>($connection)$($wait)*?.pop() else { return Ok(None) };
        let of_user = || owners::table.filter(owners::user_id.eq(&user));
        let floor: i64 = diesel::update(of_user())
            .set(owners::swept_revision.eq(owners::swept_revision))
            .returning(owners::swept_revision)
            .get_result($connection)$($wait)*?;
        let revisions: Vec<i64> = tasks::table
            .filter(tasks::user_id.eq(&user))
            .filter(tasks::deleted_at.lt(before))
            .order(tasks::revision)
            .select(tasks::revision)
            .limit(BATCH)
            .load($connection)$($wait)*?;
        let Some(last) = revisions.last() else { return Ok(Some(0)) };
        diesel::update(of_user())
            .set(owners::swept_revision.eq(floor.max(*last)))
            .execute($connection)$($wait)*?;
        let swept = tasks::table
            .filter(tasks::user_id.eq(&user))
            .filter(tasks::deleted_at.lt(before))
            .filter(tasks::revision.le(*last));
        diesel::delete(swept).execute($connection)$($wait)*.map(Some)
    }};
}

impl Store {
    /// The same store, in which the tombstone of a deleted task is kept for so long at least.
    #[must_use]
    pub const fn with_tombstone_retention(mut self, retention: Duration) -> Self {
        self.tombstone_retention = retention;
        self
    }

    /// Sweeps tombstones of one user that are past their time, not too many at once; answers how many they were, or
    /// `None` when there are none of anybody.
    pub async fn sweep_tombstones(&self) -> Result<Option<usize>> {
        let retention = i64::try_from(self.tombstone_retention.as_micros()).unwrap_or(i64::MAX);
        let before = At(Timestamp::from_micros(self.clock.now().as_micros().saturating_sub(retention)));
        match &self.database {
            Database::Postgres(postgres) => {
                use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
                let mut pooled = postgres.exclusive().await?;
                let super::postgres::Connection { inner, link } = &mut *pooled;
                let work = async |connection: &mut AsyncPgConnection| sweep_one!(connection, [.await], before);
                Ok(postgres.run(link, inner.transaction(work)).await?)
            }
            Database::Sqlite(sqlite) => {
                use diesel::RunQueryDsl;
                sqlite.write(move |connection| sweep_one!(connection, [], before)).await
            }
        }
    }
}
