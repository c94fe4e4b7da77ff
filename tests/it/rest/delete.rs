//! `DELETE /api/tasks/{id}`.

use http::Method;
use rstest::rstest;
use serde_json::json;

use super::{assert_error, path};
use crate::support::{Backend, Postgres, Sqlite, start};

#[rstest]
#[tokio::test]
async fn answers_nothing_and_the_task_is_gone(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let (task, other) = (app.create("ann", "milk").await, app.create("ann", "bread").await);
    let list = app.get("ann", "/api/tasks").await;
    let deleted = app.delete("ann", &path(&task)).await;
    assert_eq!((deleted.status.as_u16(), deleted.text()), (204, String::new()));
    assert_eq!(deleted.headers.get("content-type"), None);
    let route = path(&task);
    let complete = format!("{route}/complete");
    for (method, route) in
        [(Method::GET, &route), (Method::PUT, &route), (Method::DELETE, &route), (Method::PATCH, &complete)]
    {
        let answer = app.call("ann", method.clone(), route).json(&json!({})).send().await;
        assert_error(&answer, 404, "NOT_FOUND", &format!("{method} {route}"));
        let answer = app.call("bob", method.clone(), route).json(&json!({})).send().await;
        assert_error(&answer, 404, "NOT_FOUND", &format!("{method} {route} by another"));
    }
    let list_after = app.get("ann", "/api/tasks").await;
    assert_eq!(list_after.json(), json!([other]));
    assert_ne!(list_after.header("etag"), list.header("etag"));
    assert_eq!(app.get("ann", "/api/tasks?search=milk").await.json(), json!([]));
}

#[rstest]
#[tokio::test]
async fn an_id_does_not_come_again(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let mut last = 0;
    for _ in 0..3 {
        let task = app.create("ann", "milk").await;
        let id = task["id"].as_i64().unwrap();
        assert!(id > last);
        last = id;
        assert_eq!(app.delete("ann", &path(&task)).await.status, 204);
    }
}

#[rstest]
#[tokio::test]
async fn a_body_is_ignored(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for (content_type, body) in [
        ("application/json", b"{\"title\":".to_vec()),
        ("text/plain", b"milk".to_vec()),
        ("application/json", b"[]".to_vec()),
        ("application/json", vec![b' '; 10_000_000]),
    ] {
        let task = app.create("ann", "milk").await;
        let call = app.call("ann", Method::DELETE, &path(&task)).header("content-type", content_type);
        assert_eq!(call.body(body).send().await.status, 204, "{content_type}");
        assert_eq!(app.get("ann", &path(&task)).await.status, 404, "{content_type}");
    }
}
