//! Connections that end or go silent, and databases that do.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::{NEVER, Node, next, settle, until_listeners};
use crate::support::cluster::Cluster;
use crate::support::wire::Wire;
use crate::support::{Database, Postgres};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_is_terminated_loses_nothing() {
    const TERMINATED: usize = 8;
    const TERMINATE: &str = "SELECT CAST(pg_terminate_backend(pid) AS INT) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN %'";
    let database = Database::migrated(Postgres).await;
    let (one, other) = (Node::start(&database.text).await, Node::start(&database.text).await);
    let mut follower = other.follow();
    let mut slowest = Duration::ZERO;
    for number in 0..TERMINATED {
        until_listeners(&database, 1).await;
        one.create(&format!("{number} before")).await.unwrap();
        assert_eq!(next(&mut follower).await, format!("+{number} before"));
        settle(&mut follower).await;
        assert_eq!(database.numbers(TERMINATE).await, [1]);
        until_listeners(&database, 0).await;
        // It looks once when nothing is heard any more; what comes after that, it is told when it listens again.
        assert!(timeout(Duration::from_millis(50), follower.next()).await.is_err());
        let begun = Instant::now();
        one.create(&format!("{number} while nobody listens")).await.unwrap();
        assert_eq!(next(&mut follower).await, format!("+{number} while nobody listens"));
        slowest = slowest.max(begun.elapsed());
    }
    println!("{TERMINATED} listeners terminated; told within {slowest:?}");
}

/// Nothing tells a listener that it hears nothing any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_has_gone_deaf_is_replaced() {
    let database = Database::migrated(Postgres).await;
    let (wire, direct) = Wire::to(&database.text).await;
    let one = Node::start(&database.text).await;
    let other = Node::start_with(&database.text, NEVER, Some(&direct)).await;
    let mut follower = other.follow();
    one.create("first").await.unwrap();
    assert_eq!(next(&mut follower).await, "+first");
    until_listeners(&database, 1).await;
    one.create("second").await.unwrap();
    assert_eq!(next(&mut follower).await, "+second");
    settle(&mut follower).await;
    wire.go_silent();
    one.create("third").await.unwrap();
    settle(&mut follower).await;
    wire.mend();
    let begun = Instant::now();
    assert_eq!(next(&mut follower).await, "+third");
    println!("a deaf listener was replaced after {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_restarts_loses_nothing() {
    let mut cluster = Cluster::new();
    cluster.start().await;
    let url = cluster.url();
    let (one, other) = (Node::start(&url).await, Node::start(&url).await);
    let mut followers = [one.follow(), other.follow()];
    for round in 0..2 {
        one.create(&format!("{round} before")).await.unwrap();
        for follower in &mut followers {
            assert_eq!(next(follower).await, format!("+{round} before"));
        }
        cluster.kill();
        assert!(one.create("nowhere").await.is_err());
        cluster.start().await;
        let begun = Instant::now();
        let title = format!("{round} after");
        // The connections of its pool have to be found dead first.
        while one.create(&title).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20));
        }
        for follower in &mut followers {
            assert_eq!(next(follower).await, format!("+{title}"));
        }
        println!("told {:?} after the restart", begun.elapsed());
    }
}
