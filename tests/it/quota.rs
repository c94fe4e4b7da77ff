//! How many tasks a user may have.

use futures_util::future::join_all;
use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use taskgate::store::migrate;

use crate::support::{Backend, Postgres, Sqlite, TestApp, start, start_with};

const COUNTS: &str = "SELECT task_count FROM owners ORDER BY user_id";
const LIVE: &str = "SELECT (SELECT count(*) FROM tasks WHERE tasks.user_id = owners.user_id AND deleted_at IS NULL)
                    FROM owners ORDER BY user_id";

/// What is counted is what is there.
async fn assert_exact(app: &TestApp) -> Vec<i64> {
    let counted = app.database.numbers(COUNTS).await;
    assert_eq!(counted, app.database.numbers(LIVE).await);
    counted
}

#[rstest]
#[tokio::test]
async fn a_user_with_as_many_tasks_as_allowed_makes_no_more(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_with(backend, |options| options.max_tasks = 2).await;
    app.create("ann", "one").await;
    app.create("ann", "two").await;
    let before = app.graphql("ann", "{ viewer { revision } }", Value::Null).await;

    let refused = app.post("ann", "/api/tasks", json!({ "title": "three" })).await;
    assert_eq!(refused.error(), (422, "QUOTA_EXCEEDED".to_owned()));
    let sentence = "A user may have 2 tasks at most, and there would be more; delete some first";
    assert_eq!(
        refused.json(),
        json!({ "detail": format!("{sentence}."), "code": "QUOTA_EXCEEDED",
                "errors": [{ "loc": ["body"], "msg": sentence, "type": "quota_exceeded" }] })
    );
    let create = "mutation { createTask(input: {title: \"three\"}) { task { id } } }";
    let answer = app.graphql("ann", create, Value::Null).await;
    assert_eq!(
        answer,
        json!({ "data": null, "errors": [{ "message": format!("{sentence}."), "path": ["createTask"],
                "locations": [{ "line": 1, "column": 12 }], "extensions": { "code": "QUOTA_EXCEEDED" } }] })
    );
    assert_eq!(app.graphql("ann", "{ viewer { revision } }", Value::Null).await, before, "what failed raised nothing");
    assert_eq!(app.get("ann", "/api/tasks").await.json().as_array().unwrap().len(), 2);

    app.create("bob", "another user's").await;
    app.put("ann", "/api/tasks/1", json!({ "title": "still mine to change" })).await;
    app.delete("ann", "/api/tasks/1").await;
    app.create("ann", "in its place").await;
    assert_eq!(app.post("ann", "/api/tasks", json!({ "title": "four" })).await.status, 422);
    assert_eq!(assert_exact(&app).await, [2, 1]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_made_by_asking_at_the_same_moment(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_with(backend, |options| options.max_tasks = 7).await;
    let answers = join_all((0..40).map(|_| app.post("ann", "/api/tasks", json!({ "title": "t" })))).await;
    let made = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    let refused = answers.iter().filter(|answer| answer.status == StatusCode::UNPROCESSABLE_ENTITY).count();
    assert_eq!((made, refused), (7, 33));
    assert_eq!(assert_exact(&app).await, [7]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_many_delete_is_counted_once(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for round in 0..20 {
        let keep = app.create("ann", "keep").await;
        let task = app.create("ann", "delete").await;
        let path = format!("/api/tasks/{}", task["id"]);
        let toggle = format!("{path}/complete");
        let deletes = join_all((0..6).map(|_| app.delete("ann", &path)));
        let toggles = join_all((0..3).map(|_| app.patch("ann", &toggle, json!({}))));
        let foreign = app.delete("bob", &path);
        let (deletes, _, foreign) = tokio::join!(deletes, toggles, foreign);
        assert_eq!(deletes.iter().filter(|answer| answer.status == StatusCode::NO_CONTENT).count(), 1);
        assert!(matches!(foreign.status.as_u16(), 403 | 404));
        assert_eq!(assert_exact(&app).await, [round + 1], "{keep}");
    }
}

#[rstest]
#[tokio::test]
async fn what_fails_or_changes_nothing_is_not_counted(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.create("ann", "own").await;
    app.create("bob", "foreign").await;
    for (method, path, body) in [
        (Method::PUT, "/api/tasks/1", json!({})),
        (Method::PUT, "/api/tasks/1", json!({ "completed": true })),
        (Method::PATCH, "/api/tasks/1/complete", json!({})),
        (Method::DELETE, "/api/tasks/2", json!({})),
        (Method::DELETE, "/api/tasks/3", json!({})),
        (Method::POST, "/api/tasks", json!({ "title": "" })),
    ] {
        app.call("ann", method, path).json(&body).send().await;
        assert_eq!(assert_exact(&app).await, [1, 1], "{path} {body}");
    }
    let stale = app.call("ann", Method::DELETE, "/api/tasks/1").header("if-match", "\"1\"").send().await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(assert_exact(&app).await, [1, 1]);
}

/// A database from before the quota is counted when it is migrated.
#[rstest]
#[tokio::test]
async fn tasks_that_were_there_are_counted(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for title in ["one", "two", "three"] {
        app.create("ann", title).await;
    }
    app.create("bob", "gone").await;
    app.delete("bob", "/api/tasks/4").await;
    app.delete("ann", "/api/tasks/2").await;
    let counted = assert_exact(&app).await;
    assert_eq!(counted, [2, 0]);
    app.database.execute("UPDATE owners SET task_count = 0").await.unwrap();
    loop {
        let reverted = migrate::revert(&app.database.url).await.unwrap();
        if reverted.iter().any(|name| name.contains("quota")) {
            break;
        }
    }
    migrate::run(&app.database.url).await.unwrap();
    assert_eq!(assert_exact(&app).await, counted);
}
