//! `POST /api/tasks`.

use rstest::rstest;
use serde_json::{Value, json};

use super::{exactly, is_time, path, problems};
use crate::support::{Backend, Postgres, Sqlite, start};

#[rstest]
#[tokio::test]
async fn answers_the_task_and_where_it_is(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for description in [json!("2 l,\n\"fresh\" \u{1f95b}"), json!(null)] {
        let created = app.post("ann", "/api/tasks", json!({ "title": "milk", "description": description })).await;
        assert_eq!(created.status, 201, "{}", created.text());
        assert_eq!(created.header("content-type"), "application/json");
        let task = created.json();
        assert_eq!(created.text(), exactly(&task));
        assert_eq!((&task["title"], &task["description"]), (&json!("milk"), &description));
        assert_eq!(task["completed"], json!(false));
        assert!(task["id"].as_i64().is_some_and(|id| (1..1 << 53).contains(&id)), "{task}");
        assert!(is_time(&task["created_at"]), "{task}");
        assert_eq!(task["updated_at"], task["created_at"]);
        assert_eq!(created.header("location"), path(&task));
        let read = app.get("ann", created.header("location")).await;
        assert_eq!(read.text(), created.text());
        assert_eq!(read.header("etag"), created.header("etag"));
    }
}

#[rstest]
#[tokio::test]
async fn times_always_have_six_digits(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for _ in 0..10 {
        let task = app.create("ann", "milk").await;
        assert!(is_time(&task["created_at"]) && is_time(&task["updated_at"]), "{task}");
    }
    // 2026-01-09T10:00:00 sharp, and a tenth of a second later.
    for (moment, text) in [(0, "10:00:00.000000Z"), (100_000, "10:00:00.100000Z")] {
        let sql = match backend {
            Sqlite => format!("UPDATE tasks SET updated_at = {}", 1_767_952_800_000_000_i64 + moment),
            Postgres => format!(
                "UPDATE tasks SET updated_at = timestamptz '2026-01-09 10:00:00Z' + {moment} * interval '1 microsecond'"
            ),
        };
        app.database.execute(&sql).await.unwrap();
        assert_eq!(app.get("ann", "/api/tasks/1").await.json()["updated_at"], json!(format!("2026-01-09T{text}")));
    }
}

#[rstest]
#[tokio::test]
async fn a_title_is_trimmed_and_a_description_is_kept(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let spaces = " \t\r\n\u{b}\u{c}\u{85}\u{a0}\u{1680}\u{2003}\u{2028}\u{3000}";
    for (sent, kept) in [
        (format!("{spaces}milk{spaces}"), "milk".to_owned()),
        (format!("oat{spaces}milk"), format!("oat{spaces}milk")),
        ("\u{200b}\u{feff}".to_owned(), "\u{200b}\u{feff}".to_owned()),
        (format!(" {} ", "x".repeat(200)), "x".repeat(200)),
        ("\u{1f600}".repeat(200), "\u{1f600}".repeat(200)),
        ("e\u{301}".repeat(100), "e\u{301}".repeat(100)),
        ("'); DROP TABLE tasks; --".to_owned(), "'); DROP TABLE tasks; --".to_owned()),
        ("<b>\u{1}\u{7f}</b>".to_owned(), "<b>\u{1}\u{7f}</b>".to_owned()),
    ] {
        let task = app.create("ann", &sent).await;
        assert_eq!(task["title"], json!(kept));
        assert_eq!(app.get("ann", &path(&task)).await.json(), task);
    }
    for description in
        [String::new(), format!("{spaces}2 l{spaces}"), "x".repeat(1000), "\u{1f600}".repeat(1000), "\r\n".to_owned()]
    {
        let body = json!({ "title": "milk", "description": description });
        let task = app.post("ann", "/api/tasks", body).await.json();
        assert_eq!(task["description"], json!(description));
        assert_eq!(app.get("ann", &path(&task)).await.json(), task);
    }
}

#[rstest]
#[tokio::test]
async fn what_breaks_a_rule_is_refused_and_nothing_is_made(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let cases: Vec<(Value, &[&str])> = vec![
        (json!({}), &["body.title missing"]),
        (json!({ "Title": "milk" }), &["body.title missing"]),
        (json!({ "description": "2 l" }), &["body.title missing"]),
        (json!({ "title": null }), &["body.title null_not_allowed"]),
        (json!({ "title": 1 }), &["body.title string_type"]),
        (json!({ "title": true }), &["body.title string_type"]),
        (json!({ "title": ["milk"] }), &["body.title string_type"]),
        (json!({ "title": { "text": "milk" } }), &["body.title string_type"]),
        (json!({ "title": "" }), &["body.title string_too_short"]),
        (json!({ "title": " \t\r\n" }), &["body.title string_too_short"]),
        (json!({ "title": "\u{3000}\u{2003}\u{a0}\u{85}\u{2028}" }), &["body.title string_too_short"]),
        (json!({ "title": "x".repeat(201) }), &["body.title string_too_long"]),
        (json!({ "title": "\u{1f600}".repeat(201) }), &["body.title string_too_long"]),
        (json!({ "title": "mi\u{0}lk" }), &["body.title string_nul"]),
        (json!({ "title": "\u{0}" }), &["body.title string_nul"]),
        (json!({ "title": "milk", "description": 2 }), &["body.description string_type"]),
        (json!({ "title": "milk", "description": [] }), &["body.description string_type"]),
        (json!({ "title": "milk", "description": false }), &["body.description string_type"]),
        (json!({ "title": "milk", "description": "x".repeat(1001) }), &["body.description string_too_long"]),
        (json!({ "title": "milk", "description": "2\u{0}l" }), &["body.description string_nul"]),
        (json!({ "title": null, "description": 2 }), &["body.title null_not_allowed", "body.description string_type"]),
        (
            json!({ "title": " ", "description": "x".repeat(1001) }),
            &["body.title string_too_short", "body.description string_too_long"],
        ),
    ];
    for (body, expected) in cases {
        let answer = app.post("ann", "/api/tasks", body.clone()).await;
        assert_eq!(problems(&answer), expected, "{body}");
    }
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([]));
    assert_eq!(app.database.numbers("SELECT count(*) FROM tasks UNION ALL SELECT count(*) FROM owners").await, [0, 0]);
}

#[rstest]
#[tokio::test]
async fn a_refusal_says_what_is_wrong_and_where(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let refused = async |body| app.post("ann", "/api/tasks", body).await;
    assert_body!(refused(json!({})).await, @r#"
    {
      "detail": "body.title: is required.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "body",
            "title"
          ],
          "msg": "is required",
          "type": "missing"
        }
      ]
    }
    "#);
    assert_body!(refused(json!({ "title": 7, "description": 7 })).await, @r#"
    {
      "detail": "body.title: must be a string; body.description: must be a string.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "body",
            "title"
          ],
          "msg": "must be a string",
          "type": "string_type"
        },
        {
          "loc": [
            "body",
            "description"
          ],
          "msg": "must be a string",
          "type": "string_type"
        }
      ]
    }
    "#);
    assert_body!(refused(json!({ "title": " " })).await, @r#"
    {
      "detail": "body.title: must have at least 1 character that is not white space.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "body",
            "title"
          ],
          "msg": "must have at least 1 character that is not white space",
          "type": "string_too_short"
        }
      ]
    }
    "#);
    assert_body!(refused(json!({ "title": "x".repeat(201), "description": "\u{0}" })).await, @r#"
    {
      "detail": "body.title: must have at most 200 characters; body.description: must not contain a NUL character.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "body",
            "title"
          ],
          "msg": "must have at most 200 characters",
          "type": "string_too_long"
        },
        {
          "loc": [
            "body",
            "description"
          ],
          "msg": "must not contain a NUL character",
          "type": "string_nul"
        }
      ]
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn members_that_it_does_not_know_are_ignored(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let body = json!({
        "id": 4711, "title": "milk", "user_id": "bob", "completed": true, "created_at": "2000-01-01T00:00:00Z",
        "updated_at": null, "revision": "1", "extra": { "deep": [1, 2, 3] },
    });
    let task = app.post("ann", "/api/tasks", body).await.json();
    assert_eq!((&task["id"], &task["completed"], &task["description"]), (&json!(1), &json!(false), &json!(null)));
    assert!(task["created_at"].as_str().unwrap().starts_with("2026-"), "{task}");
    assert_eq!(app.get("bob", "/api/tasks").await.json(), json!([]));
}
