//! `ETag`, `If-None-Match` and `If-Match`.

use http::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{assert_error, path};
use crate::support::{Answer, Backend, Call, Postgres, Sqlite, TestApp, start};
use taskgate::user::UserId;

async fn etag(app: &TestApp, user: &str, route: &str) -> String {
    app.get(user, route).await.header("etag").to_owned()
}

/// Sends a header once for each value.
fn with(call: Call, name: &str, values: &[String]) -> Call {
    values.iter().fold(call, |call, value| call.header(name, value))
}

fn none_match(app: &TestApp, user: &str, route: &str, values: &[String]) -> Call {
    with(app.call(user, Method::GET, route), "if-none-match", values)
}

/// What a caller may send that has the tag `etag` in it.
fn matching(etag: &str) -> Vec<Vec<String>> {
    vec![
        vec![etag.to_owned()],
        vec![format!("W/{etag}")],
        vec![format!("  {etag}  ")],
        vec![format!("\"other\", {etag}")],
        vec![format!("{etag},\"other\"")],
        vec![format!("W/\"other\" , W/{etag} , \"\"")],
        vec!["\"other\"".to_owned(), etag.to_owned()],
        vec!["*".to_owned()],
        vec![" * ".to_owned()],
    ]
}

/// What a caller may send that has not.
fn others() -> Vec<Vec<String>> {
    let values =
        ["\"other\"", "W/\"other\"", "\"0\"", "\"\"", "", "\"", "W/", "\"*\"", "other", "\"a\", \"b\"", ",", "-1"];
    values.into_iter().map(|value| vec![value.to_owned()]).collect()
}

#[track_caller]
fn assert_not_modified(answer: &Answer, etag: &str, case: &[String]) {
    assert_eq!((answer.status.as_u16(), answer.text()), (304, String::new()), "{case:?}");
    assert_eq!(answer.header("etag"), etag, "{case:?}");
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    assert_eq!(answer.header("vary"), "Authorization, Origin, Accept-Encoding");
}

#[rstest]
#[tokio::test]
async fn what_the_caller_has_already_is_304(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    for route in ["/api/tasks".to_owned(), "/api/tasks?status=pending&limit=1".to_owned(), path(&task)] {
        let full = app.get("ann", &route).await;
        let etag = full.header("etag");
        assert!(etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"') && !etag.contains(','), "{etag}");
        for values in matching(etag) {
            assert_not_modified(&none_match(&app, "ann", &route, &values).send().await, etag, &values);
        }
        for values in others() {
            let answer = none_match(&app, "ann", &route, &values).send().await;
            assert_eq!((answer.status.as_u16(), answer.text()), (200, full.text()), "{values:?}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_change_ends_a_304(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    let (one, list) = (path(&task), "/api/tasks".to_owned());
    let complete = format!("{one}/complete");
    let changes = [
        (Method::PUT, &one, json!({ "title": "bread" })),
        (Method::PUT, &one, json!({ "title": "bread" })),
        (Method::PATCH, &complete, json!({})),
        (Method::PATCH, &complete, json!({ "completed": true })),
    ];
    for (method, route, body) in changes {
        let (before, list_before) = (etag(&app, "ann", &one).await, etag(&app, "ann", &list).await);
        let changed = app.call("ann", method, route).json(&body).send().await;
        let read = none_match(&app, "ann", &one, &[before]).send().await;
        assert_eq!((read.status.as_u16(), read.text()), (200, changed.text()), "{route} {body}");
        let read = none_match(&app, "ann", &list, &[list_before]).send().await;
        assert_eq!((read.status.as_u16(), read.json()), (200, json!([changed.json()])), "{route} {body}");
    }
    let (before, list_before) = (etag(&app, "ann", &one).await, etag(&app, "ann", &list).await);
    let second = app.create("ann", "tea").await;
    assert_eq!(none_match(&app, "ann", &one, std::slice::from_ref(&before)).send().await.status, 304);
    assert_eq!(none_match(&app, "ann", &list, &[list_before]).send().await.status, 200);
    let list_before = etag(&app, "ann", &list).await;
    app.delete("ann", &path(&second)).await;
    assert_eq!(none_match(&app, "ann", &list, &[list_before]).send().await.status, 200);
    app.delete("ann", &one).await;
    let gone = none_match(&app, "ann", &one, &[before, "*".to_owned()]).send().await;
    assert_error(&gone, 404, "NOT_FOUND", "gone");
}

#[rstest]
#[tokio::test]
async fn what_others_do_leaves_a_304(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.create("ann", "milk").await;
    let before = etag(&app, "ann", "/api/tasks").await;
    let foreign = app.create("bob", "tea").await;
    app.put("ann", &path(&foreign), json!({ "title": "stolen" })).await;
    app.delete("ann", &path(&foreign)).await;
    assert_eq!(none_match(&app, "ann", "/api/tasks", &[before]).send().await.status, 304);
}

#[rstest]
#[tokio::test]
async fn the_tag_of_a_list_is_for_one_user_and_one_query(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for title in ["milk", "tea", "bread"] {
        app.create("ann", title).await;
    }
    let next = app.get("ann", "/api/tasks?limit=1").await.link("next").unwrap();
    let routes = [
        "/api/tasks",
        "/api/tasks?status=pending",
        "/api/tasks?status=completed",
        "/api/tasks?search=milk",
        "/api/tasks?search=tea",
        "/api/tasks?sort=title",
        "/api/tasks?sort=-title",
        "/api/tasks?limit=1",
        "/api/tasks?limit=2",
        &next,
        "/api/tasks?status=pending&search=milk",
        "/api/tasks/1",
        "/api/tasks/3",
    ];
    let mut tags = Vec::new();
    for route in routes {
        tags.push(etag(&app, "ann", route).await);
    }
    for (i, route) in routes.into_iter().enumerate() {
        for (j, tag) in tags.iter().enumerate() {
            let answer = none_match(&app, "ann", route, std::slice::from_ref(tag)).send().await;
            assert_eq!(answer.status, if i == j { 304 } else { 200 }, "{route} with the tag of {}", routes[j]);
        }
    }
    // Two users who never changed anything are at the same revision.
    let (cat, dan) = (etag(&app, "cat", "/api/tasks").await, etag(&app, "dan", "/api/tasks").await);
    assert_ne!(cat, dan);
    assert_eq!(none_match(&app, "cat", "/api/tasks", &[dan]).send().await.status, 200);
    assert_eq!(none_match(&app, "cat", "/api/tasks", std::slice::from_ref(&cat)).send().await.status, 304);
    app.create("cat", "fish").await;
    assert_eq!(none_match(&app, "cat", "/api/tasks", &[cat]).send().await.status, 200);
}

#[rstest]
#[tokio::test]
async fn a_tag_begins_with_the_revision(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let (milk, tea) = (app.create("ann", "milk").await, app.create("ann", "tea").await);
    app.delete("ann", &path(&tea)).await;
    let revision = app.store.revision(UserId::parse("ann").unwrap()).await.unwrap();
    assert!(etag(&app, "ann", "/api/tasks").await.starts_with(&format!("\"{revision}-")));
    let changed = app.put("ann", &path(&milk), json!({ "completed": true })).await;
    let revision = app.store.revision(UserId::parse("ann").unwrap()).await.unwrap();
    assert_eq!(changed.header("etag"), format!("\"{revision}\""));
    assert!(etag(&app, "cat", "/api/tasks").await.starts_with("\"0-"));
}

/// The ways to change a task.
fn changes(task: &Value) -> [(Method, String, Value); 4] {
    let route = path(task);
    [
        (Method::PUT, route.clone(), json!({ "title": "bread" })),
        (Method::PATCH, format!("{route}/complete"), json!({})),
        (Method::PATCH, format!("{route}/complete"), json!({ "completed": true })),
        (Method::DELETE, route, json!({})),
    ]
}

#[rstest]
#[tokio::test]
async fn a_change_is_made_while_the_tag_is_current(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for case in 0..matching("").len() {
        let task = app.create("ann", "milk").await;
        for (method, route, body) in changes(&task) {
            let values = matching(&etag(&app, "ann", &path(&task)).await).remove(case);
            let call = with(app.call("ann", method.clone(), &route), "if-match", &values);
            let answer = call.json(&body).send().await;
            assert!(answer.status.is_success(), "{method} {values:?}: {}", answer.text());
        }
        assert_eq!(app.get("ann", &path(&task)).await.status, 404);
    }
}

#[rstest]
#[tokio::test]
async fn a_change_is_refused_once_the_tag_is_not(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let (task, other) = (app.create("ann", "milk").await, app.create("ann", "tea").await);
    let stale = etag(&app, "ann", &path(&task)).await;
    app.put("ann", &path(&task), json!({ "description": "2 l" })).await;
    let current = app.get("ann", &path(&task)).await;
    let list = app.get("ann", "/api/tasks").await;
    let mut cases = others();
    cases.push(vec![stale.clone()]);
    cases.push(vec![format!("W/{stale}")]);
    cases.push(vec![stale, "\"other\"".to_owned()]);
    cases.push(vec![etag(&app, "ann", &path(&other)).await]);
    cases.push(vec![list.header("etag").to_owned()]);
    cases.push(vec!["\"9223372036854775807\"".to_owned()]);
    cases.push(vec!["\"9223372036854775808\"".to_owned()]);
    cases.push(vec![current.header("etag").replacen('"', "\"0", 1)]);
    for values in cases {
        for (method, route, body) in changes(&task).into_iter().chain([(Method::PUT, path(&task), json!({}))]) {
            let call = with(app.call("ann", method.clone(), &route), "if-match", &values);
            let answer = call.json(&body).send().await;
            assert_error(&answer, 412, "PRECONDITION_FAILED", &format!("{method} {values:?} {body}"));
            assert_eq!(answer.header("etag"), current.header("etag"), "{method} {values:?}");
        }
    }
    let after = app.get("ann", &path(&task)).await;
    assert_eq!((after.text(), after.header("etag")), (current.text(), current.header("etag")));
    let list_after = app.get("ann", "/api/tasks").await;
    assert_eq!((list_after.text(), list_after.header("etag")), (list.text(), list.header("etag")));
}

#[rstest]
#[tokio::test]
async fn a_refusal_tells_the_revision_to_start_from(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    let first = etag(&app, "ann", &path(&task)).await;
    let put = |etag: &str, title: &str| {
        app.call("ann", Method::PUT, &path(&task)).header("if-match", etag).json(&json!({ "title": title })).send()
    };
    let won = put(&first, "bread").await;
    let lost = put(&first, "tea").await;
    assert_error(&lost, 412, "PRECONDITION_FAILED", "lost");
    let revision = won.header("etag").trim_matches('"');
    let sentence =
        format!("The task has changed since; its revision is now {revision}. Read it again and repeat the change.");
    assert_eq!(lost.json()["detail"], json!(sentence));
    assert_eq!(put(lost.header("etag"), "tea").await.json()["title"], json!("tea"));
}

#[rstest]
#[tokio::test]
async fn of_many_with_the_same_tag_one_wins(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for (method, rest) in [(Method::PUT, ""), (Method::PATCH, "/complete"), (Method::DELETE, "")] {
        let task = app.create("ann", "milk").await;
        let tag = etag(&app, "ann", &path(&task)).await;
        let route = format!("{}{rest}", path(&task));
        let calls = (0..8).map(|n| {
            let call = app.call("ann", method.clone(), &route).header("if-match", &tag);
            tokio::spawn(call.json(&json!({ "title": n.to_string() })).send())
        });
        let mut statuses = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            statuses.push(call.await.unwrap().status.as_u16());
        }
        statuses.sort_unstable();
        let lost = if method == Method::DELETE { 404 } else { 412 };
        assert!(matches!(statuses[0], 200 | 204) && statuses[1..] == [lost; 7], "{method}: {statuses:?}");
    }
}

#[rstest]
#[tokio::test]
async fn nothing_unchanged_needs_the_current_tag_too(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    let current = etag(&app, "ann", &path(&task)).await;
    let answer = app.call("ann", Method::PUT, &path(&task)).header("if-match", &current).json(&json!({})).send().await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, task));
    assert_eq!(answer.header("etag"), current);
}
