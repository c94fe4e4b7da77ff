//! Reading tasks.

use diesel::dsl::{count, count_star};
use diesel::{AggregateExpressionMethods, BoolExpressionMethods, ExpressionMethods, QueryDsl, Queryable};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::Store;
use super::schema::{owners, tasks};
use super::sql::{AsOf, Contains, Known, wording};
use super::timestamp::At;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::task::{Revision, Search, Task, TaskId, fold};
use crate::user::UserId;

/// A task as its row has it.
#[derive(Debug, Clone, Queryable, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) completed: bool,
    pub(super) created_at: At,
    pub(super) updated_at: At,
    pub(super) revision: i64,
}

/// The columns of [`Row`], in its order.
pub(super) const COLUMNS: (
    tasks::id,
    tasks::title,
    tasks::description,
    tasks::completed,
    tasks::created_at,
    tasks::updated_at,
    tasks::revision,
) = (
    tasks::id,
    tasks::title,
    tasks::description,
    tasks::completed,
    tasks::created_at,
    tasks::updated_at,
    tasks::revision,
);

impl From<Row> for Task {
    fn from(row: Row) -> Self {
        Self {
            id: TaskId(row.id),
            title: row.title,
            description: row.description,
            completed: row.completed,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: Revision(row.revision),
        }
    }
}

/// Which tasks of a user are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub completed: Option<bool>,
    /// An empty search is in every text.
    pub search: Option<Search>,
}

/// What a list is ordered by. Ties break by id, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SortField {
    CreatedAt,
    UpdatedAt,
    /// The folded title, code point by code point.
    Title,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Ascending,
    Descending,
}

impl Direction {
    const fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// A place in an ordered list: that of a task which is or was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub sort: SortKey,
    pub id: TaskId,
}

/// A value of the column that a list is ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortKey {
    Time(Timestamp),
    /// Folded.
    Title(String),
}

impl Key {
    /// The place of `task` in a list ordered by `field`.
    #[must_use]
    pub fn of(task: &Task, field: SortField) -> Self {
        let sort = match field {
            SortField::CreatedAt => SortKey::Time(task.created_at),
            SortField::UpdatedAt => SortKey::Time(task.updated_at),
            SortField::Title => SortKey::Title(fold(&task.title)),
        };
        Self { sort, id: task.id }
    }
}

/// A part of a user's list.
#[derive(Debug, Clone)]
pub struct PageRequest {
    pub user: UserId,
    pub filter: Filter,
    pub field: SortField,
    pub direction: Direction,
    /// Only what comes after this place, in the list's order.
    pub after: Option<Key>,
    /// Only what comes before this place, in the list's order.
    pub before: Option<Key>,
    /// At most this many tasks; all of them without.
    pub limit: Option<i64>,
    /// Count the limit from the end of the list. The order stays the list's.
    pub from_end: bool,
}

/// Tasks in the order of the list, and the revision that they are as of.
#[derive(Debug, Clone)]
pub struct Page {
    pub tasks: Vec<Task>,
    pub revision: Revision,
}

/// How many tasks a user has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub total: i64,
    pub completed: i64,
}

impl Counts {
    /// Those that are not completed.
    #[must_use]
    pub const fn pending(self) -> i64 {
        self.total - self.completed
    }
}

/// Narrows a boxed query to a [`Filter`].
macro_rules! narrowed {
    ($query:expr, $filter:expr) => {{
        let mut query = $query;
        if let Some(completed) = $filter.completed {
            query = query.filter(tasks::completed.eq(completed));
        }
        if let Some(search) = &$filter.search
            && !search.as_str().is_empty()
        {
            let needle = fold(search.as_str());
            let in_title = Contains { column: tasks::title_folded, needle: needle.clone() };
            let in_description = Contains { column: tasks::description_folded, needle };
            query = query.filter(in_title.or(in_description));
        }
        query
    }};
}

/// Narrows a boxed query to what lies beyond a place, and orders it. Written so that the index on the column bounds
/// the scan: the first condition alone is a range of it.
macro_rules! beyond {
    ($query:expr, $column:expr, $key:expr, $id:expr, Direction::Ascending) => {
        $query.filter($column.ge($key.clone()).and($column.gt($key).or(tasks::id.gt($id))))
    };
    ($query:expr, $column:expr, $key:expr, $id:expr, Direction::Descending) => {
        $query.filter($column.le($key.clone()).and($column.lt($key).or(tasks::id.lt($id))))
    };
}

macro_rules! placed {
    ($query:expr, $key:expr, $request:expr, $direction:expr) => {{
        let query = $query;
        let id = $key.id.0;
        match ($request.field, $key.sort, $direction) {
            (SortField::CreatedAt, SortKey::Time(time), Direction::Ascending) => {
                beyond!(query, tasks::created_at, At(time), id, Direction::Ascending)
            }
            (SortField::CreatedAt, SortKey::Time(time), Direction::Descending) => {
                beyond!(query, tasks::created_at, At(time), id, Direction::Descending)
            }
            (SortField::UpdatedAt, SortKey::Time(time), Direction::Ascending) => {
                beyond!(query, tasks::updated_at, At(time), id, Direction::Ascending)
            }
            (SortField::UpdatedAt, SortKey::Time(time), Direction::Descending) => {
                beyond!(query, tasks::updated_at, At(time), id, Direction::Descending)
            }
            (SortField::Title, SortKey::Title(title), Direction::Ascending) => {
                beyond!(query, tasks::title_folded, title, id, Direction::Ascending)
            }
            (SortField::Title, SortKey::Title(title), Direction::Descending) => {
                beyond!(query, tasks::title_folded, title, id, Direction::Descending)
            }
            // A place of another order has no meaning here; cursors are bound to their order.
            _ => query.filter(diesel::dsl::sql::<diesel::sql_types::Bool>("FALSE")),
        }
    }};
}

macro_rules! ordered {
    ($query:expr, $field:expr, $direction:expr) => {{
        let query = $query;
        match ($field, $direction) {
            (SortField::CreatedAt, Direction::Ascending) => query.order((tasks::created_at.asc(), tasks::id.asc())),
            (SortField::CreatedAt, Direction::Descending) => query.order((tasks::created_at.desc(), tasks::id.desc())),
            (SortField::UpdatedAt, Direction::Ascending) => query.order((tasks::updated_at.asc(), tasks::id.asc())),
            (SortField::UpdatedAt, Direction::Descending) => query.order((tasks::updated_at.desc(), tasks::id.desc())),
            (SortField::Title, Direction::Ascending) => query.order((tasks::title_folded.asc(), tasks::id.asc())),
            (SortField::Title, Direction::Descending) => query.order((tasks::title_folded.desc(), tasks::id.desc())),
        }
    }};
}

/// The page of a request, as a boxed query for the backend at hand.
macro_rules! page_query {
    ($request:expr) => {{
        let request = $request;
        let query = tasks::table
            .filter(tasks::user_id.eq(request.user.as_str()))
            .filter(tasks::deleted_at.is_null())
            .select(COLUMNS)
            .into_boxed::<DB>();
        let mut query = narrowed!(query, request.filter);
        if let Some(key) = request.after.clone() {
            query = placed!(query, key, request, request.direction);
        }
        if let Some(key) = request.before.clone() {
            query = placed!(query, key, request, request.direction.reversed());
        }
        let direction = if request.from_end { request.direction.reversed() } else { request.direction };
        let page = ordered!(query, request.field, direction);
        AsOf { owner: request.user.as_str(), page, limit: request.limit, padding: "" }
    }};
}

impl Store {
    /// One task of the user.
    ///
    /// # Errors
    /// `NoSuchTask`, or `Forbidden` when it is another user's.
    pub async fn task(&self, user: UserId, id: TaskId) -> Result<Task> {
        let owner = user.clone();
        let row: Option<Row> = on_connection!(self, shared, |connection| {
            let statement = tasks::table
                .filter(tasks::id.eq(id.0))
                .filter(tasks::user_id.eq(owner.as_str()))
                .filter(tasks::deleted_at.is_null())
                .select(COLUMNS);
            Known { statement, wording: wording!() }.load::<Row>(connection)
        })?
        .pop();
        match row {
            Some(row) => Ok(row.into()),
            None => Err(self.why_not(user, id, None).await),
        }
    }

    /// A part of the user's list, with the revision that it is as of.
    pub async fn page(&self, request: PageRequest) -> Result<Page> {
        // A list without a bound or with a search may be slow, and nothing may wait behind it.
        let is_short = request.limit.is_some() && request.filter.search.is_none();
        let from_end = request.from_end;
        let rows: Vec<Row> = if is_short {
            on_connection!(self, shared, |connection| page_query!(&request).load(connection))?
        } else {
            on_connection!(self, exclusive, |connection| page_query!(&request).load(connection))?
        };
        let mut rows = rows.into_iter();
        let revision = rows.next().map_or(Revision::ZERO, |owner| Revision(owner.revision));
        let mut tasks: Vec<Task> = rows.map(Task::from).collect();
        if from_end {
            tasks.reverse();
        }
        Ok(Page { tasks, revision })
    }

    /// How many tasks of the user the filter lets through.
    pub async fn count(&self, user: UserId, filter: Filter) -> Result<i64> {
        on_connection!(self, exclusive, |connection| {
            let query = tasks::table
                .filter(tasks::user_id.eq(user.as_str()))
                .filter(tasks::deleted_at.is_null())
                .select(count_star())
                .into_boxed::<DB>();
            narrowed!(query, filter).get_result(connection)
        })
    }

    /// How many tasks the user has.
    pub async fn counts(&self, user: UserId) -> Result<Counts> {
        on_connection!(self, exclusive, |connection| tasks::table
            .filter(tasks::user_id.eq(user.as_str()))
            .filter(tasks::deleted_at.is_null())
            .select((count_star(), count(tasks::id).aggregate_filter(tasks::completed)))
            .get_result::<(i64, i64)>(connection))
        .map(|(total, completed)| Counts { total, completed })
    }

    /// The revision that the user's tasks are at.
    pub async fn revision(&self, user: UserId) -> Result<Revision> {
        on_connection!(self, shared, |connection| owners::table
            .filter(owners::user_id.eq(user.as_str()))
            .select(owners::revision)
            .load::<i64>(connection))
        .map(|rows| rows.first().map_or(Revision::ZERO, |revision| Revision(*revision)))
    }

    /// Why a statement found no task by this id: the second query, for the unlucky only.
    /// It is in a box, so that the lucky do not make room for it.
    pub(super) fn why_not(&self, user: UserId, id: TaskId, expected: Option<Revision>) -> BoxFuture<'_, Error> {
        let reason = async move {
            match self.owner_and_revision(id).await {
                Ok(Some((owner, current))) if owner == user.as_str() => match expected {
                    Some(expected) if expected != current => Error::PreconditionFailed { current },
                    // It came back to life between the two statements.
                    _ => Error::NoSuchTask,
                },
                Ok(Some(_)) if !self.hides_foreign_tasks => Error::Forbidden,
                Ok(_) => Error::NoSuchTask,
                Err(error) => error,
            }
        };
        reason.boxed()
    }

    async fn owner_and_revision(&self, id: TaskId) -> Result<Option<(String, Revision)>> {
        let rows: Vec<(String, i64)> = on_connection!(self, shared, |connection| tasks::table
            .filter(tasks::id.eq(id.0))
            .filter(tasks::deleted_at.is_null())
            .select((tasks::user_id, tasks::revision))
            .load(connection))?;
        Ok(rows.into_iter().next().map(|(owner, revision)| (owner, Revision(revision))))
    }
}

#[cfg(test)]
mod tests;
