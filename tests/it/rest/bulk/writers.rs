//! Lists of changes beside each other and beside single changes.

use std::sync::Arc;

use futures_util::future::join_all;
use http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

use super::{assert_exact, bulk, number, results};
use crate::support::{Backend, Postgres, Sqlite, TestApp, start_with};

/// Lists that name the same tasks in opposite orders, single changes and clearing, all at once: nobody is told of a
/// deadlock, and no change is lost.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_the_same_tasks_wait_for_each_other(#[values(Sqlite, Postgres)] backend: Backend) {
    const TASKS: i64 = 20;
    const ROUNDS: i64 = 12;
    let app = Arc::new(start_with(backend, |options| options.pool_size = 12).await);
    let created = results(&app, json!(vec![json!({ "op": "create", "title": "t" }); TASKS.try_into().unwrap()])).await;
    let first = number(&created[0]["revision"]);
    let writer = async |app: Arc<TestApp>, nth: i64| {
        let mut revisions = Vec::new();
        for round in 0..ROUNDS {
            let mut ids: Vec<i64> = (1..=TASKS).collect();
            match nth % 3 {
                0 => {}
                1 => ids.reverse(),
                _ => ids.rotate_left(usize::try_from(round).unwrap()),
            }
            if nth < 6 {
                let change = |id: &i64| json!({ "op": "update", "id": id, "title": format!("{nth} {round}") });
                let changes: Vec<Value> = ids.iter().map(change).collect();
                let results = results(&app, json!(changes)).await;
                let of_this: Vec<i64> = results.iter().map(|result| number(&result["revision"])).collect();
                assert!(of_this.is_sorted_by(|one, next| one + 1 == *next), "{of_this:?}");
                revisions.extend(of_this);
            } else {
                for id in ids {
                    let body = json!({ "description": format!("{nth} {round}") });
                    let answer = app.put("ann", &format!("/api/tasks/{id}"), body).await;
                    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
                    revisions.push(answer.header("etag").trim_matches('"').parse().unwrap());
                }
            }
        }
        revisions
    };
    let writers = (0..8).map(|nth| tokio::spawn(writer(Arc::clone(&app), nth)));
    let mut revisions: Vec<i64> = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    revisions.sort_unstable();
    let expected: Vec<i64> = (0..8 * ROUNDS * TASKS).map(|n| first + TASKS + n).collect();
    assert_eq!(revisions, expected, "each change has one, and none is skipped");
    assert_exact(&app).await;
    // Whoever came last was in the last round. A list that had read a task before it was its turn would have put an
    // older description back.
    let tasks = app.get("ann", "/api/tasks").await.json();
    for task in tasks.as_array().unwrap() {
        for text in [&task["title"], &task["description"]] {
            assert!(text.as_str().unwrap().ends_with(&format!(" {}", ROUNDS - 1)), "{task}");
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_task_is_cleared_once(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = Arc::new(start_with(backend, |options| options.pool_size = 12).await);
    for round in 0..5 {
        let created = results(&app, json!(vec![json!({ "op": "create", "title": "t" }); 20])).await;
        let ids: Vec<Value> = created.iter().map(|result| result["task"]["id"].clone()).collect();
        let op = |op: &str, ids: &[Value]| -> Value { ids.iter().map(|id| json!({ "op": op, "id": id })).collect() };
        results(&app, op("complete", &ids)).await;
        let clear = "mutation { clearCompletedTasks { deletedTaskIds } }";
        let clears = join_all((0..4).map(|_| app.data("ann", clear, Value::Null)));
        let reopened: Value =
            ids[..5].iter().rev().map(|id| json!({ "op": "complete", "id": id, "completed": false })).collect();
        let (clears, reopened, deleted) =
            tokio::join!(clears, bulk(&app, reopened), bulk(&app, op("delete", &ids[10..])));
        let mut taken: Vec<&str> = clears
            .iter()
            .flat_map(|clear| clear["clearCompletedTasks"]["deletedTaskIds"].as_array().unwrap())
            .map(|id| id.as_str().unwrap())
            .collect();
        taken.sort_unstable();
        let before = taken.len();
        taken.dedup();
        assert_eq!(before, taken.len(), "round {round}: no task twice");
        let expected = 20 - if reopened.status == 200 { 5 } else { 0 } - if deleted.status == 200 { 10 } else { 0 };
        assert!(matches!((reopened.status.as_u16(), deleted.status.as_u16()), (200 | 404, 200 | 404)));
        assert_eq!(taken.len(), expected, "round {round}");
        assert_exact(&app).await;
        let left = app.get("ann", "/api/tasks").await.json();
        results(&app, json!([{ "op": "create", "title": "so that there is one" }])).await;
        let left: Vec<Value> = left.as_array().unwrap().iter().map(|task| task["id"].clone()).collect();
        if !left.is_empty() {
            results(&app, op("delete", &left)).await;
        }
    }
}
