//! Deleted tasks: listed while they are remembered, and brought back as they were.

use futures_util::future::join_all;
use http::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, Postgres, Sqlite, TASK, TestApp, start, start_with};

const DAY: i64 = 24 * 3600;

async fn restore(app: &TestApp, user: &str, id: i64) -> Answer {
    app.call(user, Method::POST, &format!("/api/tasks/{id}/restore")).send().await
}

/// The deleted tasks of a user by their titles.
async fn trash(app: &TestApp, user: &str) -> Vec<String> {
    let answer = app.get(user, "/api/tasks/trash").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().as_array().unwrap().iter().map(|one| one["task"]["title"].as_str().unwrap().to_owned()).collect()
}

/// What is counted is what is there.
async fn assert_counted(app: &TestApp) {
    let live = "SELECT (SELECT COUNT(*) FROM tasks WHERE tasks.user_id = owners.user_id AND deleted_at IS NULL)
                FROM owners ORDER BY user_id";
    let counted = app.database.numbers("SELECT task_count FROM owners ORDER BY user_id").await;
    assert_eq!(counted, app.database.numbers(live).await);
}

#[rstest]
#[tokio::test]
async fn a_deleted_task_comes_back_as_it_was(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.post("ann", "/api/tasks", json!({ "title": "Milk", "description": "2 l" })).await;
    app.create("ann", "bread").await;
    let was = app.put("ann", "/api/tasks/1", json!({ "completed": true })).await;
    let since = app.get("ann", "/api/tasks/changes?since=0").await.json()["revision"].as_str().unwrap().to_owned();
    app.delete("ann", "/api/tasks/1").await;

    let listed = app.get("ann", "/api/tasks/trash").await.json();
    assert_eq!(listed[0]["task"], was.json());
    assert_eq!(listed[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["task", "deleted_at"]);
    let restored = restore(&app, "ann", 1).await;
    assert_eq!((restored.status.as_u16(), restored.json()), (200, was.json()));
    assert_ne!(restored.header("etag"), was.header("etag"), "it is a change");
    let read = app.get("ann", "/api/tasks/1").await;
    assert_eq!((read.json(), read.header("etag")), (was.json(), restored.header("etag")));
    assert_eq!(trash(&app, "ann").await, [""; 0]);
    let found = app.get("ann", "/api/tasks?search=milk&sort=title").await;
    assert_eq!(found.json(), json!([was.json()]));
    let changes = app.get("ann", &format!("/api/tasks/changes?since={since}")).await.json();
    assert_eq!(changes["changes"].as_array().unwrap().len(), 1);
    assert_eq!(changes["changes"][0]["task"], was.json());

    let again = restore(&app, "ann", 1).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, was.json()), "who did not hear the answer asks again");
    assert_eq!(again.header("etag"), restored.header("etag"), "and changes nothing");
    assert_counted(&app).await;
}

#[rstest]
#[tokio::test]
async fn what_is_deleted_meanwhile_is_restored_all_the_same(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.create("ann", "milk").await;
    for _ in 0..20 {
        let deletions = join_all((0..3).map(|_| app.call("ann", Method::DELETE, "/api/tasks/1").send()));
        let (_, restored) = tokio::join!(deletions, join_all((0..3).map(|_| restore(&app, "ann", 1))));
        for answer in restored {
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    assert_counted(&app).await;
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_restored(#[values(Sqlite, Postgres)] backend: Backend, #[values(true, false)] hides: bool) {
    let app = start_with(backend, |options| options.hide_foreign_tasks = hides).await;
    app.create("ann", "deleted").await;
    app.create("ann", "live").await;
    app.delete("ann", "/api/tasks/1").await;
    let foreign = if hides { (404, "NOT_FOUND".to_owned()) } else { (403, "FORBIDDEN".to_owned()) };
    for id in [1, 2] {
        assert_eq!(restore(&app, "bob", id).await.error(), foreign, "{id}");
    }
    for id in ["3", "0", "-1", "9223372036854775808"] {
        let answer = app.call("ann", Method::POST, &format!("/api/tasks/{id}/restore")).send().await;
        assert_eq!(answer.error(), (404, "NOT_FOUND".to_owned()), "{id}");
    }
    let answer = app.call("ann", Method::POST, "/api/tasks/x/restore").send().await;
    assert_eq!(answer.error(), (422, "VALIDATION_ERROR".to_owned()));
    assert_eq!(trash(&app, "bob").await, [""; 0]);
    let mutation = "mutation { restoreTask(input: { id: \"1\" }) { task { id } } }";
    assert_eq!(app.failure("bob", mutation, Value::Null).await.code, foreign.1);
    app.clock.advance_seconds(31 * DAY);
    assert_eq!(app.store.sweep().await.unwrap().tombstones, 1);
    assert_eq!(restore(&app, "ann", 1).await.error(), (404, "NOT_FOUND".to_owned()), "it is no longer remembered");
    assert_eq!(trash(&app, "ann").await, [""; 0]);
}

#[rstest]
#[tokio::test]
async fn a_restore_is_conditional_on_the_deletion(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.make("ann", "milk").await;
    let before = task["revision"].as_str().unwrap().to_owned();
    let delete = "mutation { deleteTask(input: { id: \"1\" }) { revision } }";
    let data = app.data("ann", delete, Value::Null).await;
    let deletion = data["deleteTask"]["revision"].as_str().unwrap().to_owned();
    let call =
        async |tags: &str| app.call("ann", Method::POST, "/api/tasks/1/restore").header("if-match", tags).send().await;
    for stale in [format!("\"{before}\""), "\"1\", \"2\"".to_owned(), "\"x\"".to_owned()] {
        assert_eq!(call(&stale).await.error(), (412, "PRECONDITION_FAILED".to_owned()), "{stale}");
    }
    let query = format!(
        "mutation($of: Revision) {{ restoreTask(input: {{ id: \"1\", expectedRevision: $of }}) {{ task {TASK} }} }}"
    );
    let failure = app.failure("ann", &query, json!({ "of": before })).await;
    assert_eq!(
        (failure.code.as_str(), &failure.error["extensions"]["current"]),
        ("PRECONDITION_FAILED", &json!(deletion))
    );
    let restored = call(&format!("\"{before}\", W/\"{deletion}\"")).await;
    assert_eq!(restored.status, 200, "{}", restored.text());
    let tag = restored.header("etag").to_owned();
    for (tags, status) in
        [(format!("\"{deletion}\""), 412), (tag.clone(), 200), (format!("\"1\", {tag}"), 200), ("*".to_owned(), 200)]
    {
        assert_eq!(call(&tags).await.status.as_u16(), status, "{tags}");
    }
    let data = app.data("ann", delete, Value::Null).await;
    let data = app.data("ann", &query, json!({ "of": data["deleteTask"]["revision"] })).await;
    assert_eq!(data["restoreTask"]["task"]["title"], "milk");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_task_counts(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_with(backend, |options| options.max_tasks = 2).await;
    for title in ["1", "2"] {
        app.create("ann", title).await;
    }
    app.delete("ann", "/api/tasks/1").await;
    app.create("ann", "3").await;
    assert_eq!(restore(&app, "ann", 1).await.error(), (422, "QUOTA_EXCEEDED".to_owned()));
    app.delete("ann", "/api/tasks/3").await;
    for _ in 0..10 {
        let answers = join_all([1, 3, 1, 3, 1].map(|id| restore(&app, "ann", id))).await;
        let restored: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        assert!(restored.iter().all(|status| [200, 422].contains(status)) && restored.contains(&200), "{restored:?}");
        assert_counted(&app).await;
        let live = app.get("ann", "/api/tasks?sort=created_at").await.json();
        assert_eq!(live.as_array().unwrap().len(), 2);
        let other = if live[0]["id"] == 1 { 1 } else { 3 };
        let path = format!("/api/tasks/{other}");
        join_all((0..3).map(|_| app.delete("ann", &path))).await;
        assert_counted(&app).await;
    }
}

#[rstest]
#[tokio::test]
async fn a_restore_with_a_key_is_made_once(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.create("ann", "milk").await;
    app.delete("ann", "/api/tasks/1").await;
    let call =
        async || app.call("ann", Method::POST, "/api/tasks/1/restore").header("idempotency-key", "k").send().await;
    let first = call().await;
    app.put("ann", "/api/tasks/1", json!({ "title": "oat milk" })).await;
    let again = call().await;
    assert_eq!((again.status, again.json()), (first.status, first.json()));
    assert_eq!((again.header("idempotency-replayed"), again.header("etag")), ("true", first.header("etag")));
}

#[rstest]
#[tokio::test]
async fn the_trash_is_listed_by_pages_the_latest_deletion_first(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for number in 1..=7 {
        app.create("ann", &number.to_string()).await;
    }
    for id in [3, 1, 7, 5, 2] {
        app.delete("ann", &format!("/api/tasks/{id}")).await;
    }
    let all = ["2", "5", "7", "1", "3"];
    assert_eq!(trash(&app, "ann").await, all);
    for limit in 1..=6 {
        let (mut next, mut walked) = (Some(format!("/api/tasks/trash?limit={limit}")), Vec::new());
        while let Some(path) = next {
            let page = app.get("ann", &path).await;
            let tasks = page.json();
            walked
                .extend(tasks.as_array().unwrap().iter().map(|one| one["task"]["title"].as_str().unwrap().to_owned()));
            next = page.link("next");
        }
        assert_eq!(walked, all, "{limit}");
    }
    let first = app.get("ann", "/api/tasks/trash").await;
    let again =
        app.call("ann", Method::GET, "/api/tasks/trash").header("if-none-match", first.header("etag")).send().await;
    assert_eq!(again.status, 304);
    let query = "query($first: Int, $after: String) { deletedTasks(first: $first, after: $after) {
        nodes { task { title revision } deletedAt } edges { cursor node { deletedAt } } revision
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let page = app.data("ann", query, json!({ "first": 2 })).await["deletedTasks"].take();
    assert_eq!((&page["nodes"][0]["task"]["title"], &page["nodes"][1]["task"]["title"]), (&json!("2"), &json!("5")));
    assert_eq!(page["revision"], page["nodes"][0]["task"]["revision"]);
    let info = json!({ "hasNextPage": true, "hasPreviousPage": false,
        "startCursor": page["edges"][0]["cursor"], "endCursor": page["edges"][1]["cursor"] });
    assert_eq!(page["pageInfo"], info);
    let rest = app.data("ann", query, json!({ "after": info["endCursor"] })).await["deletedTasks"].take();
    assert_eq!((rest["nodes"].as_array().unwrap().len(), &rest["pageInfo"]["hasNextPage"]), (3, &json!(false)));
    assert_eq!(app.data("carl", query, json!({})).await["deletedTasks"]["revision"], "0");
}

#[rstest]
#[tokio::test]
async fn what_is_no_page_of_the_trash_is_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for (query, place) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=-1", "cursor"),
        ("cursor=1.2", "cursor"),
        ("limit=1&limit=1", "limit"),
    ] {
        let answer = app.get("ann", &format!("/api/tasks/trash?{query}")).await;
        assert_eq!(answer.error(), (422, "VALIDATION_ERROR".to_owned()), "{query}");
        assert_eq!(answer.json()["errors"][0]["loc"], json!(["query", place]), "{query}");
    }
    let failure = app.failure("ann", "{ deletedTasks(first: -1) { revision } }", Value::Null).await;
    assert_eq!(failure.problems(), [("first".to_owned(), "out_of_range".to_owned())]);
    let failure = app.failure("ann", "{ deletedTasks(after: \"AQFs\") { revision } }", Value::Null).await;
    assert_eq!(failure.problems(), [("after".to_owned(), "cursor".to_owned())]);
}
