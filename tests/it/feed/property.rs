//! Whatever happens in whatever order, a client that began with nothing ends with exactly the server's tasks.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rstest::rstest;
use taskgate::store::{Store, Target};
use taskgate::task::{NewTask, TaskId, Title};
use taskgate::user::UserId;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::client::{Client, Recovery, server};
use crate::support::{Backend, Database, Postgres, Sqlite, TestApp, start, start_on};

const DAY: i64 = 24 * 3600;

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    Create,
    /// One of the tasks that were made is changed or deleted, if it is there.
    Change(usize),
    Delete(usize),
    Restore(usize),
    /// Days pass.
    Wait(i64),
    Sweep,
    /// One of the clients reads a page of so many.
    Read(usize, i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Create),
        4 => (0..20_usize).prop_map(Step::Change),
        5 => (0..20_usize).prop_map(Step::Delete),
        2 => (0..20_usize).prop_map(Step::Restore),
        2 => (10..40_i64).prop_map(Step::Wait),
        3 => Just(Step::Sweep),
        8 => (0..4_usize, 0..4_i64).prop_map(|(client, limit)| Step::Read(client, limit)),
    ]
}

fn new_task(title: &str) -> NewTask {
    NewTask { title: Title::parse(title).unwrap(), description: None }
}

async fn toggle(store: &Store, user: &UserId, id: TaskId) -> Option<()> {
    store.toggle(Target { user: user.clone(), id, expected: None }).await.ok().map(drop)
}

async fn delete(store: &Store, user: &UserId, id: TaskId) -> Option<()> {
    store.delete(Target { user: user.clone(), id, expected: None }).await.ok().map(drop)
}

async fn restore(store: &Store, user: &UserId, id: TaskId) -> Option<()> {
    store.restore(Target { user: user.clone(), id, expected: None }).await.ok().map(drop)
}

fn clients() -> [Client; 4] {
    [Recovery::List, Recovery::Start, Recovery::List, Recovery::Start].map(Client::new)
}

async fn sweep(store: &Store) -> usize {
    let mut swept = 0;
    while let Some(tombstones) = store.sweep_tombstones().await.unwrap() {
        swept += tombstones;
    }
    swept
}

async fn play(app: &TestApp, user: &UserId, steps: Vec<Step>) -> (usize, usize) {
    let store = &app.store;
    let (mut clients, mut ids, mut swept) = (clients(), Vec::new(), 0);
    for step in steps {
        match step {
            Step::Create => ids.push(store.create(user.clone(), new_task("t")).await.unwrap().id),
            Step::Change(at) if at < ids.len() => drop(toggle(store, user, ids[at]).await),
            Step::Delete(at) if at < ids.len() => drop(delete(store, user, ids[at]).await),
            Step::Restore(at) if at < ids.len() => drop(restore(store, user, ids[at]).await),
            Step::Change(_) | Step::Delete(_) | Step::Restore(_) => {}
            Step::Wait(days) => app.clock.advance_seconds(days * DAY),
            Step::Sweep => swept += sweep(store).await,
            Step::Read(client, limit) => drop(clients[client].read(store, user, limit).await),
        }
    }
    let there = server(store, user).await;
    for client in &mut clients {
        client.catch_up(store, user).await;
        assert_eq!(client.tasks, there);
    }
    (swept, clients.iter().map(|client| client.resets).sum())
}

#[rstest]
fn any_client_ends_with_the_servers_tasks(#[values(Sqlite, Postgres)] backend: Backend) {
    let runtime = Runtime::new().unwrap();
    let app = runtime.block_on(start(backend));
    let (number, totals) = (AtomicU64::new(0), [AtomicU64::new(0), AtomicU64::new(0)]);
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&prop::collection::vec(step(), 0..70), |steps| {
        // Each case is a user of its own.
        let user = UserId::parse(&format!("u{}", number.fetch_add(1, Ordering::SeqCst))).unwrap();
        let (swept, resets) = runtime.block_on(play(&app, &user, steps));
        totals[0].fetch_add(swept as u64, Ordering::SeqCst);
        totals[1].fetch_add(resets as u64, Ordering::SeqCst);
        Ok(())
    });
    outcome.unwrap();
    assert!(totals.iter().all(|total| total.load(Ordering::SeqCst) > 0), "sweeps and resets were at work: {totals:?}");
}

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        self.0 = hasher.finish();
        self.0 % bound
    }
}

/// Writes so many changes of a user's tasks.
async fn write(store: Store, user: UserId, seed: u64, changes: usize) {
    let (mut dice, mut ids) = (Dice(seed), Vec::new());
    for change in 0..changes {
        match dice.below(5) {
            0 | 1 => ids.push(store.create(user.clone(), new_task(&format!("{seed} {change}"))).await.unwrap().id),
            face if !ids.is_empty() => {
                let at = usize::try_from(dice.below(ids.len() as u64)).unwrap();
                if face == 2 {
                    toggle(&store, &user, ids[at]).await.unwrap();
                } else {
                    delete(&store, &user, ids.swap_remove(at)).await.unwrap();
                }
            }
            _ => {}
        }
    }
}

/// Follows until it has the task `end`, and breaks off at random to resume where it stands.
async fn follow_to_the_end(store: Store, user: UserId, recovery: Recovery, seed: u64) -> Client {
    let (mut dice, mut client) = (Dice(seed), Client::new(recovery));
    loop {
        let mut changes = std::pin::pin!(store.follow(user.clone(), Some(client.position)));
        for _ in 0..dice.below(12) {
            let entry = timeout(Duration::from_secs(30), changes.next()).await.unwrap().unwrap().unwrap();
            let resets = client.resets;
            client.apply(&store, &user, entry).await;
            if client.tasks.values().any(|task| task.title == "end") {
                return client;
            }
            if client.resets > resets {
                // The stream goes on from the reset, which is not where all of its readers do.
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(dice.below(8))).await;
    }
}

/// The same, by subscribers and by readers of pages, while others write at the same moment and tombstones live for a
/// few milliseconds.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn subscribers_that_drop_and_resume_end_with_the_servers_tasks(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_on(Database::migrated(backend).await, |options| options.pool_size = 8);
    // The clock of the test moves by a microsecond when it is read.
    let store = app.store.clone().with_tombstone_retention(Duration::from_micros(60));
    let user = UserId::parse("ann").unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let (over, sweeper, reader) = (Arc::clone(&is_over), store.clone(), (store.clone(), user.clone()));
    let sweeping = tokio::spawn(async move {
        let mut swept = 0;
        while !over.load(Ordering::SeqCst) {
            swept += sweeper.sweep_tombstones().await.unwrap().unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        swept
    });
    let over = Arc::clone(&is_over);
    let reading = tokio::spawn(async move {
        let (store, user) = reader;
        let (mut dice, mut readers) = (Dice(7), clients());
        while !over.load(Ordering::SeqCst) {
            let reader = &mut readers[usize::try_from(dice.below(4)).unwrap()];
            reader.read(&store, &user, i64::try_from(dice.below(4)).unwrap()).await;
        }
        for reader in &mut readers {
            reader.catch_up(&store, &user).await;
        }
        readers
    });
    let followers: Vec<_> = (0..8)
        .map(|seed| {
            let recovery = if seed % 2 == 0 { Recovery::List } else { Recovery::Start };
            tokio::spawn(follow_to_the_end(store.clone(), user.clone(), recovery, seed))
        })
        .collect();
    join_all((0..6).map(|seed| tokio::spawn(write(store.clone(), user.clone(), seed + 100, 60)))).await;
    store.create(user.clone(), new_task("end")).await.unwrap();
    let there = server(&store, &user).await;
    for follower in followers {
        assert_eq!(follower.await.unwrap().tasks, there);
    }
    is_over.store(true, Ordering::SeqCst);
    for reader in reading.await.unwrap() {
        assert_eq!(reader.tasks, there);
    }
    assert!(sweeping.await.unwrap() > 20, "the sweeper was at work");
}
