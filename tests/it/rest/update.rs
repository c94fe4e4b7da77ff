//! `PUT /api/tasks/{id}`.

use rstest::rstest;
use serde_json::{Value, json};

use super::{exactly, path, problems};
use crate::support::{Backend, Postgres, Sqlite, start};

#[rstest]
#[tokio::test]
async fn changes_what_is_present_and_leaves_what_is_absent(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let mut task = app.post("ann", "/api/tasks", json!({ "title": "milk", "description": "2 l" })).await.json();
    let other = app.create("ann", "bread").await;
    let mut etag = app.get("ann", &path(&task)).await.header("etag").to_owned();
    for body in [
        json!({ "title": " oat milk\u{3000}" }),
        json!({ "description": " 3 l " }),
        json!({ "completed": true }),
        json!({ "description": null }),
        json!({ "description": "" }),
        json!({ "completed": false, "title": "milk", "description": "1 l" }),
        json!({ "description": null, "completed": true }),
    ] {
        for (name, value) in body.as_object().unwrap() {
            task[name] = value.as_str().filter(|_| name == "title").map_or(value.clone(), |text| json!(text.trim()));
        }
        let answer = app.put("ann", &path(&task), body.clone()).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        let changed = answer.json();
        assert!(changed["updated_at"].as_str() > task["updated_at"].as_str(), "{body}");
        task["updated_at"] = changed["updated_at"].clone();
        assert_eq!(answer.text(), exactly(&task), "{body}");
        assert!(answer.header("etag") > etag.as_str(), "{body}");
        answer.header("etag").clone_into(&mut etag);
        let read = app.get("ann", &path(&task)).await;
        assert_eq!((read.text(), read.header("etag")), (answer.text(), etag.as_str()), "{body}");
    }
    assert_eq!(app.get("ann", &path(&other)).await.json(), other);
}

#[rstest]
#[tokio::test]
async fn the_same_value_counts_as_a_change(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let mut task = app.post("ann", "/api/tasks", json!({ "title": "milk", "description": null })).await.json();
    let mut list = app.get("ann", "/api/tasks").await;
    for body in [json!({ "title": "milk" }), json!({ "description": null }), json!({ "completed": false })] {
        let before = app.get("ann", &path(&task)).await;
        let after = app.put("ann", &path(&task), body.clone()).await;
        assert_ne!(after.header("etag"), before.header("etag"), "{body}");
        assert!(after.json()["updated_at"].as_str() > task["updated_at"].as_str(), "{body}");
        task["updated_at"] = after.json()["updated_at"].clone();
        assert_eq!(after.text(), exactly(&task), "{body}");
        let list_after = app.get("ann", "/api/tasks").await;
        assert_ne!(list_after.header("etag"), list.header("etag"), "{body}");
        list = list_after;
    }
}

#[rstest]
#[tokio::test]
async fn members_that_it_does_not_know_change_nothing(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    let (before, list) = (app.get("ann", &path(&task)).await, app.get("ann", "/api/tasks").await);
    for body in [
        json!({}),
        json!({ "id": 4711, "user_id": "bob", "created_at": null, "updated_at": "2000-01-01T00:00:00Z" }),
        json!({ "Title": "bread", "revision": "0", "expectedRevision": "0", "deleted_at": 1, "": [] }),
    ] {
        let answer = app.put("ann", &path(&task), body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, before.text()), "{body}");
        assert_eq!(answer.header("etag"), before.header("etag"), "{body}");
    }
    let list_after = app.get("ann", "/api/tasks").await;
    assert_eq!((list_after.text(), list_after.header("etag")), (list.text(), list.header("etag")));
}

#[rstest]
#[tokio::test]
async fn a_whole_task_can_be_sent_back(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    let mut body = task.clone();
    body["title"] = json!("bread");
    body["id"] = json!(999);
    body["user_id"] = json!("bob");
    let changed = app.put("ann", &path(&task), body).await.json();
    assert_eq!((&changed["id"], &changed["title"]), (&task["id"], &json!("bread")));
    assert_eq!(changed["created_at"], task["created_at"]);
    assert_ne!(changed["updated_at"], task["updated_at"]);
    assert_eq!(app.get("bob", "/api/tasks").await.json(), json!([]));
}

#[rstest]
#[tokio::test]
async fn what_breaks_a_rule_is_refused_and_nothing_is_changed(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    let before = app.get("ann", &path(&task)).await;
    let cases: Vec<(Value, &[&str])> = vec![
        (json!({ "title": null }), &["body.title null_not_allowed"]),
        (json!({ "title": null, "completed": true }), &["body.title null_not_allowed"]),
        (json!({ "title": 1.5 }), &["body.title string_type"]),
        (json!({ "title": "" }), &["body.title string_too_short"]),
        (json!({ "title": "\u{2003}\n" }), &["body.title string_too_short"]),
        (json!({ "title": "x".repeat(201) }), &["body.title string_too_long"]),
        (json!({ "title": "\u{0}milk" }), &["body.title string_nul"]),
        (json!({ "title": "bread", "description": 5 }), &["body.description string_type"]),
        (json!({ "description": "x".repeat(1001) }), &["body.description string_too_long"]),
        (json!({ "description": "\u{0}" }), &["body.description string_nul"]),
        (json!({ "completed": null }), &["body.completed null_not_allowed"]),
        (json!({ "completed": "true" }), &["body.completed bool_type"]),
        (json!({ "completed": 1 }), &["body.completed bool_type"]),
        (json!({ "completed": 0, "title": "bread" }), &["body.completed bool_type"]),
        (
            json!({ "completed": [], "description": {}, "title": null }),
            &["body.title null_not_allowed", "body.description string_type", "body.completed bool_type"],
        ),
        (
            json!({ "title": "", "description": "x".repeat(1001), "completed": true }),
            &["body.title string_too_short", "body.description string_too_long"],
        ),
    ];
    for (body, expected) in cases {
        let answer = app.put("ann", &path(&task), body.clone()).await;
        assert_eq!(problems(&answer), expected, "{body}");
    }
    let after = app.get("ann", &path(&task)).await;
    assert_eq!((after.text(), after.header("etag")), (before.text(), before.header("etag")));
    let refused = app.put("ann", &path(&task), json!({ "title": null, "completed": "yes" })).await;
    assert_body!(refused, @r#"
    {
      "detail": "body.title: must not be null; body.completed: must be true or false.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "body",
            "title"
          ],
          "msg": "must not be null",
          "type": "null_not_allowed"
        },
        {
          "loc": [
            "body",
            "completed"
          ],
          "msg": "must be true or false",
          "type": "bool_type"
        }
      ]
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn the_longest_values_fit(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    for (title, description) in [("x", "y"), ("\u{1f600}", "\u{1f468}"), ("\u{df}", "\u{130}"), ("\u{390}", "\u{fb03}")]
    {
        let body = json!({ "title": title.repeat(200), "description": description.repeat(1000) });
        let answer = app.put("ann", &path(&task), body.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let changed = answer.json();
        assert_eq!((&changed["title"], &changed["description"]), (&body["title"], &body["description"]));
    }
}
