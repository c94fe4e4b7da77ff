//! What changed after a revision.

use async_graphql::{ID, Object, SimpleObject, Union};

use super::PageBounds;
use super::connection::{PageInfo, bounded};
use super::types::TaskNode;
use crate::error::Result;
use crate::store::{Change, Entry, FeedPage, Store};
use crate::task::Position;
use crate::user::UserId;

/// How many changes a page has where nobody says.
const DEFAULT: i64 = 50;

/// What became of a task, or of the feed.
#[derive(Debug, Union)]
pub enum TaskChange {
    Upserted(TaskUpserted),
    Deleted(TaskDeleted),
    Reset(FeedReset),
}

/// A task was made, changed or restored.
#[derive(Debug, SimpleObject)]
pub struct TaskUpserted {
    /// The revision to go on from.
    revision: Position,
    /// The task as it is now.
    task: TaskNode,
}

/// A task was deleted.
#[derive(Debug, SimpleObject)]
pub struct TaskDeleted {
    /// The revision to go on from.
    revision: Position,
    /// The id that it had.
    task_id: ID,
}

/// The feed does not reach back to the revision that was asked for, or that revision never was: fetch everything again.
#[derive(Debug, SimpleObject)]
pub struct FeedReset {
    /// The revision to go on from then.
    revision: Position,
}

impl From<Entry> for TaskChange {
    fn from(Entry { change, position: revision }: Entry) -> Self {
        match change {
            Change::Upserted(task) => Self::Upserted(TaskUpserted { revision, task: TaskNode(task) }),
            Change::Deleted(id) => Self::Deleted(TaskDeleted { revision, task_id: id.into_id() }),
            Change::Reset => Self::Reset(FeedReset { revision }),
        }
    }
}

/// Part of what changed, in the order of revisions.
#[derive(Debug)]
pub struct TaskChangeConnection(pub(super) FeedPage);

impl TaskChangeConnection {
    pub(super) async fn load(
        store: &Store,
        user: UserId,
        bounds: PageBounds,
        after: Position,
        first: Option<i32>,
    ) -> Result<Self> {
        let limit = first.map(|first| bounded("first", first, bounds)).transpose()?;
        Box::pin(store.changes(user, after, limit.unwrap_or(DEFAULT))).await.map(Self)
    }
}

/// Part of what changed, in the order of revisions.
#[Object]
impl TaskChangeConnection {
    /// The changes, each with its cursor.
    async fn edges(&self) -> Vec<TaskChangeEdge> {
        let edge = |entry: &Entry| TaskChangeEdge { cursor: entry.position.to_string(), node: entry.clone().into() };
        self.0.entries.iter().map(edge).collect()
    }

    /// The changes.
    async fn nodes(&self) -> Vec<TaskChange> {
        self.0.entries.iter().cloned().map(TaskChange::from).collect()
    }

    /// Whether there is more.
    async fn page_info(&self) -> PageInfo<'_> {
        PageInfo::Changes(self)
    }

    /// The revision to go on from, for `after` of the next page and of the subscription.
    async fn revision(&self) -> Position {
        self.0.position
    }
}

/// A change and its place in the feed.
#[derive(Debug, SimpleObject)]
pub struct TaskChangeEdge {
    /// The place, which is the revision of the change.
    cursor: String,
    /// The change.
    node: TaskChange,
}
