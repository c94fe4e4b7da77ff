//! The order of checks: route, token, body, owner, precondition. Each request breaks two rules or more, and the first
//! of them is told.

use http::Method;
use rstest::rstest;
use serde_json::json;

use super::{Three, assert_error, path};
use crate::support::{Backend, Call, Postgres, Sqlite, TestApp, start};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

fn huge() -> Vec<u8> {
    format!("{{\"title\": null, \"description\": \"{}\"}}", "x".repeat(1024 * 1024)).into_bytes()
}

fn body(call: Call, content_type: &str, body: impl Into<Vec<u8>>) -> Call {
    call.header("content-type", content_type).body(body)
}

#[rstest]
#[tokio::test]
async fn the_route_comes_before_the_token(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let call = |method: Method, path: &str| body(app.anonymous(method, path), TEXT, huge());
    for (method, path) in
        [(Method::GET, "/api/nothing"), (Method::POST, "/api/tasks/1/complete/again"), (Method::PUT, "/tasks")]
    {
        let answer = call(method.clone(), path).send().await;
        assert_error(&answer, 404, "NOT_FOUND", &format!("{method} {path}"));
    }
    for (method, path) in
        [(Method::PATCH, "/api/tasks"), (Method::POST, "/api/tasks/abc"), (Method::GET, "/api/tasks/1/complete")]
    {
        let answer = call(method.clone(), path).header("authorization", "Bearer nonsense").send().await;
        assert_error(&answer, 405, "METHOD_NOT_ALLOWED", &format!("{method} {path}"));
    }
}

#[rstest]
#[tokio::test]
async fn the_token_comes_before_the_body(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let foreign = path(&app.create("bob", "bob's").await);
    let complete = format!("{foreign}/complete");
    let expired = app.token_for("ann", -31);
    for (method, path, content_type, sent) in [
        (Method::GET, "/api/tasks?limit=0", JSON, b"".to_vec()),
        (Method::GET, "/api/tasks?cursor=abc&cursor=abc", JSON, b"".to_vec()),
        (Method::GET, "/api/tasks/abc", JSON, b"".to_vec()),
        (Method::POST, "/api/tasks", TEXT, b"milk".to_vec()),
        (Method::POST, "/api/tasks", JSON, b"{".to_vec()),
        (Method::POST, "/api/tasks", JSON, huge()),
        (Method::POST, "/api/tasks", TEXT, huge()),
        (Method::PUT, &foreign, JSON, b"{\"title\": null}".to_vec()),
        (Method::PUT, "/api/tasks/999", JSON, b"{}".to_vec()),
        (Method::PATCH, &complete, JSON, b"[]".to_vec()),
        (Method::DELETE, &foreign, JSON, b"".to_vec()),
    ] {
        for authorization in [None, Some(format!("Bearer {expired}")), Some("Basic YW5uOmFubg==".to_owned())] {
            let mut call = app.anonymous(method.clone(), path).header("if-match", "\"0\"");
            if let Some(authorization) = &authorization {
                call = call.header("authorization", authorization);
            }
            let answer = body(call, content_type, sent.clone()).send().await;
            assert_error(&answer, 401, "UNAUTHENTICATED", &format!("{method} {path}"));
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}

/// Every route that takes a body, for a task that is another's, one that is not there and one that was changed since.
fn with_bodies(tasks: &Three) -> Vec<(Method, String)> {
    let mut routes = Vec::new();
    for path in [path(&tasks.foreign), path(&tasks.deleted), "/api/tasks/0".to_owned(), path(&tasks.own)] {
        routes.push((Method::PATCH, format!("{path}/complete")));
        routes.push((Method::PUT, path));
    }
    routes
}

#[rstest]
#[tokio::test]
async fn the_body_comes_before_the_owner(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let tasks = Three::create(&app).await;
    for (method, path) in with_bodies(&tasks) {
        for (content_type, sent, status, code) in [
            (TEXT, huge(), 415, "UNSUPPORTED_MEDIA_TYPE"),
            (TEXT, b"{".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE"),
            (JSON, huge(), 413, "PAYLOAD_TOO_LARGE"),
            (JSON, b"{".to_vec(), 422, "VALIDATION_ERROR"),
            (JSON, b"[]".to_vec(), 422, "VALIDATION_ERROR"),
            (JSON, b"{\"completed\": null}".to_vec(), 422, "VALIDATION_ERROR"),
        ] {
            for if_match in ["\"0\"", "\"0\", \"1\"", "garbage"] {
                let call = app.call("ann", method.clone(), &path).header("if-match", if_match);
                let answer = body(call, content_type, sent.clone()).send().await;
                assert_error(&answer, status, code, &format!("{method} {path}"));
            }
        }
    }
    for path in [path(&tasks.foreign), path(&tasks.deleted), path(&tasks.own)] {
        for sent in [json!({ "title": " " }), json!({ "title": "x".repeat(201) }), json!({ "description": "\u{0}" })] {
            let call = app.call("ann", Method::PUT, &path).header("if-match", "\"0\"");
            assert_error(&call.json(&sent).send().await, 422, "VALIDATION_ERROR", &format!("{path} {sent}"));
        }
    }
}

/// Sends every change of a task with an `If-Match` that does not hold.
async fn assert_refused(app: &TestApp, path: &str, status: u16, code: &str) {
    for (method, path, sent) in [
        (Method::PUT, path.to_owned(), json!({ "title": "bread" })),
        (Method::PUT, path.to_owned(), json!({})),
        (Method::PATCH, format!("{path}/complete"), json!({})),
        (Method::PATCH, format!("{path}/complete"), json!({ "completed": true })),
        (Method::DELETE, path.to_owned(), json!({})),
    ] {
        for if_match in ["\"0\"", "\"0\", \"1\"", "garbage"] {
            let call = app.call("ann", method.clone(), &path).header("if-match", if_match);
            let answer = call.json(&sent).send().await;
            assert_error(&answer, status, code, &format!("{method} {path} {if_match}"));
        }
    }
}

#[rstest]
#[tokio::test]
async fn the_owner_comes_before_the_precondition(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let tasks = Three::create(&app).await;
    assert_refused(&app, &path(&tasks.foreign), 403, "FORBIDDEN").await;
    assert_refused(&app, &path(&tasks.deleted), 404, "NOT_FOUND").await;
    assert_refused(&app, "/api/tasks/-1", 404, "NOT_FOUND").await;
    assert_refused(&app, &path(&tasks.own), 412, "PRECONDITION_FAILED").await;
    assert_refused(&app, "/api/tasks/abc", 422, "VALIDATION_ERROR").await;
}
