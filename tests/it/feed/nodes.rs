//! Several nodes on one PostgreSQL: a follower on one is told of what happens on another.

#![allow(clippy::print_stdout, reason = "figures for whoever runs it with --nocapture")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use taskgate::clock::SystemClock;
use taskgate::database_url::DatabaseUrl;
use taskgate::error::Result;
use taskgate::store::Store;
use taskgate::task::{NewTask, Task, Title};
use taskgate::user::UserId;
use tokio::task::JoinHandle;

use super::follow::{Follower, follow, next, settle};
use crate::support::Database;

mod faults;
mod polling;
mod telling;

/// Longer than any test takes: whoever is told something was told it by another node.
const NEVER: Duration = Duration::from_hours(1);

/// A node without its doors.
struct Node {
    store: Store,
    keeper: JoinHandle<()>,
}

impl Node {
    /// A node that listens at the address of its pools.
    async fn start(url: &str) -> Self {
        Self::start_with(url, NEVER, None).await
    }

    /// A node whose followers wait so long for a hint where it does not listen.
    async fn start_with(url: &str, patience: Duration, direct: Option<&str>) -> Self {
        let store = store(url, patience);
        store.prepare(&DatabaseUrl::parse(url).unwrap()).await.unwrap();
        let direct = direct.map(|url| DatabaseUrl::parse(url).unwrap());
        Self { keeper: keep(&store, direct), store }
    }

    async fn create(&self, title: &str) -> Result<Task> {
        create(&self.store, "ann", title).await
    }

    fn follow(&self) -> Follower {
        follow(&self.store, "ann", Some("0"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

fn store(url: &str, patience: Duration) -> Store {
    Store::new(&DatabaseUrl::parse(url).unwrap(), 4, Arc::new(SystemClock)).with_hint_patience(patience)
}

/// What `serve` does beside its server.
fn keep(store: &Store, direct: Option<DatabaseUrl>) -> JoinHandle<()> {
    let store = store.clone();
    tokio::spawn(async move { match store.keep_in_step(direct.as_ref()).await {} })
}

async fn create(store: &Store, user: &str, title: &str) -> Result<Task> {
    let task = NewTask { title: Title::parse(title).unwrap(), description: None };
    store.create(UserId::parse(user).unwrap(), task).await
}

/// How many connections listen to what nodes tell each other.
async fn listeners(database: &Database) -> i64 {
    const LISTENERS: &str =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'";
    database.numbers(LISTENERS).await[0]
}

async fn until_listeners(database: &Database, count: i64) {
    let begun = Instant::now();
    while listeners(database).await != count {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} listen", listeners(database).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
