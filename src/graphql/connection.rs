//! Lists of tasks, per the Relay connection specification (<https://relay.dev/graphql/connections.htm>).

use async_graphql::{Context, Object};

use super::PageBounds;
use super::context::ContextExt;
use super::cursor::List;
use super::feed::TaskChangeConnection;
use super::flat::Tasks;
use super::inputs::{TaskFilter, TaskOrder, argument};
use super::trash::{self, DeletedTaskConnection};
use super::types::TaskNode;
use crate::error::{Error, Result};
use crate::store::{Direction, Filter, Key, PageRequest, SortField, Store};
use crate::task::{Revision, TaskId};
use crate::user::UserId;

/// The arguments of a connection.
#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) first: Option<i32>,
    pub(super) after: Option<String>,
    pub(super) last: Option<i32>,
    pub(super) before: Option<String>,
    pub(super) filter: Option<TaskFilter>,
    pub(super) order_by: Option<TaskOrder>,
}

/// Part of the viewer's tasks, in order.
#[derive(Debug)]
pub struct TaskConnection {
    request: PageRequest,
    list: List,
    nodes: Vec<TaskNode>,
    revision: Revision,
    /// Whether the limit left something out.
    has_more: bool,
}

impl TaskConnection {
    /// Reads the page that the arguments ask for.
    pub(super) async fn load(store: &Store, user: UserId, bounds: PageBounds, arguments: Arguments) -> Result<Self> {
        let (request, list, limit) = understood(user, bounds, arguments)?;
        // One more than is shown tells whether there is more.
        let wanted = PageRequest { limit: limit.map(|limit| limit + 1), ..request.clone() };
        // In a box, as is whatever asks the store: the fields beside it make room for the largest of them.
        let page = Box::pin(store.page(wanted)).await?;
        let mut nodes: Vec<TaskNode> = page.tasks.into_iter().map(TaskNode).collect();
        let excess = limit.and_then(|limit| usize::try_from(limit).ok()).map_or(0, |n| nodes.len().saturating_sub(n));
        if request.from_end {
            nodes.drain(..excess);
        } else {
            nodes.truncate(nodes.len() - excess);
        }
        Ok(Self { request, list, nodes, revision: page.revision, has_more: excess > 0 })
    }

    fn key(&self, node: &TaskNode) -> Key {
        Key::of(&node.0, self.request.field)
    }

    fn cursor(&self, node: &TaskNode) -> String {
        self.list.encode(&self.key(node))
    }

    /// The place next to that of a cursor, towards the end of the list or towards its start. A task of the cursor's own
    /// is outside of the page, and so it counts as before or after it.
    fn next_to(&self, cursor: &Key, towards_end: bool) -> Key {
        let is_up = towards_end == (self.request.direction == Direction::Ascending);
        let id = if is_up { cursor.id.0.saturating_add(1) } else { cursor.id.0.saturating_sub(1) };
        Key { id: TaskId(id), ..cursor.clone() }
    }

    /// Whether the list has anything before the first node (or up to `after`, when there is no node).
    async fn has_previous(&self, store: &Store) -> Result<bool> {
        if self.request.from_end {
            return Ok(self.has_more);
        }
        match &self.request.after {
            None => Ok(false),
            Some(after) => {
                let before = Some(self.nodes.first().map_or_else(|| self.next_to(after, true), |node| self.key(node)));
                self.has_any(store, None, before).await
            }
        }
    }

    /// Whether the list has anything after the last node (or from `before` on, when there is no node).
    async fn has_next(&self, store: &Store) -> Result<bool> {
        if !self.request.from_end {
            return Ok(self.has_more);
        }
        match &self.request.before {
            None => Ok(false),
            Some(before) => {
                let after = Some(self.nodes.last().map_or_else(|| self.next_to(before, false), |node| self.key(node)));
                self.has_any(store, after, None).await
            }
        }
    }

    async fn has_any(&self, store: &Store, after: Option<Key>, before: Option<Key>) -> Result<bool> {
        let request = PageRequest { after, before, limit: Some(1), ..self.request.clone() };
        Ok(!Box::pin(store.page(request)).await?.tasks.is_empty())
    }
}

/// Checks the arguments and works out what to read, and how many tasks to show at most.
fn understood(user: UserId, bounds: PageBounds, arguments: Arguments) -> Result<(PageRequest, List, Option<i64>)> {
    let filter = arguments.filter.map(Filter::try_from).transpose()?.unwrap_or_default();
    let (field, direction) = arguments.order_by.map_or((SortField::CreatedAt, Direction::Descending), TaskOrder::parts);
    let list = List::new(field, direction, &filter);
    let place = |name: &'static str, cursor: Option<String>| {
        cursor.map(|cursor| list.decode(&cursor)).transpose().map_err(|problem| Error::from(problem.at(name)))
    };
    let after = place("after", arguments.after)?;
    let before = place("before", arguments.before)?;
    let (limit, from_end) = match (arguments.first, arguments.last) {
        (Some(_), Some(_)) => {
            return Err(argument("last", "first_and_last", "must not be given together with first; take one of them"));
        }
        (Some(count), None) => (Some(bounded("first", count, bounds)?), false),
        (None, Some(count)) => (Some(bounded("last", count, bounds)?), true),
        (None, None) => (bounds.default, false),
    };
    Ok((PageRequest { user, filter, field, direction, after, before, limit, from_end }, list, limit))
}

pub(super) fn bounded(name: &'static str, value: i32, bounds: PageBounds) -> Result<i64> {
    let value = i64::from(value);
    if (0..=bounds.most).contains(&value) {
        Ok(value)
    } else {
        Err(argument(name, "out_of_range", format!("must be from 0 to {}", bounds.most)))
    }
}

/// Part of the viewer's tasks, in order.
#[Object]
impl TaskConnection {
    /// The tasks, each with its cursor.
    async fn edges(&self) -> Vec<TaskEdge<'_>> {
        self.nodes.iter().map(|node| TaskEdge { connection: self, node }).collect()
    }

    /// The tasks.
    async fn nodes(&self) -> Tasks<'_> {
        Tasks(&self.nodes)
    }

    /// How to go on from here.
    async fn page_info(&self) -> PageInfo<'_> {
        PageInfo::Tasks(self)
    }

    /// How many tasks the filter lets through, on all pages together.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i64> {
        Box::pin(ctx.store()?.count(self.request.user.clone(), self.request.filter.clone())).await
    }

    /// Where the viewer's tasks stood when these were read: the revision to ask for changes after.
    async fn revision(&self) -> Revision {
        self.revision
    }
}

/// A task and its place in the list.
#[derive(Debug)]
pub struct TaskEdge<'a> {
    connection: &'a TaskConnection,
    node: &'a TaskNode,
}

/// A task and its place in the list.
#[Object]
impl TaskEdge<'_> {
    /// The place, for `after` and `before` of a list with the same order and filter.
    async fn cursor(&self) -> String {
        self.connection.cursor(self.node)
    }

    /// The task.
    async fn node(&self) -> &TaskNode {
        self.node
    }
}

/// How to go on from a page.
#[derive(Debug)]
pub enum PageInfo<'a> {
    Tasks(&'a TaskConnection),
    Changes(&'a TaskChangeConnection),
    Trash(&'a DeletedTaskConnection),
}

/// How to go on from a page.
#[Object]
impl PageInfo<'_> {
    /// Whether there is something before this page. Only a list of tasks looks back.
    async fn has_previous_page(&self, ctx: &Context<'_>) -> Result<bool> {
        match self {
            Self::Tasks(page) => page.has_previous(ctx.store()?).await,
            Self::Changes(_) | Self::Trash(_) => Ok(false),
        }
    }

    /// Whether there is something after this page.
    async fn has_next_page(&self, ctx: &Context<'_>) -> Result<bool> {
        match self {
            Self::Tasks(page) => page.has_next(ctx.store()?).await,
            Self::Changes(page) => Ok(page.0.has_more),
            Self::Trash(page) => Ok(page.0.has_more),
        }
    }

    /// The cursor of the first item, for `before`.
    async fn start_cursor(&self) -> Option<String> {
        match self {
            Self::Tasks(page) => page.nodes.first().map(|node| page.cursor(node)),
            Self::Changes(page) => page.0.entries.first().map(|entry| entry.position.to_string()),
            Self::Trash(page) => page.0.tasks.first().map(trash::cursor),
        }
    }

    /// The cursor of the last item, for `after`.
    async fn end_cursor(&self) -> Option<String> {
        match self {
            Self::Tasks(page) => page.nodes.last().map(|node| page.cursor(node)),
            Self::Changes(page) => page.0.entries.last().map(|entry| entry.position.to_string()),
            Self::Trash(page) => page.0.tasks.last().map(trash::cursor),
        }
    }
}
