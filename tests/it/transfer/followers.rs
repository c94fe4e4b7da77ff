//! Those who follow a user's changes while tasks are imported.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::json;
use taskgate::store::Change;
use taskgate::task::Position;
use taskgate::user::UserId;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::{INTO, old, succeed};
use crate::support::{Postgres, Sqlite, start};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_running_node_tells_of_imported_and_erased_tasks() {
    let app = start(Postgres).await;
    app.create("ann", "made here").await;
    // Longer than the test takes: what is seen was told.
    let store = app.store.clone().with_hint_patience(Duration::from_hours(1));
    store.prepare(&app.database.url).await.unwrap();
    let node = store.clone();
    let keeper = tokio::spawn(async move { node.keep_in_step(None).await });
    let ann = UserId::parse("ann").unwrap();
    let mut changes = Box::pin(store.follow(ann, Some(Position::START)).map(|entry| entry.unwrap().change));
    assert!(matches!(changes.next().await.unwrap(), Change::Upserted(task) if task.title == "made here"));
    let begun = Instant::now();
    while !store.feed_figures().hears {
        assert!(timeout(Duration::from_millis(10), changes.next()).await.is_err());
        assert!(begun.elapsed() < PATIENCE);
    }
    sleep(Duration::from_millis(300)).await;

    let rows = "(7, 'ann', 'imported', NULL, FALSE, '2026-01-01', '2026-01-01')";
    let source = old(Sqlite, &format!("{INTO} {rows}")).await;
    let (target, from) = (app.database.text.clone(), source.text.clone());
    spawn_blocking(move || succeed(&target, &["import", "--from", &from])).await.unwrap();
    let told = timeout(PATIENCE, changes.next()).await.unwrap().unwrap();
    assert!(matches!(told, Change::Upserted(task) if task.title == "imported" && task.id.0 == 7));

    let target = app.database.text.clone();
    spawn_blocking(move || succeed(&target, &["erase", "--sub", "ann", "--yes"])).await.unwrap();
    assert_eq!(timeout(PATIENCE, changes.next()).await.unwrap().unwrap(), Change::Reset);
    keeper.abort();
}

#[tokio::test]
async fn an_import_beside_those_who_make_tasks_takes_no_id_of_theirs() {
    let app = start(Postgres).await;
    let rows: Vec<String> =
        (1..=3_000).map(|id| format!("({id}, 'ann', 't{id}', NULL, FALSE, '2026-01-01', '2026-01-01')")).collect();
    let source = old(Sqlite, &format!("{INTO} {}", rows.join(", "))).await;
    let (target, from) = (app.database.text.clone(), source.text.clone());
    // Above the greatest id of what is to come, and below it none is free any more.
    app.store.keep_ids_free(taskgate::task::TaskId(3_000)).await.unwrap();
    let import = spawn_blocking(move || succeed(&target, &["import", "--from", &from]));
    let mut made = Vec::new();
    while !import.is_finished() {
        let answer = app.post("ann", "/api/tasks", json!({ "title": "made" })).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        made.push(answer.json()["id"].as_i64().unwrap());
    }
    assert_eq!(import.await.unwrap(), "3000 imported, 0 there before, 0 refused, of 3000 rows\n");
    assert!(!made.is_empty() && made.iter().all(|id| *id > 3_000), "{made:?}");
    let count = i64::try_from(made.len()).unwrap() + 3_000;
    assert_eq!(app.database.numbers("SELECT task_count FROM owners").await, [count]);
}
