//! What is told, how soon, and how often.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use taskgate::user::UserId;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::{AsyncMessage, NoTls};

use super::{NEVER, Node, create, follow, listeners, next, settle, store, until_listeners};
use crate::process::Service;
use crate::support::caller::Caller;
use crate::support::{Database, Postgres};

/// Hears what nodes tell each other, until the receiver is dropped.
async fn eavesdrop(database: &Database) -> UnboundedReceiver<String> {
    let (client, mut connection) = tokio_postgres::connect(&database.text, NoTls).await.unwrap();
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message
                && sender.send(notification.payload().to_owned()).is_err()
            {
                return;
            }
        }
    });
    client.batch_execute("LISTEN taskgate_changes").await.unwrap();
    // Until the end of the test: without its client a connection closes.
    std::mem::forget(client);
    receiver
}

/// What was heard, once nothing has come for a while.
async fn heard(receiver: &mut UnboundedReceiver<String>) -> Vec<String> {
    let mut all = Vec::new();
    while let Ok(payload) = tokio::time::timeout(Duration::from_millis(500), receiver.recv()).await {
        all.push(payload.unwrap());
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_through_one_node_reaches_the_followers_of_another() {
    const CHANGES: usize = 50;
    let database = Database::migrated(Postgres).await;
    let (one, other) = (Node::start(&database.text).await, Node::start(&database.text).await);
    let mut followers = [one.follow(), other.follow(), other.follow()];
    one.create("first").await.unwrap();
    for follower in &mut followers {
        assert_eq!(next(follower).await, "+first");
    }
    until_listeners(&database, 2).await;
    let mut took = Vec::new();
    for number in 0..CHANGES {
        let begun = Instant::now();
        let node = if number % 2 == 0 { &one } else { &other };
        node.create(&number.to_string()).await.unwrap();
        for told in join_all(followers.iter_mut().map(next)).await {
            assert_eq!(told, format!("+{number}"));
        }
        took.push(begun.elapsed());
    }
    took.sort();
    println!("from the change to the last of three followers: {:?} (median), {:?} (most)", took[CHANGES / 2], took[49]);
    assert!(took[CHANGES / 2] < Duration::from_secs(1), "{took:?}");
    create(&one.store, "bob", "bob's").await.unwrap();
    settle(&mut followers[1]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_changes_is_told_together() {
    const CHANGES: usize = 1_000;
    let database = Database::migrated(Postgres).await;
    let node = Node::start(&database.text).await;
    let mut receiver = eavesdrop(&database).await;
    let begun = Instant::now();
    for _ in 0..CHANGES / 10 {
        join_all((0..10).map(|_| node.create("one of many"))).await.into_iter().for_each(|task| drop(task.unwrap()));
    }
    let took = begun.elapsed();
    let payloads = heard(&mut receiver).await;
    println!("{CHANGES} changes in {took:?} were {} notifications", payloads.len());
    let most = took.as_millis() / 20 + 2;
    assert!(!payloads.is_empty() && payloads.len() as u128 <= most, "{} of at most {most}", payloads.len());
    let distinct: BTreeSet<String> = payloads.into_iter().collect();
    assert_eq!(distinct.len(), 1, "one node told of one user");
    let payload = distinct.first().unwrap();
    // The beginning of what `printf ann | sha256sum` prints.
    assert!(payload.len() == 32 && payload.ends_with("49915e0d7d4b402e"), "{payload}");
}

/// What `serve` does when it stops.
#[tokio::test]
async fn the_last_changes_are_told_too_however_many_users_made_them() {
    const USERS: usize = 1_000;
    let database = Database::migrated(Postgres).await;
    let store = store(&database.text, NEVER);
    let mut receiver = eavesdrop(&database).await;
    for user in 0..USERS {
        store.hint(&UserId::parse(&format!("{user}{}", "x".repeat(250))).unwrap());
    }
    store.tell_nodes().await;
    let payloads = heard(&mut receiver).await;
    assert_eq!(payloads.len(), 3);
    let users: BTreeSet<&[u8]> = payloads.iter().flat_map(|payload| payload.as_bytes()[16..].chunks(16)).collect();
    assert_eq!(users.len(), USERS);
    store.tell_nodes().await;
    assert!(heard(&mut receiver).await.is_empty(), "they were told once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_users_than_are_counted_are_everybody() {
    let database = Database::migrated(Postgres).await;
    let other = Node::start(&database.text).await;
    let mut follower = other.follow();
    let silent = store(&database.text, NEVER);
    create(&silent, "ann", "first").await.unwrap();
    assert_eq!(next(&mut follower).await, "+first");
    until_listeners(&database, 1).await;
    settle(&mut follower).await;
    for user in 0..10_001 {
        silent.hint(&UserId::parse(&user.to_string()).unwrap());
    }
    create(&silent, "ann", "second").await.unwrap();
    silent.tell_nodes().await;
    assert_eq!(next(&mut follower).await, "+second");
}

/// A database that is billed by the hour sleeps while nobody uses it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_listens_while_nobody_follows() {
    let database = Database::migrated(Postgres).await;
    let node = Node::start(&database.text).await;
    node.create("first").await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(listeners(&database).await, 0);
    let (mut one, mut other) = (node.follow(), follow(&node.store, "bob", None));
    assert_eq!(next(&mut one).await, "+first");
    settle(&mut other).await;
    until_listeners(&database, 1).await;
    drop(one);
    // Longer than it would be kept for nobody.
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(listeners(&database).await, 1, "one for both");
    drop(other);
    until_listeners(&database, 0).await;
    let mut again = node.follow();
    assert_eq!(next(&mut again).await, "+first");
    until_listeners(&database, 1).await;
}

/// The program, and its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_tells_another() {
    let database = Database::empty(Postgres).await;
    let caller = Caller::new();
    let mut service = Service::start(&database.text, &[]);
    caller.until(&service.address, "/readyz", 200).await;
    let other = Node::start(&database.text).await;
    let mut follower = other.follow();
    for title in ["one", "two", "three"] {
        assert_eq!(caller.create(&service.address, title).await.status, 201);
        assert_eq!(next(&mut follower).await, format!("+{title}"));
        until_listeners(&database, 1).await;
    }
    settle(&mut follower).await;
    assert_eq!(caller.create(&service.address, "last").await.status, 201);
    service.send_signal("-INT");
    assert_eq!(next(&mut follower).await, "+last");
    assert!(service.child.wait().unwrap().success());
}
