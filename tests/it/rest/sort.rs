//! `sort`, in all six spellings.

use rstest::rstest;
use serde_json::json;

use super::titles;
use crate::support::{Backend, Postgres, Sqlite, TestApp, start};

async fn sorted(app: &TestApp, sort: &str) -> Vec<String> {
    titles(&app.get("ann", &format!("/api/tasks?sort={sort}")).await)
}

#[rstest]
#[tokio::test]
async fn by_when_it_was_made_or_changed(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for title in ["b", "a", "d", "c"] {
        app.create("ann", title).await;
    }
    app.put("ann", "/api/tasks/2", json!({ "description": "changed" })).await;
    app.patch("ann", "/api/tasks/4/complete", json!({})).await;
    app.patch("ann", "/api/tasks/1/complete", json!({ "completed": false })).await;
    app.put("ann", "/api/tasks/3", json!({})).await;
    for (sort, expected) in [
        ("created_at", ["b", "a", "d", "c"]),
        ("-created_at", ["c", "d", "a", "b"]),
        ("updated_at", ["d", "a", "c", "b"]),
        ("-updated_at", ["b", "c", "a", "d"]),
        ("title", ["a", "b", "c", "d"]),
        ("-title", ["d", "c", "b", "a"]),
    ] {
        assert_eq!(sorted(&app, sort).await, expected, "{sort}");
    }
    assert_eq!(titles(&app.get("ann", "/api/tasks").await), ["c", "d", "a", "b"]);
}

/// A locale would put punctuation aside and accents beside their letters; UTF-16 would put U+FF61 behind the emoji.
#[rstest]
#[tokio::test]
async fn titles_go_by_their_folded_code_points_and_then_by_id(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let groups: [&[&str]; 24] = [
        &["#1"],
        &["-a"],
        &["10"],
        &["2"],
        &["_"],
        &["a", "A"],
        &["a b"],
        &["A-b"],
        &["AB", "ab"],
        &["a\u{301}"],
        &["B", "b", "B"],
        &["MASS", "Ma\u{df}", "mass"],
        &["Masse", "ma\u{df}e"],
        &["zoo", "Zoo"],
        &["\u{e4}", "\u{c4}"],
        &["\u{c9}", "\u{e9}"],
        &["\u{3c2}", "\u{3a3}", "\u{3c3}"],
        &["\u{42f}", "\u{44f}"],
        &["\u{4e2d}"],
        &["\u{d7ff}"],
        &["\u{e000}"],
        &["\u{ff61}"],
        &["\u{1f600}"],
        &["\u{10ffff}"],
    ];
    for group in groups.iter().rev() {
        for title in *group {
            app.create("ann", title).await;
        }
    }
    let mut expected = groups.concat();
    assert_eq!(sorted(&app, "title").await, expected);
    expected.reverse();
    assert_eq!(sorted(&app, "-title").await, expected);
}

#[rstest]
#[tokio::test]
async fn a_new_title_moves_the_task(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for title in ["b", "c"] {
        app.create("ann", title).await;
    }
    app.put("ann", "/api/tasks/2", json!({ "title": "A" })).await;
    assert_eq!(sorted(&app, "title").await, ["A", "b"]);
}
