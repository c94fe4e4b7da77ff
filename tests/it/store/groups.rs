//! Changes of many users at once: those that wait together share a transaction, and none is to notice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use proptest::prelude::*;
use rstest::rstest;
use taskgate::clock::SystemClock;
use taskgate::error::{Code, Result};
use taskgate::store::Store;
use taskgate::task::{Task, TaskId, TaskPatch};
use tokio::task::JoinSet;

use super::{new_task, target, user};
use crate::support::{Backend, Database, Postgres, Sqlite, all_tasks};

/// Has PostgreSQL refuse what our rules allow, at once or not before the commit.
const RULES: &str = "
    ALTER TABLE tasks ADD CHECK (title <> 'refused');
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$;
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON tasks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN (NEW.title = 'uncommittable') EXECUTE FUNCTION refuse()";

fn store(database: &Database) -> Store {
    Store::new(&database.url, 4, Arc::new(SystemClock))
}

async fn list(store: &Store, subject: &str) -> Vec<Task> {
    all_tasks(store, &user(subject)).await
}

fn users(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("user {number:02}"))
}

/// Makes all of these tasks at the same time, each for a user of its own.
async fn created(store: &Store, titles: &[&str]) -> Vec<Result<Task>> {
    let tasks = users(titles.len()).zip(titles).map(|(subject, title)| {
        let (store, task) = (store.clone(), new_task(title));
        tokio::spawn(async move { store.create(user(&subject), task).await })
    });
    join_all(tasks).await.into_iter().map(|task| task.unwrap()).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_is_that_of_its_user_and_no_other(#[values(Sqlite, Postgres)] backend: Backend) {
    let database = Database::migrated(backend).await;
    let store = store(&database);
    let mut work = JoinSet::new();
    for subject in users(40) {
        let store = store.clone();
        work.spawn(async move {
            let made = store.create(user(&subject), new_task(&subject)).await.unwrap();
            let target = |id| target(&subject, id);
            let done = store.toggle(target(made.id)).await.unwrap();
            let title = new_task(&format!("{subject} again")).title;
            let patch = TaskPatch { title: Some(title), ..TaskPatch::default() };
            let renamed = store.update(target(made.id), patch).await.unwrap();
            let deleted = store.delete(target(made.id)).await.unwrap();
            let restored = store.restore(target(made.id)).await.unwrap();
            assert_eq!(store.toggle(target(TaskId(0))).await.unwrap_err().code(), Code::NotFound);
            assert_eq!(list(&store, &subject).await, std::slice::from_ref(&restored));
            assert_eq!((restored.title, restored.completed), (format!("{subject} again"), true));
            let revisions = [made.revision, done.revision, renamed.revision, deleted.revision, restored.revision];
            assert!(revisions.is_sorted() && BTreeSet::from(revisions).len() == 5, "{revisions:?}");
        });
    }
    work.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_together_is_one_transaction() {
    let database = Database::migrated(Postgres).await;
    let store = store(&database);
    let (mut rounds, mut transactions, mut tasks) = (0, 0, 0);
    // A machine with nothing else to do may let none wait.
    while transactions == tasks {
        assert!(rounds < 20, "each of {tasks} changes was a transaction by itself");
        rounds += 1;
        for task in created(&store, &["milk"; 60]).await {
            task.unwrap();
        }
        let counted = database.connect().await;
        let row = counted.query_one("SELECT count(DISTINCT xmin::text), count(*) FROM tasks", &[]).await.unwrap();
        (transactions, tasks) = (row.get::<_, i64>(0), row.get::<_, i64>(1));
    }
    assert_eq!(tasks, 60 * rounds);
    let [_, exclusive] = store.pools();
    assert!(exclusive.acquired >= u64::try_from(tasks).unwrap(), "{exclusive:?}");
    assert!(exclusive.waited > 0 && exclusive.wait_time > Duration::ZERO, "{exclusive:?}");
}

/// One that has to wait for a lock of somebody else does not hold up those that it shares a transaction with, nor does it
/// take the place of others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_lock_waits_alone() {
    let database = Database::migrated(Postgres).await;
    let store = store(&database);
    created(&store, &["first"; 60]).await;
    let mut operator = database.connect().await;
    let lock = operator.transaction().await.unwrap();
    lock.batch_execute("SELECT * FROM owners WHERE user_id IN ('user 07', 'user 31') FOR UPDATE").await.unwrap();
    let begun = Instant::now();
    let mut work: JoinSet<_> = users(60)
        .map(|subject| {
            let store = store.clone();
            async move {
                store.create(user(&subject), new_task("second")).await.unwrap();
                subject
            }
        })
        .collect();
    for _ in 0..58 {
        let subject = work.join_next().await.unwrap().unwrap();
        assert!(!["user 07", "user 31"].contains(&subject.as_str()));
    }
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    assert!(tokio::time::timeout(Duration::from_millis(100), work.join_next()).await.is_err(), "they are locked");
    lock.rollback().await.unwrap();
    assert_eq!(work.join_all().await.into_iter().collect::<BTreeSet<_>>().len(), 2);
    for subject in users(60) {
        assert_eq!(list(&store, &subject).await.len(), 2, "{subject}");
    }
}

/// Nobody knows whether it was committed, and everybody is told so. It is not done again by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_acknowledges_nothing() {
    let database = Database::migrated(Postgres).await;
    database.execute(RULES).await.unwrap();
    let store = store(&database);
    let mut acknowledged = vec![0; 30];
    let mut unavailable = 0;
    for _ in 0..20 {
        let mut titles = ["milk"; 30];
        titles[12] = "uncommittable";
        for (at, outcome) in created(&store, &titles).await.into_iter().enumerate() {
            match outcome {
                Ok(_) => acknowledged[at] += 1,
                Err(error) => {
                    assert!([Code::Unavailable, Code::Internal].contains(&error.code()), "{error:?}");
                    unavailable += usize::from(at != 12);
                }
            }
        }
        for (subject, acknowledged) in users(30).zip(&acknowledged) {
            assert_eq!(list(&store, &subject).await.len(), *acknowledged, "{subject}");
        }
    }
    assert_eq!(acknowledged[12], 0);
    assert!(unavailable > 0, "it never shared a transaction");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// What is refused is refused by itself, and what is acknowledged is there, whatever waits together.
    #[test]
    fn what_is_acknowledged_is_there_and_nothing_else(
        rounds in prop::collection::vec(prop::collection::vec(prop::bool::weighted(0.1), 1..50), 1..4)
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let database = Database::migrated(Postgres).await;
            database.execute(RULES).await.unwrap();
            let store = store(&database);
            let mut expected = vec![0; 50];
            for round in rounds {
                let titles: Vec<_> = round.iter().map(|refused| if *refused { "refused" } else { "milk" }).collect();
                let outcomes = created(&store, &titles).await;
                for ((refused, outcome), expected) in round.iter().zip(outcomes).zip(&mut expected) {
                    *expected += usize::from(!refused);
                    assert_eq!(outcome.err().map(|error| error.code()), refused.then_some(Code::Internal));
                }
            }
            for (subject, expected) in users(50).zip(expected) {
                let tasks = list(&store, &subject).await;
                assert_eq!(tasks.len(), expected);
                assert!(tasks.is_sorted_by_key(|task| task.revision));
            }
        });
    }
}
