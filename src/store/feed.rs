//! The feed: what changed after a revision, each task once with its latest state, in the order of revisions.

use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl};

use super::Store;
use super::schema::tasks;
use super::sql::AsOf;
use super::tasks::{COLUMNS, Row};
use super::timestamp::At;
use crate::error::Result;
use crate::task::{Position, Revision, Task, TaskId};
use crate::user::UserId;

/// What became of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is as follows.
    Upserted(Task),
    Deleted(TaskId),
    /// The feed does not reach back that far: fetch everything again, and go on from the entry's position.
    Reset,
}

/// A change, and where its reader stands once it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub change: Change,
    pub position: Position,
}

/// A part of the feed.
#[derive(Debug, Clone)]
pub struct FeedPage {
    /// In the order in which they are to be applied.
    pub entries: Vec<Entry>,
    /// Where to go on once all of them are.
    pub position: Position,
    /// Whether the limit left something out.
    pub has_more: bool,
}

/// A task, and when it was deleted. The first row is its owner's; see [`AsOf`].
pub(super) type FeedRow = (Row, Option<At>);

/// What comes after a place, as one statement. Who began with nothing is not told of what was deleted before that.
macro_rules! after {
    ($user:expr, $after:expr, $limit:expr) => {{
        let seen = if $after.is_start() { i64::MAX } else { $after.began().0 };
        let page = tasks::table
            .filter(tasks::user_id.eq($user.as_str()))
            .filter(tasks::revision.gt($after.revision().0))
            .filter(tasks::deleted_at.is_null().or(tasks::revision.gt(seen)))
            .order(tasks::revision.asc())
            .select((COLUMNS, tasks::deleted_at));
        AsOf { owner: $user.as_str(), page, limit: Some($limit), padding: ", NULL" }
    }};
}

impl Store {
    /// What changed after `after`, at most `limit` tasks. A reader at [`Position::START`] is never reset.
    pub async fn changes(&self, user: UserId, after: Position, limit: i64) -> Result<FeedPage> {
        let limit = limit.max(0);
        // One more than is shown tells whether there is more.
        let most = limit.saturating_add(1);
        // On the way from the start there may be many tombstones to pass over, and nothing may wait behind that.
        let is_short = Position::at(after.revision()) == after && !after.is_start();
        let rows: Vec<FeedRow> = if is_short {
            on_connection!(self, shared, |connection| after!(user, after, most).load(connection))?
        } else {
            on_connection!(self, exclusive, |connection| after!(user, after, most).load(connection))?
        };
        Ok(page_of(rows, after, usize::try_from(limit).unwrap_or(usize::MAX)))
    }
}

fn page_of(rows: Vec<FeedRow>, after: Position, limit: usize) -> FeedPage {
    // Who has never changed anything has no row.
    let mut rows = rows.into_iter();
    let (now, swept) = rows.next().map_or((0, 0), |(owner, _)| (owner.revision, owner.id));
    let (now, swept) = (Revision(now), Revision(swept));
    let is_from_the_future = after.began() > now;
    if !after.is_start() && (is_from_the_future || after.began() < swept) {
        let position = Position::at(now);
        return FeedPage { entries: vec![Entry { change: Change::Reset, position }], position, has_more: false };
    }
    let mut entries: Vec<Entry> = rows.map(|row| entry(row, after, now, swept)).collect();
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    let position = match entries.last() {
        _ if !has_more => Position::at(now),
        Some(last) => last.position,
        None => after,
    };
    FeedPage { entries, position, has_more }
}

fn entry((row, deleted_at): FeedRow, after: Position, now: Revision, swept: Revision) -> Entry {
    let task = Task::from(row);
    // A plain revision is what else callers know the change by. Below what is swept it would be a reason to begin again.
    let is_remembered = task.revision >= swept;
    let position = if is_remembered { Position::at(task.revision) } else { after.moved_to(task.revision, now) };
    let change = if deleted_at.is_some() { Change::Deleted(task.id) } else { Change::Upserted(task) };
    Entry { change, position }
}
