//! Where nothing is heard, or nobody tells.

use std::time::{Duration, Instant};

use rstest::rstest;

use super::{NEVER, Node, create, keep, listeners, next, settle, store, until_listeners};
use crate::faults::pooler::{Pooler, debians};
use crate::support::{Database, Postgres};

/// Longer than a node needs to start, and a twelfth of what followers wait who are told.
const PATIENCE: Duration = Duration::from_secs(1);

/// What one node changes, followers on another find by looking.
async fn nothing_is_lost(one: &Node, other: &Node) {
    let mut follower = other.follow();
    one.create("first").await.unwrap();
    assert_eq!(next(&mut follower).await, "+first");
    // Time to listen, if it would.
    tokio::time::sleep(PATIENCE).await;
    for title in ["one", "two", "three"] {
        let begun = Instant::now();
        one.create(title).await.unwrap();
        assert_eq!(next(&mut follower).await, format!("+{title}"));
        assert!(begun.elapsed() < 6 * PATIENCE, "{:?}", begun.elapsed());
    }
}

/// Which route there is, is not known before the database was looked at; a pooler is like that for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_direct_route_nobody_listens_and_nothing_is_lost() {
    let database = Database::migrated(Postgres).await;
    let one = Node::start(&database.text).await;
    let store = store(&database.text, PATIENCE);
    let other = Node { keeper: keep(&store, None), store };
    nothing_is_lost(&one, &other).await;
    let mut follower = other.follow();
    assert_eq!(next(&mut follower).await, "+first");
    assert_eq!(listeners(&database).await, 0);
}

enum Deaf {
    Pooler,
    AnotherDatabase,
}

/// A `LISTEN` succeeds in both places, and nothing is ever heard.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_direct_address_that_is_none_is_not_trusted(#[values(Deaf::Pooler, Deaf::AnotherDatabase)] deaf: Deaf) {
    let (database, another) = (Database::migrated(Postgres).await, Database::migrated(Postgres).await);
    let pooler = Pooler::start(&debians(), &database, "pool_mode = transaction");
    let direct = match deaf {
        Deaf::Pooler => &pooler.url,
        Deaf::AnotherDatabase => &another.text,
    };
    let one = Node::start(&database.text).await;
    let other = Node::start_with(&database.text, PATIENCE, Some(direct)).await;
    nothing_is_lost(&one, &other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_without_notifications_changes_nothing_for_callers() {
    let database = Database::migrated(Postgres).await;
    database.execute("ALTER FUNCTION pg_notify(text, text) RENAME TO nothing").await.unwrap();
    let one = Node::start_with(&database.text, PATIENCE, None).await;
    let other = Node::start_with(&database.text, PATIENCE, None).await;
    nothing_is_lost(&one, &other).await;
}

/// An operator's own statements, and nodes of a version that tells nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_listens_looks_too_only_less_often() {
    let patience = Duration::from_millis(250);
    let database = Database::migrated(Postgres).await;
    let one = Node::start(&database.text).await;
    let other = Node::start_with(&database.text, patience, None).await;
    let silent = store(&database.text, NEVER);
    let mut follower = other.follow();
    one.create("first").await.unwrap();
    assert_eq!(next(&mut follower).await, "+first");
    until_listeners(&database, 1).await;
    tokio::time::sleep(4 * patience).await;
    one.create("second").await.unwrap();
    assert_eq!(next(&mut follower).await, "+second");
    settle(&mut follower).await;
    let begun = Instant::now();
    create(&silent, "ann", "not told").await.unwrap();
    assert_eq!(next(&mut follower).await, "+not told");
    assert!((2 * patience..20 * patience).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}
