//! Many changes as one: all of them are made, or none, in one transaction.
//!
//! The tasks are locked first, in the order of their ids, and the owner's row after them, as every single change does.
//! With the locks held nothing moves any more, so what the changes make of the tasks is worked out here ([`plan`]) and
//! written in one statement for the tasks that were there and one for those that are new.

use std::sync::Arc;

use diesel::query_dsl::methods;
use diesel::result::Error as DieselError;
use diesel::{ExpressionMethods, QueryDsl, QueryResult, SqliteConnection};

use self::plan::{Plan, Refusal};
use self::sql::{InsertRows, Locked, UpdateRows};
use super::Store;
use super::changes::Target;
use super::schema::{owners, tasks};
use super::tasks::{COLUMNS, Row};
use crate::error::{Error, Result};
use crate::task::{NewTask, Revision, Task, TaskId, TaskPatch};
use crate::user::UserId;

mod plan;
mod sql;

/// The most completed tasks that one call clears.
const MOST_CLEARED: u8 = 100;

/// One of many changes. A task may be named by several: they apply one after the other, and a revision that one of them
/// expects is that from before all of them.
#[derive(Debug, Clone)]
pub enum BulkChange {
    Create(NewTask),
    /// A patch that names nothing leaves the task as it is, its revision too.
    Update(Target, TaskPatch),
    Delete(Target),
}

impl BulkChange {
    const fn target(&self) -> Option<&Target> {
        match self {
            Self::Create(_) => None,
            Self::Update(target, _) | Self::Delete(target) => Some(target),
        }
    }
}

/// The completed tasks that were deleted.
#[derive(Debug, Clone)]
pub struct Cleared {
    /// The longest unchanged first.
    pub ids: Vec<TaskId>,
    /// The owner's revision then.
    pub revision: Revision,
    /// Whether there are completed tasks left.
    pub has_more: bool,
}

/// The live tasks of a user among `ids`, locked in the order of their ids.
macro_rules! locked {
    ($connection:expr, [$($wait:tt)*], $user:expr, $ids:expr) => {{
        let live = tasks::table
            .filter(tasks::id.eq_any($ids))
            .filter(tasks::user_id.eq($user.as_str()))
            .filter(tasks::deleted_at.is_null());
        Locked(live.order(tasks::id).select(COLUMNS)).load::<Row>($connection)$($wait)*?
    }};
}

/// Writes a plan: the rows that its changes leave, or why it cannot be. Nothing is written then.
macro_rules! carried_out {
    ($connection:expr, [$($wait:tt)*], $user:expr, $plan:expr, $now:expr, $most:expr) => {'carried: {
        let (user, mut plan): (&UserId, Plan) = ($user, $plan);
        if plan.raise() == 0 {
            break 'carried Ok(plan.into_rows());
        }
        if plan.net() > $most {
            break 'carried Err(Refusal::Full);
        }
        let within = if plan.net() > 0 { $most - plan.net() } else { i64::MAX };
        let bump = diesel::insert_into(owners::table)
            .values((
                owners::user_id.eq(user.as_str()),
                owners::revision.eq($now.as_micros() + plan.raise() - 1),
                // PostgreSQL checks the new row before it looks for one that is there.
                owners::task_count.eq(plan.net().max(0)),
            ))
            .on_conflict(owners::user_id)
            .do_update()
            .set((
                owners::revision.eq(owners::revision + plan.raise()),
                owners::task_count.eq(owners::task_count + plan.net()),
            ));
        let bump = methods::FilterDsl::filter(bump, owners::task_count.le(within)).returning(owners::revision);
        let Some(last) = bump.get_result::<i64>($connection)$($wait)*.optional()? else {
            break 'carried Err(Refusal::Full);
        };
        plan.stamp(last);
        let (changed, made) = (plan.changed(), plan.made());
        if !changed.is_empty() {
            UpdateRows { user, rows: &changed }.execute($connection)$($wait)*?;
        }
        if !made.is_empty() {
            plan.name(InsertRows { user, rows: &made }.load::<(i64, i64)>($connection)$($wait)*?);
        }
        Ok(plan.into_rows())
    }};
}

/// Locks what the changes name, and makes them.
macro_rules! changed {
    ($connection:expr, [$($wait:tt)*], $user:expr, $changes:expr, $now:expr, $most:expr) => {{
        let ids: Vec<i64> = $changes.iter().filter_map(|change| Some(change.target()?.id.0)).collect();
        let found = if ids.is_empty() { Vec::new() } else { locked!($connection, [$($wait)*], $user, ids) };
        Ok(match Plan::of($changes, found, $now) {
            Ok(plan) => carried_out!($connection, [$($wait)*], $user, plan, $now, $most),
            Err(refusal) => Err(refusal),
        })
    }};
}

/// Deletes completed tasks: their ids, the owner's revision, and whether there are more.
macro_rules! cleared {
    ($connection:expr, [$($wait:tt)*], $user:expr, $now:expr) => {{
        let user: &UserId = $user;
        let mut ids: Vec<i64> = tasks::table
            .filter(tasks::user_id.eq(user.as_str()))
            .filter(tasks::deleted_at.is_null())
            .filter(tasks::completed)
            .order((tasks::updated_at, tasks::id))
            .select(tasks::id)
            .limit(i64::from(MOST_CLEARED) + 1)
            .load($connection)$($wait)*?;
        let has_more = ids.len() > usize::from(MOST_CLEARED);
        ids.truncate(MOST_CLEARED.into());
        // They are found in one order and locked in another, and some may have been reopened or deleted in between.
        let found = locked!($connection, [$($wait)*], user, ids.clone());
        ids.retain(|id| found.iter().any(|row| row.id == *id && row.completed));
        let target = |id: &i64| Target { user: user.clone(), id: TaskId(*id), expected: None };
        let deletions: Vec<BulkChange> = ids.iter().map(target).map(BulkChange::Delete).collect();
        let rows = match Plan::of(&deletions, found, $now) {
            Ok(plan) => carried_out!($connection, [$($wait)*], user, plan, $now, i64::MAX),
            Err(refusal) => Err(refusal),
        };
        let revision = match rows.as_ref().ok().and_then(|rows| rows.last()) {
            Some(last) => Some(last.revision),
            None => owners::table
                .filter(owners::user_id.eq(user.as_str()))
                .select(owners::revision)
                .get_result::<i64>($connection)$($wait)*
                .optional()?,
        };
        Ok(rows.map(|_| (ids, revision.unwrap_or_default(), has_more)))
    }};
}

impl Store {
    /// Makes all of the changes, or none of them. Answers, for each, the task as it is then; for one that deletes, the
    /// task as it was, with the revision of its deletion.
    ///
    /// # Errors
    /// `OfChange` with the first change that cannot be made, for one of the reasons of a single one; `QuotaExceeded`
    /// when there were too many tasks once all are made.
    pub async fn bulk(&self, user: UserId, changes: Vec<BulkChange>) -> Result<Vec<Task>> {
        let now = self.clock.now();
        let most = self.max_tasks;
        let changes: Arc<[BulkChange]> = changes.into();
        let (whose, list) = (user.clone(), Arc::clone(&changes));
        let left = transact!(
            self,
            user,
            |connection| connection.transaction::<_, DieselError, _>(async |connection| {
                changed!(connection, [.await], &user, &changes, now, most)
            }),
            |connection| (|connection: &mut SqliteConnection| -> QueryResult<Result<_, _>> {
                changed!(connection, [], &whose, &list, now, most)
            })(connection)
        )?;
        match left {
            Ok(rows) => Ok(rows.into_iter().map(Task::from).collect()),
            Err(refusal) => Err(self.reason(refusal, &changes).await),
        }
    }

    /// Deletes the user's completed tasks, the longest unchanged first and not too many at once.
    pub async fn clear_completed(&self, user: UserId) -> Result<Cleared> {
        let now = self.clock.now();
        let whose = user.clone();
        let cleared = transact!(
            self,
            user,
            |connection| connection
                .transaction::<_, DieselError, _>(async |connection| { cleared!(connection, [.await], &user, now) }),
            |connection| (|connection: &mut SqliteConnection| -> QueryResult<Result<_, _>> {
                cleared!(connection, [], &whose, now)
            })(connection)
        )?;
        match cleared {
            Ok((ids, revision, has_more)) => {
                let ids = Vec::into_iter(ids).map(TaskId).collect();
                Ok(Cleared { ids, revision: Revision(revision), has_more })
            }
            Err(refusal) => Err(self.reason(refusal, &[]).await),
        }
    }

    /// What the caller is told of a refusal.
    async fn reason(&self, refusal: Refusal, changes: &[BulkChange]) -> Error {
        let (index, error) = match refusal {
            Refusal::Full => return Error::QuotaExceeded { most: self.max_tasks },
            Refusal::Stale { index, current } => (index, Error::PreconditionFailed { current }),
            Refusal::Missing { index } => {
                let Some(Target { user, id, .. }) = changes.get(index).and_then(BulkChange::target) else {
                    return Error::internal("a task is missing that no change names");
                };
                (index, self.why_not(user.clone(), *id, None).await)
            }
        };
        error.of_change(index)
    }
}
