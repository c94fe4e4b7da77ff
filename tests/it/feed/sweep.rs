//! Tombstones go when they are past their time, and nothing else does.

use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use taskgate::store::Swept;

use super::{page, short, text};
use crate::support::{Backend, Database, Postgres, Sqlite, start, start_on};

const DAY: i64 = 24 * 3600;
const TOMBSTONES: &str = "SELECT COUNT(*) FROM tasks WHERE deleted_at IS NOT NULL";
const FLOORS: &str = "SELECT swept_revision FROM owners ORDER BY user_id";

#[rstest]
#[tokio::test]
async fn a_tombstone_is_kept_for_its_time(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let first = text(&app.make("ann", "1").await["revision"]).to_owned();
    for user in ["ann", "bob", "carl"] {
        app.create(user, "kept").await;
        app.create(user, "deleted").await;
    }
    app.delete("ann", "/api/tasks/3").await;
    app.clock.advance_seconds(20 * DAY);
    app.delete("bob", "/api/tasks/5").await;
    app.clock.advance_seconds(10 * DAY - 60);
    assert_eq!(app.store.sweep().await.unwrap(), Swept::default());
    assert_eq!(app.database.numbers(FLOORS).await, [0, 0, 0]);
    assert_eq!(short(&page(&app, "ann", &first, 50).await), ["+kept", "-3"]);

    app.clock.advance_seconds(120);
    assert_eq!(app.store.sweep().await.unwrap(), Swept { keys: 0, tombstones: 1 });
    let floors = app.database.numbers(FLOORS).await;
    assert_eq!(floors, [first.parse::<i64>().unwrap() + 3, 0, 0], "the revision of the deletion");
    assert_eq!(app.database.numbers(TOMBSTONES).await, [1], "bob's is younger");
    assert_eq!(short(&page(&app, "ann", &first, 50).await), ["!"]);
    assert_eq!(app.get("ann", "/api/tasks").await.json().as_array().unwrap().len(), 2);
    app.clock.advance_seconds(10 * DAY);
    app.delete("carl", "/api/tasks/7").await;
    app.clock.advance_seconds(20 * DAY);
    assert_eq!(app.store.sweep().await.unwrap(), Swept { keys: 0, tombstones: 1 });
    let later = app.database.numbers(FLOORS).await;
    assert!(later[0] == floors[0] && later[1] > 0 && later[2] == 0, "{later:?}");
    assert_eq!(app.store.sweep().await.unwrap(), Swept::default(), "there is nothing left");
}

/// Tombstones of ann's, made beside the service, deleted in 1970.
async fn bury(database: &Database, backend: Backend, count: usize) {
    let (at, numbers) = match backend {
        Sqlite => ("1", format!("WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})")),
        Postgres => ("'1970-01-01T00:00:00Z'", format!("WITH n (n) AS (SELECT generate_series(1, {count}))")),
    };
    let owner = format!("INSERT INTO owners (user_id, revision) VALUES ('ann', {count})");
    database.execute(&owner).await.unwrap();
    let sql = format!(
        "{numbers} INSERT INTO tasks (user_id, title, completed, created_at, updated_at, deleted_at, revision,
             title_folded) SELECT 'ann', 't', FALSE, {at}, {at}, {at}, n, 't' FROM n"
    );
    database.execute(&sql).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn not_too_many_go_at_once(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    bury(&app.database, backend, 1_201).await;
    let mut swept = Vec::new();
    for floor in [500, 1_000, 1_201] {
        swept.push(app.store.sweep_tombstones().await.unwrap());
        assert_eq!(app.database.numbers(FLOORS).await, [floor]);
    }
    swept.push(app.store.sweep_tombstones().await.unwrap());
    assert_eq!(swept, [Some(500), Some(500), Some(201), None]);
}

/// As two nodes do that wake at the same moment, while the user is at work.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_sweep_at_once_sweep_once(#[values(Sqlite, Postgres)] backend: Backend) {
    let database = Database::migrated(backend).await;
    bury(&database, backend, 2_300).await;
    let app = std::sync::Arc::new(start_on(database, |options| options.pool_size = 8));
    let nodes = (0..4).map(|_| {
        let store = app.store.clone();
        tokio::spawn(async move {
            let mut swept = 0;
            while let Some(tombstones) = store.sweep_tombstones().await.unwrap() {
                swept += tombstones;
            }
            swept
        })
    });
    let writing = {
        let app = std::sync::Arc::clone(&app);
        tokio::spawn(async move {
            for number in 0..30 {
                app.create("ann", &number.to_string()).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    };
    let swept: Vec<usize> = join_all(nodes).await.into_iter().map(Result::unwrap).collect();
    writing.await.unwrap();
    assert_eq!(swept.iter().sum::<usize>(), 2_300, "{swept:?}");
    assert_eq!(app.database.numbers(TOMBSTONES).await, [0]);
    assert_eq!(app.database.numbers(FLOORS).await, [2_300]);
    assert_eq!(app.database.numbers("SELECT revision FROM owners").await, [2_330], "a sweep is no change");
}
