//! No error gives away what is inside. The check itself is in every call of the suite (`support::leaks`); here it is
//! shown that it can fail.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use http::Method;
use serde_json::json;
use taskgate::error::Error;

use crate::support::leaks::found;
use crate::support::{Call, Sqlite, start};

#[test]
fn each_kind_of_inside_is_found() {
    for text in [
        "SELECT id, title FROM tasks WHERE id = $1",
        "error in: INSERT INTO tasks (title) VALUES (?)",
        "UPDATE tasks SET title = $1",
        "column title_folded does not exist",
        "violates tasks_by_revision",
        "no such column: deleted_at",
        "owners has no row",
        "task_count is negative",
        "unable to open /var/lib/taskgate/tasks.db",
        "src/store/tasks.rs:12",
        "a handler panicked: index out of bounds",
        "taskgate::store::Failure",
        "postgres://ann@db/tasks",
        "diesel says no",
        "Connection refused (os error 111)",
        "database is locked",
        "duplicate key value violates unique constraint",
    ] {
        assert!(found(text, "").is_some(), "{text}");
        // What the caller wrote is the caller's to read.
        assert_eq!(found(text, text), None, "{text}");
    }
    for text in [
        "There is no task with this id.",
        "Unknown field \"select\" on type \"Query\".",
        "title: must not be empty.",
        "/api/tasks?cursor=abc",
        "sort: created_at, -created_at, updated_at, title",
        "The service took too long to answer.",
        "2026-01-09T10:00:00.123456Z",
    ] {
        assert_eq!(found(text, ""), None, "{text}");
    }
}

/// A service whose one route fails as `body` says.
fn call(body: &'static str) -> Call {
    let router = Router::new().route("/broken", get(move || async move { (StatusCode::INTERNAL_SERVER_ERROR, body) }));
    Call::of(router, Method::GET, "/broken")
}

#[tokio::test]
async fn an_answer_that_gives_something_away_fails_whoever_asked() {
    let told = call(r#"{"detail": "no such column: title_folded", "code": "INTERNAL"}"#);
    assert!(tokio::spawn(told.send()).await.unwrap_err().is_panic());
    let silent = call(r#"{"detail": "Something went wrong on our side; tell us the request id.", "code": "INTERNAL"}"#);
    assert_eq!(silent.send().await.status, 500);
    let with_cause = || async { (axum::Extension(Error::internal("the moon is full")), "the moon is full") };
    let router = Router::new().route("/broken", get(with_cause));
    let told = Call::of(router, Method::GET, "/broken").send();
    assert!(tokio::spawn(told).await.unwrap_err().is_panic());
}

#[tokio::test]
async fn a_fault_of_the_database_is_not_told() {
    let app = start(Sqlite).await;
    app.create("ann", "milk").await;
    app.database.execute("ALTER TABLE tasks RENAME COLUMN title_folded TO folded_title").await.unwrap();
    let answer = app.get("ann", "/api/tasks?search=milk").await;
    assert_eq!(answer.error(), (500, "INTERNAL".to_owned()));
    let list = json!({ "query": "{ tasks(filter: { search: \"milk\" }) { nodes { id } } }" });
    let answer = app.post("ann", "/graphql", list).await;
    assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "INTERNAL");
}
