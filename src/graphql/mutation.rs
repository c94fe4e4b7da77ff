//! What can be changed: one input and one payload a mutation.

use async_graphql::{Context, ID, MergedObject, Object, SimpleObject};

use super::bulk::BulkMutation;
use super::context::ContextExt;
use super::inputs::{
    CreateTaskInput, DeleteTaskInput, RestoreTaskInput, SetTaskCompletedInput, ToggleTaskInput, UpdateTaskInput,
};
use super::types::TaskNode;
use crate::error::Result;
use crate::task::{Revision, Task, TaskPatch};

/// What can be changed. Each change raises the viewer's revision and stamps the task with it.
#[derive(Debug, Default, MergedObject)]
pub struct Mutation(TaskMutation, BulkMutation);

/// Changes of one task.
#[derive(Debug, Default)]
pub struct TaskMutation;

#[Object]
impl TaskMutation {
    /// Makes a task.
    async fn create_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task to make.")] input: CreateTaskInput,
    ) -> Result<CreateTaskPayload> {
        let user = ctx.user()?;
        Box::pin(ctx.store()?.create(user, input.checked()?)).await.map(Into::into)
    }

    /// Changes what the input names of a task and leaves the rest.
    async fn update_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which task, and what to change of it.")] input: UpdateTaskInput,
    ) -> Result<UpdateTaskPayload> {
        let (target, patch) = input.for_user(ctx.user()?)?;
        Box::pin(ctx.store()?.update(target, patch)).await.map(Into::into)
    }

    /// Completes a task that is pending, reopens one that is completed.
    async fn toggle_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which task.")] input: ToggleTaskInput,
    ) -> Result<ToggleTaskPayload> {
        let target = input.target(ctx.user()?)?;
        Box::pin(ctx.store()?.toggle(target)).await.map(Into::into)
    }

    /// Completes or reopens a task, whatever it was.
    async fn set_task_completed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which task, and whether it is done.")] input: SetTaskCompletedInput,
    ) -> Result<SetTaskCompletedPayload> {
        let target = input.target(ctx.user()?)?;
        let patch = TaskPatch { completed: Some(input.completed), ..TaskPatch::default() };
        Box::pin(ctx.store()?.update(target, patch)).await.map(Into::into)
    }

    /// Deletes a task.
    async fn delete_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which task.")] input: DeleteTaskInput,
    ) -> Result<DeleteTaskPayload> {
        let target = input.target(ctx.user()?)?;
        let task = Box::pin(ctx.store()?.delete(target)).await?;
        Ok(DeleteTaskPayload { deleted_task_id: task.id.into_id(), revision: task.revision })
    }

    /// Brings a deleted task back as it was, while it is remembered. A task that is not deleted stays as it is.
    async fn restore_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which task.")] input: RestoreTaskInput,
    ) -> Result<RestoreTaskPayload> {
        let target = input.target(ctx.user()?)?;
        Box::pin(ctx.store()?.restore(target)).await.map(Into::into)
    }
}

macro_rules! task_payloads {
    ($($(#[$doc:meta])* $payload:ident),*) => {$(
        $(#[$doc])*
        #[derive(Debug, SimpleObject)]
        pub struct $payload {
            /// The task as it is now.
            task: TaskNode,
        }

        impl From<Task> for $payload {
            fn from(task: Task) -> Self {
                Self { task: TaskNode(task) }
            }
        }
    )*};
}

task_payloads!(
    /// The task that was made.
    CreateTaskPayload,
    /// The task that was changed.
    UpdateTaskPayload,
    /// The task that was completed or reopened.
    ToggleTaskPayload,
    /// The task that was completed or reopened.
    SetTaskCompletedPayload,
    /// The task that was restored.
    RestoreTaskPayload
);

/// What is left of the task that was deleted.
#[derive(Debug, SimpleObject)]
pub struct DeleteTaskPayload {
    /// The id that it had.
    deleted_task_id: ID,
    /// The viewer's revision at the deletion.
    revision: Revision,
}
