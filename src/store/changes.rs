//! Changing tasks: each change raises the owner's revision and takes it, in one transaction.

use std::sync::OnceLock;

use diesel::dsl::not;
use diesel::query_dsl::methods;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel::{AsChangeset, ExpressionMethods, Insertable, IntoSql, QueryDsl};

use super::Store;
use super::keys::found;
use super::schema::{owners, tasks};
use super::sql::{ExistsLocked, NewRevision, Unnamed, Wording, wording};
use super::tasks::{COLUMNS, Row};
use super::timestamp::{At, Instant};
use crate::error::{Error, Result};
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
    pub(super) fn revisions(&self) -> (i64, i64) {
        self.expected.map_or((0, i64::MAX), |revision| (revision.0, revision.0))
    }
}

/// The live task of a target. The revision is in an expression, so that no index on it is used: of bounds that it does not
/// know, PostgreSQL believes that few of a user's tasks are within them, and would read all of those to find one.
macro_rules! live {
    ($target:expr) => {{
        let (least, most) = $target.revisions();
        tasks::table
            .filter(tasks::id.eq($target.id.0))
            .filter(tasks::user_id.eq($target.user.as_str()))
            .filter(tasks::deleted_at.is_null())
            .filter((tasks::revision + 0).between(least, most))
    }};
}

/// Changes the live task of a target by `set`, a tuple of assignments, and stamps it. `count` is how many tasks there
/// are then, as SQL. Nothing is bumped for a task that is not the user's, or not there.
macro_rules! change_live {
    ($store:expr, $target:expr, $wording:expr, $count:expr, $set:expr) => {{
        let target = $target.clone();
        let row = change!(
            $store,
            target.user,
            $wording,
            diesel::update(
                owners::table
                    .filter(owners::user_id.eq(target.user.as_str()))
                    .filter(ExistsLocked(live!(target).select(tasks::id)))
            )
            .set((owners::revision.eq(owners::revision + 1), owners::task_count.eq($count)))
            .returning(owners::revision),
            // Without a bump there is no revision to take, and PostgreSQL would say so before it looked at the row again.
            diesel::update(live!(target).filter(NewRevision { owner: target.user.as_str() }.is_not_null()))
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
    ///
    /// # Errors
    /// `QuotaExceeded` when the user has as many tasks as one may have.
    pub async fn create(&self, user: UserId, task: NewTask) -> Result<Task> {
        let now = self.clock.now();
        let most = self.max_tasks;
        let title = task.title.as_str().to_owned();
        let title_folded = fold(&title);
        let description = task.description.map(|text| text.as_str().to_owned());
        let description_folded = description.as_deref().map(fold);
        let row = change!(
            self,
            user,
            wording!(),
            methods::FilterDsl::filter(
                diesel::insert_into(owners::table)
                    .values((
                        owners::user_id.eq(user.as_str()),
                        owners::revision.eq(now.as_micros()),
                        owners::task_count.eq(1),
                    ))
                    .on_conflict(owners::user_id)
                    .do_update()
                    .set((owners::revision.eq(owners::revision + 1), owners::task_count.eq(owners::task_count + 1),)),
                owners::task_count.lt(most)
            )
            .returning(owners::revision),
            // Of what was not bumped there is nothing to insert.
            diesel::select((
                user.as_str().into_sql::<Text>(),
                title.as_str().into_sql::<Text>(),
                description.as_deref().into_sql::<Nullable<Text>>(),
                false.into_sql::<Bool>(),
                At(now).into_sql::<Instant>(),
                At(now).into_sql::<Instant>(),
                NewRevision { owner: user.as_str() },
                title_folded.as_str().into_sql::<Text>(),
                description_folded.as_deref().into_sql::<Nullable<Text>>(),
            ))
            .filter(NewRevision { owner: user.as_str() }.is_not_null())
            .insert_into(tasks::table)
            .into_columns((
                tasks::user_id,
                tasks::title,
                tasks::description,
                tasks::completed,
                tasks::created_at,
                tasks::updated_at,
                tasks::revision,
                tasks::title_folded,
                tasks::description_folded,
            ))
            .returning(COLUMNS)
        )?;
        row.map(Task::from).ok_or(Error::QuotaExceeded { most })
    }

    /// Changes what the patch names and leaves the rest. An empty patch changes nothing and answers the task as it is.
    ///
    /// # Errors
    /// `NoSuchTask`, `Forbidden`, or `PreconditionFailed` when the task's revision is not the expected one.
    pub async fn update(&self, target: Target, patch: TaskPatch) -> Result<Task> {
        /// One for each set of columns.
        static TEXTS: [OnceLock<String>; 8] = [const { OnceLock::new() }; 8];
        if patch.is_empty() {
            return self.unchanged(target).await;
        }
        let named = [patch.title.is_some(), patch.description.is_some(), patch.completed.is_some()];
        let shape = named.into_iter().fold(0, |shape, named| 2 * shape + usize::from(named));
        let wording = Wording::<Unnamed>::new(&TEXTS[shape]);
        let columns = Columns::from(patch);
        let now = At(self.clock.now());
        change_live!(self, target, wording, owners::task_count, (columns.clone(), tasks::updated_at.eq(now)))
    }

    /// Completes a task that is pending and reopens one that is completed. Errors as [`Store::update`].
    pub async fn toggle(&self, target: Target) -> Result<Task> {
        let now = At(self.clock.now());
        let set = (tasks::completed.eq(not(tasks::completed)), tasks::updated_at.eq(now));
        change_live!(self, target, wording!(), owners::task_count, set)
    }

    /// Deletes a task; its row stays as a tombstone and keeps the revision of the deletion, which is that of the
    /// answer. Errors as [`Store::update`].
    pub async fn delete(&self, target: Target) -> Result<Task> {
        let now = At(self.clock.now());
        change_live!(self, target, wording!(), owners::task_count - 1, tasks::deleted_at.eq(Some(now)))
    }

    /// The task as it is; under a key, as it was when the key was used first.
    pub(super) async fn unchanged(&self, target: Target) -> Result<Task> {
        let wanted = target.clone();
        let row = if self.keyed.is_some() {
            transact!(
                self,
                wanted.user,
                |connection| async { found(live!(wanted).select(COLUMNS).get_result::<Row>(connection).await) },
                |connection| found(live!(wanted).select(COLUMNS).get_result::<Row>(connection))
            )?
            .ok()
        } else {
            on_connection!(self, shared, |connection| live!(wanted).select(COLUMNS).load::<Row>(connection))?.pop()
        };
        match row {
            Some(row) => Ok(row.into()),
            None => Err(self.why_not(target.user, target.id, target.expected).await),
        }
    }
}
