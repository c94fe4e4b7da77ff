//! `GET /api/tasks/{id}`.

use http::Method;
use rstest::rstest;
use serde_json::json;

use super::{Three, assert_error, exactly, path};
use crate::support::{Backend, Postgres, Sqlite, start};

#[rstest]
#[tokio::test]
async fn answers_the_task_exactly(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    let read = app.get("ann", &path(&task)).await;
    assert_eq!(read.status, 200);
    assert_eq!(read.header("content-type"), "application/json");
    assert_eq!(read.text(), exactly(&task));
    let query = "query ($id: ID!) { task(id: $id) { databaseId revision } }";
    let node = app.graphql("ann", query, json!({ "id": task["id"].to_string() })).await["data"]["task"].clone();
    assert_eq!(node["databaseId"], task["id"]);
    assert_eq!(read.header("etag"), node["revision"].to_string());
}

#[rstest]
#[tokio::test]
async fn what_is_not_there_is_404_and_anothers_is_403(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let tasks = Three::create(&app).await;
    let missing = app.get("ann", "/api/tasks/999").await;
    assert_error(&missing, 404, "NOT_FOUND", "missing");
    assert_body!(missing, @r#"{"detail": "There is no task with this id.", "code": "NOT_FOUND"}"#);
    let deleted = app.get("ann", &path(&tasks.deleted)).await;
    assert_eq!(deleted.text(), missing.text());
    let foreign = app.get("ann", &path(&tasks.foreign)).await;
    assert_error(&foreign, 403, "FORBIDDEN", "foreign");
    assert_body!(foreign, @r#"{"detail": "This task belongs to another user.", "code": "FORBIDDEN"}"#);
}

#[rstest]
#[tokio::test]
async fn a_body_is_ignored(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    for route in ["/api/tasks".to_owned(), path(&task)] {
        let plain = app.get("ann", &route).await;
        for (content_type, body) in
            [("application/json", "{\"title\":"), ("text/plain", "milk"), ("application/json", "{\"limit\": 0}")]
        {
            let call = app.call("ann", Method::GET, &route).header("content-type", content_type);
            let answer = call.body(body).send().await;
            assert_eq!((answer.status, answer.text()), (plain.status, plain.text()), "{route}: {body}");
        }
        let huge = app.call("ann", Method::GET, &route).body(vec![b'x'; 10_000_000]).send().await;
        assert_eq!(huge.text(), plain.text());
    }
}

#[rstest]
#[tokio::test]
async fn head_answers_like_get_without_a_body(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    for route in ["/api/tasks".to_owned(), path(&task), "/api/tasks/999".to_owned(), "/api/tasks/x".to_owned()] {
        let get = app.get("ann", &route).await;
        let head = app.call("ann", Method::HEAD, &route).send().await;
        assert_eq!((head.status, head.text()), (get.status, String::new()), "{route}");
        for name in ["etag", "content-type", "cache-control", "vary"] {
            assert_eq!(head.headers.get(name), get.headers.get(name), "{route}: {name}");
        }
    }
}
