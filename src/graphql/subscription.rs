//! What can be followed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::{Context, Subscription};
use futures_util::stream::{Stream, StreamExt as _};

use super::context::ContextExt;
use super::feed::TaskChange;
use crate::error::Result;
use crate::task::Position;

/// For peers that go on after the last event that they heard of, whatever their operation says: where that is, and where
/// they stand meanwhile.
#[derive(Debug, Clone, Default)]
pub struct Resumption {
    /// Takes the place of the argument `after`.
    pub after: Option<Position>,
    stands: Arc<Mutex<Option<Position>>>,
}

impl Resumption {
    /// That of a peer which has heard of everything up to `after`, if of anything.
    #[must_use]
    pub fn after(after: Option<Position>) -> Self {
        Self { after, ..Self::default() }
    }

    /// Where a peer stands that has the latest response: a subscription has one response at a time.
    #[must_use]
    pub fn stands(&self) -> Option<Position> {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Position>> {
        self.stands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
        let resumption = ctx.data_opt::<Resumption>().cloned().unwrap_or_default();
        let changes = ctx.store()?.follow(ctx.user()?, resumption.after.or(after));
        Ok(changes.map(move |entry| {
            *resumption.lock() = entry.as_ref().ok().map(|entry| entry.position);
            entry.map(TaskChange::from)
        }))
    }
}
