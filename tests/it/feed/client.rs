//! A client that keeps a copy of a user's tasks by the feed.

use std::collections::BTreeMap;

use taskgate::store::{Change, Entry, Store};
use taskgate::task::{Position, Task, TaskId};
use taskgate::user::UserId;

use crate::support::all_tasks;

/// How a client fetches everything again after a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// It reads the list, and goes on from the revision of the reset.
    List,
    /// It forgets all that it has, and walks the feed from the start.
    Start,
}

/// What a client has, and up to where.
#[derive(Debug, Clone)]
pub struct Client {
    pub tasks: BTreeMap<i64, Task>,
    pub position: Position,
    recovery: Recovery,
    pub resets: usize,
}

/// All tasks that the server has of a user.
pub async fn server(store: &Store, user: &UserId) -> BTreeMap<i64, Task> {
    all_tasks(store, user).await.into_iter().map(|task| (task.id.0, task)).collect()
}

impl Client {
    pub const fn new(recovery: Recovery) -> Self {
        Self { tasks: BTreeMap::new(), position: Position::START, recovery, resets: 0 }
    }

    /// Applies an entry. A place is written and read back, as it is by those who are not in the process.
    pub async fn apply(&mut self, store: &Store, user: &UserId, entry: Entry) {
        let mut position = entry.position;
        match entry.change {
            Change::Upserted(task) => {
                self.tasks.insert(task.id.0, task);
            }
            Change::Deleted(TaskId(id)) => {
                self.tasks.remove(&id);
            }
            Change::Reset => {
                assert!(!self.position.is_start(), "who has nothing is never reset");
                self.resets += 1;
                match self.recovery {
                    Recovery::List => self.tasks = server(store, user).await,
                    Recovery::Start => {
                        self.tasks.clear();
                        position = Position::START;
                    }
                }
            }
        }
        self.position = Position::parse(&position.to_string()).unwrap();
    }

    /// Reads a page and applies it; whether there is more.
    pub async fn read(&mut self, store: &Store, user: &UserId, limit: i64) -> bool {
        let page = store.changes(user.clone(), self.position, limit).await.unwrap();
        let is_reset = page.entries.iter().any(|entry| entry.change == Change::Reset);
        for entry in page.entries {
            self.apply(store, user, entry).await;
        }
        if !is_reset {
            self.position = Position::parse(&page.position.to_string()).unwrap();
        }
        page.has_more || is_reset
    }

    /// Reads until there is no more.
    pub async fn catch_up(&mut self, store: &Store, user: &UserId) {
        while self.read(store, user, 3).await {}
    }
}
