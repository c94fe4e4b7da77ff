//! What callers send for many changes. A list has 1 to 100 entries.

use std::collections::HashSet;

use async_graphql::{ID, InputObject, OneofObject};

use crate::error::Problem;
use crate::graphql::inputs::{
    Checked, CreateTaskInput, DeleteTaskInput, Problems, SetTaskCompletedInput, UpdateTaskInput,
};
use crate::store::{BulkChange, Target};
use crate::task::{TaskId, TaskPatch};
use crate::user::UserId;

/// The most entries of a list.
const MOST: usize = 100;

/// Tasks to make.
#[derive(Debug, InputObject)]
pub struct CreateTasksInput {
    /// The tasks to make: 1 to 100, in this order.
    tasks: Vec<CreateTaskInput>,
}

/// What to change of many tasks.
#[derive(Debug, InputObject)]
pub struct UpdateTasksInput {
    /// Which tasks, and what to change of each: 1 to 100, in this order. An expected revision is that from before all
    /// of them.
    tasks: Vec<UpdateTaskInput>,
}

/// Tasks to complete or to reopen.
#[derive(Debug, InputObject)]
pub struct CompleteTasksInput {
    /// Which tasks: 1 to 100, none of them twice.
    ids: Vec<ID>,
    /// Whether they are done.
    completed: bool,
}

/// Tasks to delete.
#[derive(Debug, InputObject)]
pub struct DeleteTasksInput {
    /// Which tasks: 1 to 100, none of them twice.
    ids: Vec<ID>,
}

/// Changes of any kind.
#[derive(Debug, InputObject)]
pub struct ChangeTasksInput {
    /// The changes: 1 to 100, in this order. An expected revision is that from before all of them.
    changes: Vec<TaskChangeInput>,
}

/// One of many changes.
#[derive(Debug, OneofObject)]
pub enum TaskChangeInput {
    /// A task to make.
    Create(CreateTaskInput),
    /// What to change of a task.
    Update(UpdateTaskInput),
    /// A task to complete or to reopen.
    SetCompleted(SetTaskCompletedInput),
    /// A task to delete.
    Delete(DeleteTaskInput),
}

impl CreateTasksInput {
    pub(super) fn changes(self) -> Checked<Vec<BulkChange>> {
        each("tasks", self.tasks, |task| task.checked().map(BulkChange::Create))
    }
}

impl UpdateTasksInput {
    pub(super) fn changes(self, user: &UserId) -> Checked<Vec<BulkChange>> {
        each("tasks", self.tasks, |task| update(task, user))
    }
}

impl CompleteTasksInput {
    pub(super) fn changes(self, user: &UserId) -> Checked<Vec<BulkChange>> {
        let targets = targets(self.ids, user)?;
        Ok(targets.into_iter().map(|target| set_completed(target, self.completed)).collect())
    }
}

impl DeleteTasksInput {
    pub(super) fn changes(self, user: &UserId) -> Checked<Vec<BulkChange>> {
        Ok(targets(self.ids, user)?.into_iter().map(BulkChange::Delete).collect())
    }
}

impl ChangeTasksInput {
    pub(super) fn changes(self, user: &UserId) -> Checked<Vec<BulkChange>> {
        each("changes", self.changes, |change| change.change(user))
    }
}

impl TaskChangeInput {
    fn change(self, user: &UserId) -> Checked<BulkChange> {
        let (member, change) = match self {
            Self::Create(task) => ("create", task.checked().map(BulkChange::Create)),
            Self::Update(task) => ("update", update(task, user)),
            Self::SetCompleted(task) => {
                let target = task.target(user.clone());
                ("setCompleted", target.map(|target| set_completed(target, task.completed)))
            }
            Self::Delete(task) => ("delete", task.target(user.clone()).map(BulkChange::Delete)),
        };
        let mut problems = Problems::default();
        let change = problems.check_all(member, change);
        problems.or(change)
    }
}

fn update(task: UpdateTaskInput, user: &UserId) -> Checked<BulkChange> {
    task.for_user(user.clone()).map(|(target, patch)| BulkChange::Update(target, patch))
}

fn set_completed(target: Target, completed: bool) -> BulkChange {
    BulkChange::Update(target, TaskPatch { completed: Some(completed), ..TaskPatch::default() })
}

/// Every entry of a list, checked; the places of problems begin with the list's name and the entry's index.
fn each<I, T>(list: &'static str, entries: Vec<I>, mut check: impl FnMut(I) -> Checked<T>) -> Checked<Vec<T>> {
    let mut problems = Problems::default();
    problems.check(list, length(entries.len()));
    let mut of_entries = Problems::default();
    let mut checked = Vec::new();
    for (index, entry) in entries.into_iter().enumerate().take(MOST) {
        checked.extend(of_entries.check_all(index.to_string(), check(entry)));
    }
    let checked = problems.check_all(list, of_entries.or(Some(checked)));
    problems.or(checked)
}

fn length(entries: usize) -> Result<(), Problem> {
    match entries {
        0 => Err(Problem::new("too_short", "must have at least 1 entry")),
        1..=MOST => Ok(()),
        _ => Err(Problem::new("too_long", format!("must have at most {MOST} entries"))),
    }
}

/// The tasks of a list of ids, each once: one that is named twice is a mistake, and which of the two it is, a guess.
fn targets(ids: Vec<ID>, user: &UserId) -> Checked<Vec<Target>> {
    let mut known = HashSet::new();
    each("ids", ids, |id| {
        let id = TaskId::parse(&id).map_err(Problems::from)?;
        // What is below 1 names nothing, whatever its digits.
        if id.0 > 0 && !known.insert(id) {
            return Err(Problem::new("given_twice", "is in the list already").into());
        }
        Ok(Target { user: user.clone(), id, expected: None })
    })
}
