//! Whose task it is: 403 for another user's, 404 for none, and 404 for both where the first is hidden.

use http::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Three, assert_error, path};
use crate::support::{Backend, Postgres, Sqlite, TestApp, start, start_with};

/// Asserts that ann gets this error from whatever she does to a task, and that the text is always the same.
async fn assert_refused(app: &TestApp, task: &Value, status: u16, code: &str) -> String {
    let route = path(task);
    let mut texts = Vec::new();
    for (method, route, body) in [
        (Method::GET, route.clone(), json!({})),
        (Method::PUT, route.clone(), json!({})),
        (Method::PUT, route.clone(), json!({ "title": "stolen" })),
        (Method::PATCH, format!("{route}/complete"), json!({})),
        (Method::PATCH, format!("{route}/complete"), json!({ "completed": true })),
        (Method::DELETE, route.clone(), json!({})),
    ] {
        let answer = app.call("ann", method.clone(), &route).json(&body).send().await;
        assert_error(&answer, status, code, &format!("{method} {route} {body}"));
        assert_eq!(answer.headers.get("etag"), None, "{method} {route} {body}");
        texts.push(answer.text());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    texts.remove(0)
}

#[rstest]
#[tokio::test]
async fn anothers_is_403_and_none_is_404(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let tasks = Three::create(&app).await;
    let list = app.get("bob", "/api/tasks").await;
    assert_refused(&app, &tasks.foreign, 403, "FORBIDDEN").await;
    assert_refused(&app, &tasks.deleted, 404, "NOT_FOUND").await;
    assert_refused(&app, &json!({ "id": 999 }), 404, "NOT_FOUND").await;
    let list_after = app.get("bob", "/api/tasks").await;
    assert_eq!((list_after.text(), list_after.header("etag")), (list.text(), list.header("etag")));
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([tasks.own]));
}

#[rstest]
#[tokio::test]
async fn anothers_can_be_hidden(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_with(backend, |options| options.hide_foreign_tasks = true).await;
    let tasks = Three::create(&app).await;
    let foreign = assert_refused(&app, &tasks.foreign, 404, "NOT_FOUND").await;
    let missing = assert_refused(&app, &json!({ "id": 999 }), 404, "NOT_FOUND").await;
    assert_eq!(foreign, missing);
    for if_match in ["\"0\"", "\"0\", \"1\"", "garbage"] {
        let call = app.call("ann", Method::DELETE, &path(&tasks.foreign)).header("if-match", if_match);
        assert_eq!(call.send().await.text(), missing, "{if_match}");
    }
    assert_eq!(app.get("bob", "/api/tasks").await.json(), json!([tasks.foreign]));
    assert_eq!(app.get("ann", &path(&tasks.own)).await.json(), tasks.own);
}

#[rstest]
#[tokio::test]
async fn users_are_told_apart_character_by_character(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let users = ["ann", "Ann", "ann ", " ann", "an", "anna", "\u{e4}nn", "a\u{308}nn", "%", "ann'--"];
    for user in users {
        app.create(user, user.trim()).await;
    }
    for user in users {
        let list = app.get(user, "/api/tasks").await.json();
        assert_eq!(list.as_array().unwrap().len(), 1, "{user:?}");
        assert_eq!(list[0]["title"], json!(user.trim()), "{user:?}");
    }
}

#[rstest]
#[tokio::test]
async fn nothing_in_a_request_names_another_owner(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let tasks = Three::create(&app).await;
    for (name, value) in [("x-user-id", "bob"), ("x-forwarded-user", "bob"), ("x-http-method-override", "DELETE")] {
        let answer = app.call("ann", Method::GET, "/api/tasks?user_id=bob&owner=bob").header(name, value).send().await;
        assert_eq!(answer.json(), json!([tasks.own]), "{name}");
    }
    let answer = app.get("ann", &format!("{}?user_id=bob", path(&tasks.foreign))).await;
    assert_eq!(answer.status, 403);
}
