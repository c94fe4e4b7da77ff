//! Deleted tasks, for as long as their tombstones live.

use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl};

use super::feed::FeedRow;
use super::schema::{owners, tasks};
use super::sql::{AsOf, ExistsLocked, NewRevision, wording};
use super::tasks::{COLUMNS, Row};
use super::timestamp::At;
use super::{Store, Target};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::task::{Revision, Task};
use crate::user::UserId;

/// How often a task is looked at that others delete between two looks.
const LOOKS: u32 = 5;

/// A deleted task as it was, with the revision of its deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedTask {
    pub task: Task,
    pub deleted_at: Timestamp,
}

/// A part of what a user has deleted, the latest deletion first, and the revision that it is as of.
#[derive(Debug, Clone)]
pub struct TrashPage {
    pub tasks: Vec<DeletedTask>,
    pub revision: Revision,
    /// Whether the limit left something out.
    pub has_more: bool,
}

/// The tombstone of a target. Its revision is compared as that of a live task is (`changes.rs`).
macro_rules! tombstone {
    ($target:expr) => {{
        let (least, most) = $target.revisions();
        tasks::table
            .filter(tasks::id.eq($target.id.0))
            .filter(tasks::user_id.eq($target.user.as_str()))
            .filter(tasks::deleted_at.is_not_null())
            .filter((tasks::revision + 0).between(least, most))
    }};
}

impl Store {
    /// Brings a deleted task back as it was, under a new revision. A task that is there is answered as it is, so that
    /// who did not hear the answer can ask again.
    ///
    /// # Errors
    /// `NoSuchTask` also when the tombstone is swept; `Forbidden`; `PreconditionFailed` when the revision, that of the
    /// deletion, is not the expected one; `QuotaExceeded` when the user has as many tasks as one may have.
    pub async fn restore(&self, target: Target) -> Result<Task> {
        for _ in 0..LOOKS {
            if let Some(row) = self.revive(target.clone()).await? {
                return Ok(row.into());
            }
            if let Some(task) = self.not_restored(target.clone()).await? {
                return Ok(task);
            }
        }
        Err(Error::unavailable("the task is deleted and restored by others at the same time"))
    }

    /// The task, if there was a tombstone of it that could be brought back.
    async fn revive(&self, wanted: Target) -> Result<Option<Row>> {
        let most = self.max_tasks;
        change!(
            self,
            wanted.user,
            wording!(),
            diesel::update(
                owners::table
                    .filter(owners::user_id.eq(wanted.user.as_str()))
                    .filter(owners::task_count.lt(most).and(ExistsLocked(tombstone!(wanted).select(tasks::id))))
            )
            .set((owners::revision.eq(owners::revision + 1), owners::task_count.eq(owners::task_count + 1)))
            .returning(owners::revision),
            diesel::update(tombstone!(wanted).filter(NewRevision { owner: wanted.user.as_str() }.is_not_null()))
                .set((
                    tasks::deleted_at.eq(None::<At>),
                    tasks::revision.eq(NewRevision { owner: wanted.user.as_str() }),
                ))
                .returning(COLUMNS)
        )
    }

    /// What there is instead of a tombstone that can be brought back; `None` when there is one by now.
    async fn not_restored(&self, target: Target) -> Result<Option<Task>> {
        let (id, user) = (target.id.0, target.user.clone());
        let rows: Vec<(String, i64, Option<At>, Option<i64>)> = on_connection!(self, shared, |connection| {
            let count = owners::table.filter(owners::user_id.eq(user.as_str())).select(owners::task_count);
            tasks::table
                .filter(tasks::id.eq(id))
                .select((tasks::user_id, tasks::revision, tasks::deleted_at, count.single_value()))
                .load(connection)
        })?;
        match rows.into_iter().next() {
            Some((owner, revision, Some(_), count)) if owner == target.user.as_str() => {
                let current = Revision(revision);
                match target.expected {
                    Some(expected) if expected != current => Err(Error::PreconditionFailed { current }),
                    _ if count.is_some_and(|count| count < self.max_tasks) => Ok(None),
                    _ => Err(Error::QuotaExceeded { most: self.max_tasks }),
                }
            }
            Some((owner, _, None, _)) if owner == target.user.as_str() => match self.unchanged(target).await {
                Err(Error::NoSuchTask) => Ok(None),
                task => task.map(Some),
            },
            Some(_) if !self.hides_foreign_tasks => Err(Error::Forbidden),
            _ => Err(Error::NoSuchTask),
        }
    }

    /// What the user has deleted, at most `limit` tasks; with `before` only what was deleted before that revision.
    pub async fn deleted(&self, user: UserId, before: Option<Revision>, limit: i64) -> Result<TrashPage> {
        let limit = limit.max(0);
        let before = before.map_or(i64::MAX, |before| before.0);
        let rows: Vec<FeedRow> = on_connection!(self, shared, |connection| {
            let page = tasks::table
                .filter(tasks::user_id.eq(user.as_str()))
                .filter(tasks::deleted_at.is_not_null())
                .filter(tasks::revision.lt(before))
                .order(tasks::revision.desc())
                .select((COLUMNS, tasks::deleted_at));
            // One more than is shown tells whether there is more.
            AsOf { owner: user.as_str(), page, limit: Some(limit.saturating_add(1)), padding: ", NULL" }
                .load(connection)
        })?;
        let mut rows = rows.into_iter();
        let revision = rows.next().map_or(Revision::ZERO, |(owner, _)| Revision(owner.revision));
        let deleted = |(row, at): (Row, Option<At>)| Some(DeletedTask { task: row.into(), deleted_at: at?.0 });
        let mut tasks: Vec<DeletedTask> = rows.filter_map(deleted).collect();
        let shown = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = tasks.len() > shown;
        tasks.truncate(shown);
        Ok(TrashPage { tasks, revision, has_more })
    }
}
