//! What a list of changes makes of the tasks that it names, worked out while they are locked. No I/O.

use std::collections::BTreeMap;

use super::super::tasks::Row;
use super::super::timestamp::At;
use super::BulkChange;
use super::sql::Written;
use crate::clock::Timestamp;
use crate::task::{Description, NewTask, Revision, TaskPatch, fold};

/// Why changes are not made.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Refusal {
    /// This change names a task that is not among the user's.
    Missing { index: usize },
    /// This change expects another revision than the task had before all of them.
    Stale { index: usize, current: Revision },
    /// The user would have more tasks than one may have.
    Full,
}

/// Changes that can be made, and what each of them leaves.
#[derive(Debug)]
pub(super) struct Plan {
    /// For each change in order, the row that it leaves.
    left: Vec<Step>,
    /// The tasks that were there, by id, as they are in the end.
    tasks: BTreeMap<i64, Standing>,
    /// How many changes take a revision.
    raise: i64,
    /// How many more tasks there are in the end.
    net: i64,
    now: At,
}

/// What a change leaves.
#[derive(Debug)]
struct Step {
    row: Row,
    /// Which of the revisions is the row's: so many after the first. `None` where nothing has changed.
    nth: Option<i64>,
    is_new: bool,
}

/// How a task that was there stands.
#[derive(Debug)]
struct Standing {
    row: Row,
    nth: Option<i64>,
    is_deleted: bool,
}

impl Plan {
    /// The plan of `changes` over the live tasks of the user among those that they name.
    ///
    /// # Errors
    /// The first change that cannot be made.
    pub(super) fn of(changes: &[BulkChange], found: Vec<Row>, now: Timestamp) -> Result<Self, Refusal> {
        let standing = |row: Row| (row.id, Standing { row, nth: None, is_deleted: false });
        let tasks = found.into_iter().map(standing).collect();
        let mut plan = Self { left: Vec::new(), tasks, raise: 0, net: 0, now: At(now) };
        for (index, change) in changes.iter().enumerate() {
            let step = match change {
                BulkChange::Create(task) => plan.create(task),
                BulkChange::Update(..) | BulkChange::Delete(_) => plan.change(index, change)?,
            };
            plan.left.push(step);
        }
        Ok(plan)
    }

    fn create(&mut self, task: &NewTask) -> Step {
        let row = Row {
            id: 0,
            title: task.title.as_str().to_owned(),
            description: task.description.as_ref().map(|text| text.as_str().to_owned()),
            completed: false,
            created_at: self.now,
            updated_at: self.now,
            revision: 0,
        };
        self.net += 1;
        self.raise += 1;
        Step { row, nth: Some(self.raise - 1), is_new: true }
    }

    fn change(&mut self, index: usize, change: &BulkChange) -> Result<Step, Refusal> {
        let missing = Refusal::Missing { index };
        let Some(target) = change.target() else { return Err(missing) };
        let Some(task) = self.tasks.get_mut(&target.id.0).filter(|task| !task.is_deleted) else { return Err(missing) };
        let current = Revision(task.row.revision);
        if target.expected.is_some_and(|expected| expected != current) {
            return Err(Refusal::Stale { index, current });
        }
        let changes = match change {
            BulkChange::Update(_, patch) => task.row.apply(patch, self.now),
            _ => true,
        };
        if matches!(change, BulkChange::Delete(_)) {
            task.is_deleted = true;
            self.net -= 1;
        }
        if changes {
            task.nth = Some(self.raise);
            self.raise += 1;
        }
        Ok(Step { row: task.row.clone(), nth: task.nth, is_new: false })
    }

    /// By how much the owner's revision rises.
    pub(super) const fn raise(&self) -> i64 {
        self.raise
    }

    /// By how much the owner's count of tasks rises.
    pub(super) const fn net(&self) -> i64 {
        self.net
    }

    /// Gives each change its revision, now that the last one is known.
    pub(super) fn stamp(&mut self, last: i64) {
        let first = last - self.raise + 1;
        let in_the_end = self.tasks.values_mut().map(|task| (&mut task.row, task.nth));
        let steps = self.left.iter_mut().map(|step| (&mut step.row, step.nth));
        for (row, nth) in in_the_end.chain(steps) {
            row.revision = nth.map_or(row.revision, |nth| first + nth);
        }
    }

    /// The tasks that were there and have changed, as they are in the end.
    pub(super) fn changed(&self) -> Vec<Written> {
        let changed = self.tasks.values().filter(|task| task.nth.is_some());
        changed.map(|task| Written::of(&task.row, task.is_deleted.then_some(self.now))).collect()
    }

    /// The tasks that are new, in the order of the changes.
    pub(super) fn made(&self) -> Vec<Written> {
        self.left.iter().filter(|step| step.is_new).map(|step| Written::of(&step.row, None)).collect()
    }

    /// Gives the new tasks the ids that they got: each `(revision, id)`.
    pub(super) fn name(&mut self, ids: Vec<(i64, i64)>) {
        let ids: BTreeMap<i64, i64> = ids.into_iter().collect();
        for step in self.left.iter_mut().filter(|step| step.is_new) {
            step.row.id = ids.get(&step.row.revision).copied().unwrap_or_default();
        }
    }

    /// For each change in order, the row that it leaves.
    pub(super) fn into_rows(self) -> Vec<Row> {
        self.left.into_iter().map(|step| step.row).collect()
    }
}

impl Row {
    /// Changes what the patch names; answers whether that is anything.
    fn apply(&mut self, patch: &TaskPatch, now: At) -> bool {
        if patch.is_empty() {
            return false;
        }
        if let Some(title) = &patch.title {
            title.as_str().clone_into(&mut self.title);
        }
        if let Some(description) = &patch.description {
            self.description = description.as_ref().map(Description::as_str).map(str::to_owned);
        }
        self.completed = patch.completed.unwrap_or(self.completed);
        self.updated_at = now;
        true
    }
}

impl Written {
    fn of(row: &Row, deleted_at: Option<At>) -> Self {
        Self {
            title_folded: fold(&row.title),
            description_folded: row.description.as_deref().map(fold),
            row: row.clone(),
            deleted_at,
        }
    }
}
