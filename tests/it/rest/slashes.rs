//! Every route answers with and without a trailing slash, never by a redirect.

use http::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::path;
use crate::support::{Backend, Postgres, Sqlite, start};

#[rstest]
#[tokio::test]
async fn a_trailing_slash_is_no_difference(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let timeless = |mut value: Value| {
        let tasks = match &mut value {
            Value::Array(tasks) => tasks.iter_mut().collect(),
            task => vec![task],
        };
        for task in tasks {
            for name in ["id", "created_at", "updated_at"] {
                task.as_object_mut().unwrap().remove(name);
            }
        }
        value
    };
    let mut answers = Vec::new();
    for slash in ["", "/"] {
        let user = if slash.is_empty() { "ann" } else { "bob" };
        let task = app.create(user, "milk").await;
        let task = path(&task);
        let mut row = Vec::new();
        for (method, route, body) in [
            (Method::POST, format!("/api/tasks{slash}"), json!({ "title": "tea" })),
            (Method::GET, format!("/api/tasks{slash}"), json!({})),
            (Method::GET, format!("/api/tasks{slash}?search=tea&limit=1"), json!({})),
            (Method::GET, format!("{task}{slash}"), json!({})),
            (Method::GET, format!("{task}{slash}?x=/"), json!({})),
            (Method::PUT, format!("{task}{slash}"), json!({ "description": "2 l" })),
            (Method::PATCH, format!("{task}/complete{slash}"), json!({})),
            (Method::PATCH, format!("{task}/complete{slash}"), json!({ "completed": true })),
            (Method::DELETE, format!("{task}{slash}"), json!({})),
            (Method::GET, format!("{task}{slash}"), json!({})),
            (Method::GET, format!("/api/tasks/abc{slash}"), json!({})),
            (Method::GET, format!("/api/tasks{slash}?limit=0"), json!({})),
            (Method::DELETE, format!("/api/tasks{slash}"), json!({})),
            (Method::GET, format!("/api/nothing{slash}"), json!({})),
        ] {
            let answer = app.call(user, method.clone(), &route).json(&body).send().await;
            assert!(!answer.status.is_redirection(), "{method} {route}");
            if let Some(location) = answer.headers.get("location") {
                let id = answer.json()["id"].clone();
                assert_eq!(location.to_str().unwrap(), format!("/api/tasks/{id}"));
            }
            let body = if answer.body.is_empty() { json!({}) } else { answer.json() };
            row.push((method, answer.status, timeless(body)));
        }
        answers.push(row);
    }
    assert_eq!(answers[0], answers[1]);
    let statuses: Vec<u16> = answers[0].iter().map(|(_, status, _)| status.as_u16()).collect();
    assert_eq!(statuses, [201, 200, 200, 200, 200, 200, 200, 200, 204, 404, 422, 422, 405, 404]);
}
