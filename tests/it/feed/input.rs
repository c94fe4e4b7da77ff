//! What is no place in a feed, and no page of it.

use rstest::rstest;
use serde_json::json;

use super::{PAGE, page, short, text};
use crate::support::{Backend, Postgres, Sqlite, start};

/// What is no revision and no place in a feed, as it is and as it is written in a URL.
const BAD: [(&str, &str); 18] = [
    ("", ""),
    ("-1", "-1"),
    ("+1", "%2B1"),
    ("01", "01"),
    ("1.0", "1.0"),
    ("1e3", "1e3"),
    ("abc", "abc"),
    ("7.", "7."),
    (".7", ".7"),
    ("0.7", "0.7"),
    ("7.7", "7.7"),
    ("9.7", "9.7"),
    ("7.8.9", "7.8.9"),
    ("7 ", "7%20"),
    ("\0", "%00"),
    ("9223372036854775808", "9223372036854775808"),
    ("7.9223372036854775808", "7.9223372036854775808"),
    ("AQFsyZzSSpG-XAAAAAAAAAALAAZgwzXT73w", "AQFsyZzSSpG-XAAAAAAAAAALAAZgwzXT73w"),
];

#[rstest]
#[tokio::test]
async fn what_is_no_place_is_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.create("ann", "milk").await;
    let problem = |answer: &crate::support::Answer| {
        assert_eq!(answer.error(), (422, "VALIDATION_ERROR".to_owned()), "{}", answer.text());
        let body = answer.json();
        let of = |problem: &serde_json::Value| format!("{} {}", problem["loc"][1], problem["type"]).replace('"', "");
        assert_eq!(body["errors"].as_array().unwrap().iter().filter(|one| one["loc"][0] != "query").count(), 0);
        body["errors"].as_array().unwrap().iter().map(of).collect::<Vec<_>>().join(", ")
    };
    for (bad, in_url) in BAD {
        let answer = app.get("ann", &format!("/api/tasks/changes?since={in_url}")).await;
        assert_eq!(problem(&answer), "since revision", "{bad:?}");
        let failure = app.failure("ann", PAGE, json!({ "after": bad })).await;
        assert_eq!((failure.code.as_str(), failure.data), ("GRAPHQL_VALIDATION_FAILED", None), "{bad:?}");
        let literal = format!("{{ taskChanges(after: {}) {{ revision }} }}", json!(bad));
        let answer = app.graphql("ann", &literal, json!(null)).await;
        assert_eq!(answer.get("data"), None, "{bad:?}: {answer}");
    }
    for not_text in [json!(7), json!(7.5), json!(true), json!(["7"]), json!({}), json!(null)] {
        let failure = app.failure("ann", PAGE, json!({ "after": not_text })).await;
        assert_eq!(failure.code, "GRAPHQL_VALIDATION_FAILED", "{not_text}");
    }
    for (query, problems) in [
        ("", "since missing"),
        ("?limit=0", "since missing, limit out_of_range"),
        ("?since=0&limit=101", "limit out_of_range"),
        ("?since=0&limit=-1", "limit out_of_range"),
        ("?since=0&limit=", "limit out_of_range"),
        ("?since=0&limit=ten", "limit out_of_range"),
        ("?since=x&limit=1.5", "since revision, limit out_of_range"),
        ("?since=0&since=0", "since given_twice"),
        ("?since=0&limit=1&limit=1", "limit given_twice"),
    ] {
        let answer = app.get("ann", &format!("/api/tasks/changes{query}")).await;
        assert_eq!(problem(&answer), problems, "{query}");
    }
    for first in [-1, 101, i32::MIN, i32::MAX] {
        let failure = app.failure("ann", PAGE, json!({ "after": "0", "first": first })).await;
        assert_eq!(failure.problems(), [("first".to_owned(), "out_of_range".to_owned())], "{first}");
    }
    assert_eq!(app.get("ann", "/api/tasks/changes?since=0&cursor=x&status=x&after=x").await.status, 200);
}

#[rstest]
#[tokio::test]
async fn a_place_in_the_future_is_a_reset(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for since in ["1", "7.9", "9223372036854775807"] {
        let answer = page(&app, "ann", since, 50).await;
        let reset = json!({ "type": "reset", "revision": "0" });
        assert_eq!(answer, json!({ "changes": [reset], "revision": "0", "has_more": false }), "{since}");
    }
    let revision: i64 = text(&app.make("ann", "milk").await["revision"]).parse().unwrap();
    for since in [format!("{}", revision + 1), format!("{revision}.{}", revision + 1), format!("1.{}", i64::MAX)] {
        let answer = page(&app, "ann", &since, 1).await;
        let reset = json!({ "type": "reset", "revision": revision.to_string() });
        assert_eq!(answer, json!({ "changes": [reset], "revision": revision.to_string(), "has_more": false }));
    }
    for since in ["0", "1", &format!("1.{revision}"), &format!("{}", revision - 1)] {
        assert_eq!(short(&page(&app, "ann", since, 50).await), ["+milk"], "{since}");
    }
}

#[rstest]
#[tokio::test]
async fn a_place_in_the_feed_is_no_revision_of_a_task(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.make("ann", "milk").await;
    let place = format!("1.{}", text(&task["revision"]));
    for mutation in ["updateTask", "toggleTask", "deleteTask", "setTaskCompleted"] {
        let (completed, selection) = match mutation {
            "setTaskCompleted" => (", completed: true", "task { id }"),
            "deleteTask" => ("", "revision"),
            _ => ("", "task { id }"),
        };
        for id in ["1", "x"] {
            let query = format!(
                "mutation {{ {mutation}(input: {{ id: \"{id}\", expectedRevision: \"{place}\"{completed} }}) {{ {selection} }} }}"
            );
            let mut problems = app.failure("ann", &query, json!(null)).await.problems();
            problems.sort();
            assert_eq!(problems[0], ("input.expectedRevision".to_owned(), "revision".to_owned()), "{mutation}");
            assert_eq!(problems.len(), if id == "x" { 2 } else { 1 }, "{mutation}");
        }
    }
    let etag = format!("\"{place}\"");
    let answer = app.call("ann", http::Method::DELETE, "/api/tasks/1").header("if-match", &etag).send().await;
    assert_eq!(answer.error(), (412, "PRECONDITION_FAILED".to_owned()));
    assert_eq!(app.read("ann", &task["id"]).await, task);
}
