//! The REST routes.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, Postgres, Sqlite, TestApp, start};

/// Compares the body of an answer with an inline snapshot; it is the same on both databases.
macro_rules! assert_body {
    ($answer:expr, @$body:literal) => {{
        let body = $answer.json();
        insta::allow_duplicates! { insta::assert_compact_json_snapshot!(body, @$body) }
    }};
}

mod bodies;
mod bulk;
mod complete;
mod compression;
mod conditional;
mod consistency;
mod cors;
mod create;
mod delete;
mod errors;
mod headers;
mod health;
mod hosts;
mod ids;
mod list;
mod order;
mod owners;
mod pages;
mod property;
mod read;
mod search;
mod slashes;
mod sort;
mod update;

/// What is there once: a task of ann's, a task of bob's, and a task of ann's that was deleted.
struct Three {
    own: Value,
    foreign: Value,
    deleted: Value,
}

impl Three {
    async fn create(app: &TestApp) -> Self {
        let own = app.create("ann", "ann's").await;
        let foreign = app.create("bob", "bob's").await;
        let deleted = app.create("ann", "deleted").await;
        assert_eq!(app.delete("ann", &path(&deleted)).await.status, 204);
        Self { own, foreign, deleted }
    }
}

/// The route of a task.
fn path(task: &Value) -> String {
    format!("/api/tasks/{}", task["id"])
}

/// The text that a task has to be written as: these members, in this order.
fn exactly(task: &Value) -> String {
    let member = |name: &str| format!("\"{name}\":{}", task[name]);
    let names = ["id", "title", "description", "completed", "created_at", "updated_at"];
    format!("{{{}}}", names.map(member).join(","))
}

/// Whether a text is an instant as the contract writes it.
fn is_time(text: &Value) -> bool {
    let shape = "0000-00-00T00:00:00.000000Z";
    let fits = |(is, shape): (char, char)| if shape == '0' { is.is_ascii_digit() } else { is == shape };
    text.as_str().is_some_and(|text| text.len() == shape.len() && text.chars().zip(shape.chars()).all(fits))
}

/// The titles of a list, in its order.
#[track_caller]
fn titles(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let list = answer.json();
    list.as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
}

/// Place and rule of each problem of a 422: `body.title string_too_long`.
#[track_caller]
fn problems(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.error(), (422, "VALIDATION_ERROR".to_owned()), "{}", answer.text());
    let body = answer.json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["detail", "code", "errors"]);
    let problem = |problem: &Value| {
        assert_eq!(problem.as_object().unwrap().keys().collect::<Vec<_>>(), ["loc", "msg", "type"]);
        let detail = body["detail"].as_str().unwrap();
        assert!(problem["msg"].as_str().is_some_and(|msg| !msg.is_empty() && detail.contains(msg)), "{body}");
        let steps: Vec<&str> = problem["loc"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
        format!("{} {}", steps.join("."), problem["type"].as_str().unwrap())
    };
    body["errors"].as_array().unwrap().iter().map(problem).collect()
}

/// Asserts that an answer is an error of this status and code, with a body of exactly two members.
#[track_caller]
fn assert_error(answer: &Answer, status: u16, code: &str, case: &str) {
    assert_eq!(answer.error(), (status, code.to_owned()), "{case}: {}", answer.text());
    if status != 422 {
        assert_eq!(answer.json().as_object().unwrap().keys().collect::<Vec<_>>(), ["detail", "code"], "{case}");
    }
    assert_eq!(answer.header("content-type"), "application/json", "{case}");
}

#[rstest]
#[tokio::test]
async fn a_task_lives_from_create_to_delete(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let created = app.post("ann", "/api/tasks", json!({ "title": " milk ", "description": "2 l" })).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let task = created.json();
    assert_eq!(
        task,
        json!({
            "id": 1, "title": "milk", "description": "2 l", "completed": false,
            "created_at": task["created_at"], "updated_at": task["created_at"],
        })
    );
    assert_eq!(created.header("location"), "/api/tasks/1");
    let read = app.get("ann", "/api/tasks/1/").await;
    assert_eq!(read.json(), task);
    assert_eq!(read.header("etag"), created.header("etag"));
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([task]));
    let toggled = app.call("ann", http::Method::PATCH, "/api/tasks/1/complete").send().await;
    assert_eq!(toggled.json()["completed"], json!(true));
    let cleared = app.put("ann", "/api/tasks/1", json!({ "description": null })).await.json();
    assert_eq!((&cleared["description"], &cleared["title"]), (&json!(null), &json!("milk")));
    assert_eq!(app.delete("ann", "/api/tasks/1").await.status, 204);
    assert_eq!(app.get("ann", "/api/tasks/1").await.error(), (404, "NOT_FOUND".to_owned()));
}
