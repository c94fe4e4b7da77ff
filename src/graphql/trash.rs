//! Deleted tasks, the latest deletion first.

use async_graphql::{Object, SimpleObject};

use super::PageBounds;
use super::connection::{PageInfo, bounded};
use super::types::TaskNode;
use crate::clock::Timestamp;
use crate::error::{Problem, Result};
use crate::store::{DeletedTask, Store, TrashPage};
use crate::task::Revision;
use crate::user::UserId;

/// How many deleted tasks a page has where nobody says.
const DEFAULT: i64 = 50;

/// A deleted task that can be restored.
#[derive(Debug, SimpleObject)]
#[graphql(name = "DeletedTask")]
pub struct DeletedTaskNode {
    /// The task as it was. Its revision is that of the deletion, the one that `restoreTask` may expect.
    task: TaskNode,
    /// When it was deleted.
    deleted_at: Timestamp,
}

impl From<&DeletedTask> for DeletedTaskNode {
    fn from(deleted: &DeletedTask) -> Self {
        Self { task: TaskNode(deleted.task.clone()), deleted_at: deleted.deleted_at }
    }
}

/// The place of a deleted task in the list: the revision of its deletion.
pub(super) fn cursor(deleted: &DeletedTask) -> String {
    deleted.task.revision.to_string()
}

/// Part of what the viewer has deleted, the latest deletion first.
#[derive(Debug)]
pub struct DeletedTaskConnection(pub(super) TrashPage);

impl DeletedTaskConnection {
    pub(super) async fn load(
        store: &Store,
        user: UserId,
        bounds: PageBounds,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Self> {
        let none_of_ours = |_| Problem::new("cursor", "is not a cursor that this service gave out").at("after");
        let before = after.map(|cursor| Revision::parse(&cursor)).transpose().map_err(none_of_ours)?;
        let limit = first.map(|first| bounded("first", first, bounds)).transpose()?;
        Box::pin(store.deleted(user, before, limit.unwrap_or(DEFAULT))).await.map(Self)
    }
}

/// Part of what the viewer has deleted, the latest deletion first.
#[Object]
impl DeletedTaskConnection {
    /// The deleted tasks, each with its cursor.
    async fn edges(&self) -> Vec<DeletedTaskEdge> {
        self.0.tasks.iter().map(|task| DeletedTaskEdge { cursor: cursor(task), node: task.into() }).collect()
    }

    /// The deleted tasks.
    async fn nodes(&self) -> Vec<DeletedTaskNode> {
        self.0.tasks.iter().map(DeletedTaskNode::from).collect()
    }

    /// How to go on from here.
    async fn page_info(&self) -> PageInfo<'_> {
        PageInfo::Trash(self)
    }

    /// Where the viewer's tasks stood when these were read.
    async fn revision(&self) -> Revision {
        self.0.revision
    }
}

/// A deleted task and its place in the list.
#[derive(Debug, SimpleObject)]
pub struct DeletedTaskEdge {
    /// The place, for `after`.
    cursor: String,
    /// The deleted task.
    node: DeletedTaskNode,
}
