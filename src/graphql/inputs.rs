//! What callers send, and how it becomes values that cannot be wrong. Every broken rule is reported, not the first.

use std::borrow::Cow;

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};

use crate::error::{Error, Problem, Result};
use crate::store::{Direction, Filter, SortField, Target};
use crate::task::{Description, NewTask, Position, Revision, Search, TaskId, TaskPatch, Title};
use crate::user::UserId;

/// The broken rules of an input, each at its place in it.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    /// The value, or `None` with the problem taken down as one of `field`.
    pub(super) fn check<T>(&mut self, field: impl Into<Cow<'static, str>>, value: Result<T, Problem>) -> Option<T> {
        value.map_err(|problem| self.0.push(problem.at(field))).ok()
    }

    /// The value, or `None` with the problems taken down as those of what stands at `step`.
    pub(super) fn check_all<T>(&mut self, step: impl Into<Cow<'static, str>>, value: Checked<T>) -> Option<T> {
        let step = step.into();
        value.map_err(|problems| self.0.extend(problems.0.into_iter().map(|problem| problem.at(step.clone())))).ok()
    }

    /// The value, where no rule is broken.
    pub(super) fn or<T>(self, value: Option<T>) -> Checked<T> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

/// What an input becomes, or all the rules that it breaks.
pub(super) type Checked<T> = Result<T, Problems>;

/// Every mutation calls its argument `input`.
impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Validation(problems.0.into_iter().map(|problem| problem.at("input")).collect())
    }
}

fn must_not_be_null<T>() -> Result<T, Problem> {
    Err(Problem::new("null_not_allowed", "must not be null"))
}

fn target(problems: &mut Problems, user: UserId, id: &ID, expected: Option<Position>) -> Option<Target> {
    // A place in the feed is no task's revision.
    let expected = expected.map(|expected| Revision::parse(&expected.to_string()));
    let expected = expected.and_then(|expected| problems.check("expectedRevision", expected));
    problems.check("id", TaskId::parse(id)).map(|id| Target { user, id, expected })
}

/// A task to make.
#[derive(Debug, InputObject)]
pub struct CreateTaskInput {
    /// What is to be done: 1 to 200 characters once white space around it is trimmed.
    title: String,
    /// More about it: at most 1000 characters, kept as sent.
    description: Option<String>,
}

impl CreateTaskInput {
    pub(super) fn checked(self) -> Checked<NewTask> {
        let mut problems = Problems::default();
        let title = problems.check("title", Title::parse(&self.title));
        let description = self.description.and_then(|text| problems.check("description", Description::parse(text)));
        problems.or(title.map(|title| NewTask { title, description }))
    }
}

/// What to change of a task. A member that is absent leaves its part as it is.
#[derive(Debug, InputObject)]
pub struct UpdateTaskInput {
    /// Which task.
    id: ID,
    /// The new title: 1 to 200 characters once white space around it is trimmed. Must not be null.
    title: MaybeUndefined<String>,
    /// The new description, at most 1000 characters; null clears it.
    description: MaybeUndefined<String>,
    /// Whether it is done. Must not be null.
    completed: MaybeUndefined<bool>,
    /// Change it only while this is its revision, else fail with `PRECONDITION_FAILED`.
    expected_revision: Option<Position>,
}

impl UpdateTaskInput {
    pub(super) fn for_user(self, user: UserId) -> Checked<(Target, TaskPatch)> {
        let mut problems = Problems::default();
        let target = target(&mut problems, user, &self.id, self.expected_revision);
        let title = match self.title {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => problems.check("title", must_not_be_null()),
            MaybeUndefined::Value(text) => problems.check("title", Title::parse(&text)),
        };
        let description = match self.description {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(text) => problems.check("description", Description::parse(text)).map(Some),
        };
        let completed = match self.completed {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => problems.check("completed", must_not_be_null()),
            MaybeUndefined::Value(completed) => Some(completed),
        };
        problems.or(target.map(|target| (target, TaskPatch { title, description, completed })))
    }
}

/// A task to complete if it is pending, and to reopen if it is completed.
#[derive(Debug, InputObject)]
pub struct ToggleTaskInput {
    /// Which task.
    id: ID,
    /// Change it only while this is its revision, else fail with `PRECONDITION_FAILED`.
    expected_revision: Option<Position>,
}

/// A task to complete or to reopen.
#[derive(Debug, InputObject)]
pub struct SetTaskCompletedInput {
    /// Which task.
    id: ID,
    /// Whether it is done.
    pub(super) completed: bool,
    /// Change it only while this is its revision, else fail with `PRECONDITION_FAILED`.
    expected_revision: Option<Position>,
}

/// A task to delete.
#[derive(Debug, InputObject)]
pub struct DeleteTaskInput {
    /// Which task.
    id: ID,
    /// Delete it only while this is its revision, else fail with `PRECONDITION_FAILED`.
    expected_revision: Option<Position>,
}

/// A deleted task to bring back.
#[derive(Debug, InputObject)]
pub struct RestoreTaskInput {
    /// Which task.
    id: ID,
    /// Restore it only while this is its revision, which is that of the deletion, else fail with
    /// `PRECONDITION_FAILED`.
    expected_revision: Option<Position>,
}

macro_rules! names_a_task {
    ($($input:ty),*) => {$(
        impl $input {
            pub(super) fn target(&self, user: UserId) -> Checked<Target> {
                let mut problems = Problems::default();
                let target = target(&mut problems, user, &self.id, self.expected_revision);
                problems.or(target)
            }
        }
    )*};
}
names_a_task!(ToggleTaskInput, SetTaskCompletedInput, DeleteTaskInput, RestoreTaskInput);

/// Whether a task is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum TaskStatus {
    /// Not done.
    Pending,
    /// Done.
    Completed,
}

/// Which tasks to list. What is absent or null does not narrow.
#[derive(Debug, Default, InputObject)]
pub struct TaskFilter {
    /// Only tasks that are done, or only those that are not.
    status: Option<TaskStatus>,
    /// Only tasks whose title or description has this text, whatever its case: at most 200 characters, none of them
    /// a wildcard.
    search: Option<String>,
}

impl TryFrom<TaskFilter> for Filter {
    type Error = Error;

    fn try_from(filter: TaskFilter) -> Result<Self> {
        let search =
            filter.search.map(Search::parse).transpose().map_err(|problem| problem.at("search").at("filter"))?;
        Ok(Self { completed: filter.status.map(|status| status == TaskStatus::Completed), search })
    }
}

/// What tasks are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum TaskOrderField {
    /// When it was made.
    CreatedAt,
    /// When it was last changed.
    UpdatedAt,
    /// Its title, case folded, code point by code point.
    Title,
}

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// The smallest, oldest or first in the alphabet first.
    Asc,
    /// The largest, newest or last in the alphabet first.
    Desc,
}

/// How to order tasks. Ties break by id, in the same direction.
#[derive(Debug, Clone, Copy, InputObject)]
pub struct TaskOrder {
    /// What to order by.
    field: TaskOrderField,
    /// Which end comes first.
    direction: OrderDirection,
}

impl TaskOrder {
    pub(super) const fn parts(self) -> (SortField, Direction) {
        let field = match self.field {
            TaskOrderField::CreatedAt => SortField::CreatedAt,
            TaskOrderField::UpdatedAt => SortField::UpdatedAt,
            TaskOrderField::Title => SortField::Title,
        };
        let direction = match self.direction {
            OrderDirection::Asc => Direction::Ascending,
            OrderDirection::Desc => Direction::Descending,
        };
        (field, direction)
    }
}

/// A problem with an argument of a list.
pub(super) fn argument(name: &'static str, kind: &'static str, msg: impl Into<Cow<'static, str>>) -> Error {
    Problem::new(kind, msg).at(name).into()
}
