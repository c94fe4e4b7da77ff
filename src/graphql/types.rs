//! What callers read.

use async_graphql::{Context, ID, Object, SimpleObject};

use super::context::ContextExt;
use super::scalars::BigInt;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::Counts;
use crate::task::{Revision, Task};

/// A task as the schema shows it (see [`super::flat`]).
#[derive(Debug, Clone)]
pub struct TaskNode(pub Task);

/// The same as the library resolves it.
#[derive(Debug, Clone, Copy)]
pub struct DerivedTask<'a>(pub(super) &'a Task);

/// A task of the viewer.
#[Object(name = "Task")]
impl DerivedTask<'_> {
    /// What names the task: `databaseId` as a string.
    async fn id(&self) -> ID {
        self.0.id.into_id()
    }

    /// The number that REST shows as `id`.
    async fn database_id(&self) -> BigInt {
        BigInt(self.0.id.0)
    }

    /// What is to be done: 1 to 200 characters.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// More about it: at most 1000 characters, or null.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// Whether it is done.
    async fn completed(&self) -> bool {
        self.0.completed
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// The viewer's revision at its last change. No two changes share one.
    async fn revision(&self) -> Revision {
        self.0.revision
    }
}

impl crate::task::TaskId {
    pub(super) fn into_id(self) -> ID {
        ID(self.to_string())
    }
}

/// Whoever the token speaks for.
#[derive(Debug)]
pub struct Viewer;

/// Whoever the token speaks for.
#[Object]
impl Viewer {
    /// The subject of the token.
    #[expect(clippy::unused_async, reason = "resolvers are asynchronous")]
    async fn id(&self, ctx: &Context<'_>) -> Result<ID> {
        Ok(ID(ctx.user()?.as_str().to_owned()))
    }

    /// Where the viewer's tasks stand: it rises with every change of one of them.
    async fn revision(&self, ctx: &Context<'_>) -> Result<Revision> {
        ctx.store()?.revision(ctx.user()?).await
    }

    /// How many tasks there are.
    async fn task_counts(&self, ctx: &Context<'_>) -> Result<TaskCounts> {
        Box::pin(ctx.store()?.counts(ctx.user()?)).await.map(TaskCounts::from)
    }
}

/// How many tasks the viewer has.
#[derive(Debug, SimpleObject)]
pub struct TaskCounts {
    /// All of them.
    total: i64,
    /// Those that are not done.
    pending: i64,
    /// Those that are done.
    completed: i64,
}

impl From<Counts> for TaskCounts {
    fn from(counts: Counts) -> Self {
        Self { total: counts.total, pending: counts.pending(), completed: counts.completed }
    }
}
