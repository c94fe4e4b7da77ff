//! Changing tasks: each change raises the owner's revision and takes it, in one transaction.

use diesel::dsl::{exists, not};
use diesel::{AsChangeset, ExpressionMethods, QueryDsl};

use super::Store;
use super::schema::{owners, tasks};
use super::sql::NewRevision;
use super::tasks::{COLUMNS, Row};
use super::timestamp::At;
use crate::error::Result;
use crate::task::{Description, NewTask, Revision, Task, TaskId, TaskPatch, Title, fold};
use crate::user::UserId;

/// The columns of a patch; what is `None` is not written.
#[derive(Debug, Clone, AsChangeset)]
#[diesel(table_name = tasks)]
struct Columns {
    title: Option<String>,
    title_folded: Option<String>,
    description: Option<Option<String>>,
    description_folded: Option<Option<String>>,
    completed: Option<bool>,
}

impl From<TaskPatch> for Columns {
    fn from(patch: TaskPatch) -> Self {
        let description = patch.description.as_ref().map(|text| text.as_ref().map(Description::as_str));
        Self {
            title_folded: patch.title.as_ref().map(|title| fold(title.as_str())),
            title: patch.title.as_ref().map(Title::as_str).map(str::to_owned),
            description_folded: description.map(|text| text.map(fold)),
            description: description.map(|text| text.map(str::to_owned)),
            completed: patch.completed,
        }
    }
}

/// Which task a change is for, and what the caller believes of it.
#[derive(Debug, Clone)]
pub struct Target {
    pub user: UserId,
    pub id: TaskId,
    /// The change is refused unless this is the task's revision.
    pub expected: Option<Revision>,
}

impl Target {
    /// The revisions that the caller will have.
    fn revisions(&self) -> (i64, i64) {
        self.expected.map_or((0, i64::MAX), |revision| (revision.0, revision.0))
    }
}

/// The live task of a target.
macro_rules! live {
    ($target:expr) => {{
        let (least, most) = $target.revisions();
        tasks::table
            .filter(tasks::id.eq($target.id.0))
            .filter(tasks::user_id.eq($target.user.as_str()))
            .filter(tasks::deleted_at.is_null())
            .filter(tasks::revision.between(least, most))
    }};
}

/// Changes the live task of a target by `set`, a tuple of assignments, and stamps it. Nothing is bumped for a task
/// that is not the user's, or not there.
macro_rules! change_live {
    ($store:expr, $target:expr, $set:expr) => {{
        let target = $target.clone();
        let row = change!(
            $store,
            Row,
            diesel::update(
                owners::table.filter(owners::user_id.eq(target.user.as_str())).filter(exists(live!(target)))
            )
            .set(owners::revision.eq(owners::revision + 1))
            .returning(owners::revision),
            diesel::update(live!(target))
                .set(($set, tasks::revision.eq(NewRevision { owner: target.user.as_str() })))
                .returning(COLUMNS)
        )?;
        match row {
            Some(row) => Ok(Task::from(row)),
            None => Err($store.why_not($target.user, $target.id, $target.expected).await),
        }
    }};
}

impl Store {
    /// Makes a task. A user's revisions begin at the microsecond of the first change, so that no old number comes
    /// again after the user's rows were erased or restored from a backup.
    pub async fn create(&self, user: UserId, task: NewTask) -> Result<Task> {
        let now = self.clock.now();
        let title = task.title.as_str().to_owned();
        let title_folded = fold(&title);
        let description = task.description.map(|text| text.as_str().to_owned());
        let description_folded = description.as_deref().map(fold);
        let row = change!(
            self,
            Row,
            diesel::insert_into(owners::table)
                .values((owners::user_id.eq(user.as_str()), owners::revision.eq(now.as_micros())))
                .on_conflict(owners::user_id)
                .do_update()
                .set(owners::revision.eq(owners::revision + 1))
                .returning(owners::revision),
            diesel::insert_into(tasks::table)
                .values((
                    tasks::user_id.eq(user.as_str()),
                    tasks::title.eq(title.as_str()),
                    tasks::description.eq(description.as_deref()),
                    tasks::completed.eq(false),
                    tasks::created_at.eq(At(now)),
                    tasks::updated_at.eq(At(now)),
                    tasks::revision.eq(NewRevision { owner: user.as_str() }),
                    tasks::title_folded.eq(title_folded.as_str()),
                    tasks::description_folded.eq(description_folded.as_deref()),
                ))
                .returning(COLUMNS)
        )?;
        row.map(Task::from).ok_or_else(|| crate::error::Error::internal("an insert returned no row"))
    }

    /// Changes what the patch names and leaves the rest. An empty patch changes nothing and answers the task as it is.
    ///
    /// # Errors
    /// `NoSuchTask`, `Forbidden`, or `PreconditionFailed` when the task's revision is not the expected one.
    pub async fn update(&self, target: Target, patch: TaskPatch) -> Result<Task> {
        if patch.is_empty() {
            return self.unchanged(target).await;
        }
        let columns = Columns::from(patch);
        let now = At(self.clock.now());
        change_live!(self, target, (columns.clone(), tasks::updated_at.eq(now)))
    }

    /// Completes a task that is pending and reopens one that is completed. Errors as [`Store::update`].
    pub async fn toggle(&self, target: Target) -> Result<Task> {
        let now = At(self.clock.now());
        change_live!(self, target, (tasks::completed.eq(not(tasks::completed)), tasks::updated_at.eq(now)))
    }

    /// Deletes a task; its row stays as a tombstone and keeps the revision of the deletion, which is that of the
    /// answer. Errors as [`Store::update`].
    pub async fn delete(&self, target: Target) -> Result<Task> {
        let now = At(self.clock.now());
        change_live!(self, target, tasks::deleted_at.eq(Some(now)))
    }

    async fn unchanged(&self, target: Target) -> Result<Task> {
        let task = self.task(target.user, target.id).await?;
        match target.expected {
            Some(expected) if expected != task.revision => {
                Err(crate::error::Error::PreconditionFailed { current: task.revision })
            }
            _ => Ok(task),
        }
    }
}
