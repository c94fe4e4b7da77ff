//! What can be asked.

use async_graphql::{Context, ID, Object};

use super::connection::{Arguments, TaskConnection};
use super::context::ContextExt;
use super::executor::Insides;
use super::feed::TaskChangeConnection;
use super::inputs::{TaskFilter, TaskOrder};
use super::trash::DeletedTaskConnection;
use super::types::{TaskNode, Viewer};
use crate::error::{Error, Result};
use crate::task::{Position, TaskId};

/// What can be asked.
#[derive(Debug)]
pub struct Query;

/// What can be asked. Everything is the viewer's own.
#[Object]
impl Query {
    /// Whoever the token speaks for.
    #[expect(clippy::unused_async, reason = "resolvers are asynchronous")]
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        Insides::leave(ctx);
        ctx.user().map(|_| Viewer)
    }

    /// One task of the viewer: null when there is none with this id, and an error FORBIDDEN when it is another
    /// user's.
    // An error inside the option leaves null in its place; around it, the library would leave the field out.
    async fn task(&self, ctx: &Context<'_>, #[graphql(desc = "Which task.")] id: ID) -> Option<Result<TaskNode>> {
        match find(ctx, &id).await {
            Err(Error::NoSuchTask) => None,
            found => Some(found),
        }
    }

    /// The viewer's tasks, newest first unless ordered otherwise; 50 unless `first` or `last` says how many.
    #[expect(clippy::too_many_arguments, reason = "they are those of a Relay connection")]
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many after `after`: 0 to 100. Not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many before `before`: 0 to 100. Not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which tasks; all without.")] filter: Option<TaskFilter>,
        #[graphql(desc = "In which order; newest first without.")] order_by: Option<TaskOrder>,
    ) -> Result<TaskConnection> {
        let arguments = Arguments { first, after, last, before, filter, order_by };
        TaskConnection::load(ctx.store()?, ctx.user()?, ctx.page_bounds()?, arguments).await
    }

    /// What the viewer has deleted and can restore, the latest deletion first.
    async fn deleted_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many: 0 to 100, and 50 without.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Result<DeletedTaskConnection> {
        DeletedTaskConnection::load(ctx.store()?, ctx.user()?, ctx.page_bounds()?, first, after).await
    }

    /// What changed after a revision: each task once, as it is now, in the order of revisions. `after: "0"` is for
    /// those who have nothing and answers every task; it is never answered with a reset.
    async fn task_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The `revision` of the page, list or change that one has already.")] after: Position,
        #[graphql(desc = "The first so many: 0 to 100, and 50 without.")] first: Option<i32>,
    ) -> Result<TaskChangeConnection> {
        TaskChangeConnection::load(ctx.store()?, ctx.user()?, ctx.page_bounds()?, after, first).await
    }
}

async fn find(ctx: &Context<'_>, id: &ID) -> Result<TaskNode> {
    let id = TaskId::parse(id).map_err(|problem| problem.at("id"))?;
    ctx.store()?.task(ctx.user()?, id).await.map(TaskNode)
}
