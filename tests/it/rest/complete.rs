//! `PATCH /api/tasks/{id}/complete`.

use http::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{exactly, path, problems};
use crate::support::{Backend, Call, Postgres, Sqlite, TestApp, start};

fn complete(app: &TestApp, task: &Value) -> Call {
    app.call("ann", Method::PATCH, &format!("{}/complete", path(task)))
}

#[rstest]
#[tokio::test]
async fn nothing_toggles_and_a_value_sets(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let mut task = app.post("ann", "/api/tasks", json!({ "title": "milk", "description": "2 l" })).await.json();
    let other = app.create("ann", "bread").await;
    let call = || complete(&app, &task.clone());
    let json_type = ("content-type", "application/json");
    let calls = [
        (call(), true),
        (call(), false),
        (call().json(&json!({})), true),
        (call().header(json_type.0, json_type.1), false),
        (call().header(json_type.0, json_type.1).body(""), true),
        (call().header(json_type.0, "text/plain"), false),
        (call().json(&json!({ "id": 4711, "user_id": "bob" })), true),
        (call().json(&json!({ "completed": true })), true),
        (call().json(&json!({ "completed": true, "title": "bread", "completed_at": 0 })), true),
        (call().json(&json!({ "completed": false })), false),
        (call().json(&json!({ "completed": false })), false),
        (call().json(&json!({ "completed": true })), true),
    ];
    let mut etag = app.get("ann", &path(&task)).await.header("etag").to_owned();
    for (i, (call, completed)) in calls.into_iter().enumerate() {
        let answer = call.send().await;
        assert_eq!(answer.status, 200, "{i}: {}", answer.text());
        let changed = answer.json();
        assert!(changed["updated_at"].as_str() > task["updated_at"].as_str(), "{i}");
        task["updated_at"] = changed["updated_at"].clone();
        task["completed"] = json!(completed);
        assert_eq!(answer.text(), exactly(&task), "{i}");
        assert!(answer.header("etag") > etag.as_str(), "{i}");
        answer.header("etag").clone_into(&mut etag);
    }
    let read = app.get("ann", &path(&task)).await;
    assert_eq!((read.json(), read.header("etag")), (task, etag.as_str()));
    assert_eq!(app.get("ann", &path(&other)).await.json(), other);
}

#[rstest]
#[tokio::test]
async fn what_is_neither_true_nor_false_is_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    for (body, expected) in [
        (json!({ "completed": null }), "body.completed null_not_allowed"),
        (json!({ "completed": "true" }), "body.completed bool_type"),
        (json!({ "completed": 1 }), "body.completed bool_type"),
        (json!({ "completed": 0 }), "body.completed bool_type"),
        (json!({ "completed": [true] }), "body.completed bool_type"),
        (json!({ "completed": {} }), "body.completed bool_type"),
        (json!(null), "body object_type"),
        (json!(true), "body object_type"),
        (json!([]), "body object_type"),
    ] {
        let answer = complete(&app, &task).json(&body).send().await;
        assert_eq!(problems(&answer), [expected], "{body}");
    }
    assert_eq!(app.get("ann", &path(&task)).await.json(), task);
    let refused = complete(&app, &task).json(&json!({ "completed": null })).send().await;
    assert_body!(refused, @r#"
    {
      "detail": "body.completed: must not be null.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "body",
            "completed"
          ],
          "msg": "must not be null",
          "type": "null_not_allowed"
        }
      ]
    }
    "#);
}
