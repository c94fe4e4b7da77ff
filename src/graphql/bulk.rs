//! Many changes as one: all of them are made, or none. Each is checked as a single one is, and what is wrong with any
//! of them is told at once.

use async_graphql::{Context, ID, Object, SimpleObject};

use self::inputs::{ChangeTasksInput, CompleteTasksInput, CreateTasksInput, DeleteTasksInput, UpdateTasksInput};
use super::context::ContextExt;
use super::types::TaskNode;
use crate::error::{Error, Result};
use crate::store::{BulkChange, Cleared};
use crate::task::{Revision, Task};

mod inputs;

/// Changes of many tasks.
#[derive(Debug, Default)]
pub struct BulkMutation;

#[Object]
impl BulkMutation {
    /// Makes many tasks, or none.
    async fn create_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The tasks to make.")] input: CreateTasksInput,
    ) -> Result<CreateTasksPayload> {
        make(ctx, input.changes()?).await.map(Into::into)
    }

    /// Changes many tasks, or none.
    async fn update_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tasks, and what to change of each.")] input: UpdateTasksInput,
    ) -> Result<UpdateTasksPayload> {
        let changes = input.changes(&ctx.user()?)?;
        make(ctx, changes).await.map(Into::into)
    }

    /// Completes or reopens many tasks, whatever they were, or none.
    async fn complete_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tasks, and whether they are done.")] input: CompleteTasksInput,
    ) -> Result<CompleteTasksPayload> {
        let changes = input.changes(&ctx.user()?)?;
        make(ctx, changes).await.map(Into::into)
    }

    /// Deletes many tasks, or none.
    async fn delete_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tasks.")] input: DeleteTasksInput,
    ) -> Result<DeleteTasksPayload> {
        let changes = input.changes(&ctx.user()?)?;
        let deleted = make(ctx, changes).await?;
        let last = deleted.last().ok_or_else(|| Error::internal("nothing was deleted"))?;
        let revision = last.revision;
        Ok(DeleteTasksPayload { deleted_task_ids: deleted.iter().map(|task| task.id.into_id()).collect(), revision })
    }

    /// Makes many changes of any kind, or none. Changes of the same task apply one after the other.
    async fn change_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes to make.")] input: ChangeTasksInput,
    ) -> Result<ChangeTasksPayload> {
        let changes = input.changes(&ctx.user()?)?;
        let deletes: Vec<bool> = changes.iter().map(|change| matches!(change, BulkChange::Delete(_))).collect();
        let left = make(ctx, changes).await?.into_iter().zip(deletes);
        let result = |(task, is_deleted): (Task, bool)| ChangedTask {
            revision: task.revision,
            task: (!is_deleted).then_some(TaskNode(task)),
        };
        Ok(ChangeTasksPayload { results: left.map(result).collect() })
    }

    /// Deletes the completed tasks: at most 100 at once, the longest unchanged first. The answer says which.
    async fn clear_completed_tasks(&self, ctx: &Context<'_>) -> Result<ClearCompletedTasksPayload> {
        Box::pin(ctx.store()?.clear_completed(ctx.user()?)).await.map(Into::into)
    }
}

async fn make(ctx: &Context<'_>, changes: Vec<BulkChange>) -> Result<Vec<Task>> {
    Box::pin(ctx.store()?.bulk(ctx.user()?, changes)).await
}

macro_rules! tasks_payloads {
    ($($(#[$doc:meta])* $payload:ident),*) => {$(
        $(#[$doc])*
        #[derive(Debug, SimpleObject)]
        pub struct $payload {
            /// Each task as its change left it, in the order of the input.
            tasks: Vec<TaskNode>,
        }

        impl From<Vec<Task>> for $payload {
            fn from(tasks: Vec<Task>) -> Self {
                Self { tasks: tasks.into_iter().map(TaskNode).collect() }
            }
        }
    )*};
}

tasks_payloads!(
    /// The tasks that were made.
    CreateTasksPayload,
    /// The tasks that were changed.
    UpdateTasksPayload,
    /// The tasks that were completed or reopened.
    CompleteTasksPayload
);

/// What is left of the tasks that were deleted.
#[derive(Debug, SimpleObject)]
pub struct DeleteTasksPayload {
    /// The ids that they had, in the order of the input.
    deleted_task_ids: Vec<ID>,
    /// The viewer's revision at the last deletion.
    revision: Revision,
}

/// What the changes left.
#[derive(Debug, SimpleObject)]
pub struct ChangeTasksPayload {
    /// What each change left, in the order of the input.
    results: Vec<ChangedTask>,
}

/// What one of many changes left.
#[derive(Debug, SimpleObject)]
pub struct ChangedTask {
    /// The task after this change, or null where it deleted it.
    task: Option<TaskNode>,
    /// The revision of this change; where it changed nothing, that of the task.
    revision: Revision,
}

/// The completed tasks that were deleted.
#[derive(Debug, SimpleObject)]
pub struct ClearCompletedTasksPayload {
    /// Their ids, the longest unchanged first.
    deleted_task_ids: Vec<ID>,
    /// The viewer's revision then.
    revision: Revision,
    /// Whether there are completed tasks left, for the next call.
    has_more: bool,
}

impl From<Cleared> for ClearCompletedTasksPayload {
    fn from(cleared: Cleared) -> Self {
        let deleted_task_ids = cleared.ids.into_iter().map(crate::task::TaskId::into_id).collect();
        Self { deleted_task_ids, revision: cleared.revision, has_more: cleared.has_more }
    }
}
