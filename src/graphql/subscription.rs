//! What can be followed.

use async_graphql::{Context, Subscription};
use futures_util::stream::{Stream, StreamExt as _};

use super::context::ContextExt;
use super::feed::TaskChange;
use crate::error::Result;
use crate::task::Position;

/// What can be followed.
#[derive(Debug)]
pub struct Subscription;

/// What can be followed. Everything is the viewer's own.
#[Subscription]
impl Subscription {
    /// What changes from now on; with `after` first all that changed since that revision, with no gap in between.
    /// Whoever reads slowly is told of the latest state of each task, not of each state in between.
    #[expect(clippy::unused_async, reason = "resolvers are asynchronous")]
    async fn task_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The `revision` of the page, list or change that one has already.")] after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<TaskChange>>> {
        let changes = ctx.store()?.follow(ctx.user()?, after);
        Ok(changes.map(|entry| entry.map(TaskChange::from)))
    }
}
