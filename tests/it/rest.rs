//! The REST routes.

use rstest::rstest;
use serde_json::json;

use crate::support::{Backend, Postgres, Sqlite, start};

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
