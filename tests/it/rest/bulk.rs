//! `POST /api/tasks/bulk`.

use futures_util::future::join_all;
use http::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{assert_error, exactly, problems};
use crate::support::{Answer, Backend, Postgres, Sqlite, TestApp, start, start_with};

mod model;
mod writers;

const PATH: &str = "/api/tasks/bulk";

async fn bulk(app: &TestApp, changes: Value) -> Answer {
    app.post("ann", PATH, changes).await
}

/// The results of a bulk that must succeed.
async fn results(app: &TestApp, changes: Value) -> Vec<Value> {
    let answer = bulk(app, changes).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["results"].as_array().unwrap().clone()
}

fn number(revision: &Value) -> i64 {
    revision.as_str().unwrap().parse().unwrap()
}

/// The count in the owner's row is that of the tasks, and the revisions of the tasks are at most the owner's.
async fn assert_exact(app: &TestApp) {
    let counted = app.database.numbers("SELECT task_count FROM owners ORDER BY user_id").await;
    let live = "SELECT (SELECT count(*) FROM tasks t WHERE t.user_id = o.user_id AND deleted_at IS NULL)
                FROM owners o ORDER BY user_id";
    assert_eq!(counted, app.database.numbers(live).await);
    let beyond = "SELECT id FROM tasks t JOIN owners o ON o.user_id = t.user_id WHERE t.revision > o.revision";
    assert!(app.database.numbers(beyond).await.is_empty());
}

#[rstest]
#[tokio::test]
async fn answers_what_each_change_left(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let created = bulk(
        &app,
        json!([
            { "op": "create", "title": " milk ", "description": "2 l", "completed": true, "id": 77 },
            { "op": "create", "title": "bread", "description": null },
        ]),
    )
    .await;
    assert_eq!((created.status.as_u16(), created.header("content-type")), (200, "application/json"));
    assert!(!created.headers.contains_key("etag"));
    let body = created.json();
    let first = number(&body["results"][0]["revision"]);
    let [milk, bread] = [0, 1].map(|i| body["results"][i]["task"].clone());
    let result = |n: i64, task: &Value| format!("{{\"revision\":\"{}\",\"task\":{}}}", first + n, exactly(task));
    assert_eq!(created.text(), format!("{{\"results\":[{},{}]}}", result(0, &milk), result(1, &bread)));
    assert_eq!((&milk["id"], &milk["title"], &milk["completed"]), (&json!(1), &json!("milk"), &json!(false)));
    assert_eq!((&bread["id"], &bread["description"]), (&json!(2), &json!(null)));
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([bread, milk]));

    let changed = results(
        &app,
        json!([
            { "op": "complete", "id": 1 },
            { "op": "update", "id": 2, "title": "rye", "user_id": "bob", "revision": (first + 1).to_string() },
            { "op": "complete", "id": 1.0, "completed": false },
            { "op": "update", "id": 1 },
            { "op": "delete", "id": 2 },
        ]),
    )
    .await;
    let revisions: Vec<i64> = changed.iter().map(|result| number(&result["revision"]) - first).collect();
    assert_eq!(revisions, [2, 3, 4, 4, 5]);
    assert_eq!(changed[0]["task"]["completed"], true);
    assert_eq!(changed[1]["task"]["title"], "rye");
    assert_eq!((&changed[2], &changed[2]["task"]["completed"]), (&changed[3], &json!(false)));
    assert_eq!(changed[4]["task"], Value::Null);
    let left = app.get("ann", "/api/tasks/1").await;
    assert_eq!((left.json(), left.header("etag")), (changed[3]["task"].clone(), format!("\"{}\"", first + 4).as_str()));
    assert_eq!(app.get("ann", "/api/tasks/2").await.status, 404);
    assert_exact(&app).await;
}

#[rstest]
#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    app.create("ann", "milk").await;
    let create = json!({ "op": "create", "title": "t" });
    for (body, expected) in [
        (json!([]), "body too_short"),
        (json!(vec![create.clone(); 101]), "body too_long"),
        (json!({ "op": "create", "title": "t" }), "body list_type"),
        (json!(null), "body list_type"),
        (json!("create"), "body list_type"),
        (
            json!([[], null, 1, "create"]),
            "body.0 object_type, body.1 object_type, body.2 object_type, body.3 object_type",
        ),
        (
            json!([{}, { "op": 1 }, { "op": "toggle", "id": 1 }, { "op": "" }, { "op": "Create", "title": "t" }, { "op": null }]),
            "body.0.op missing, body.1.op string_type, body.2.op enum, body.3.op enum, body.4.op enum, body.5.op string_type",
        ),
        (
            json!([create, { "op": "create" }, { "op": "create", "title": null }, { "op": "create", "title": 1, "description": 1 },
                   { "op": "create", "title": "x".repeat(201), "description": "\0" }]),
            "body.1.title missing, body.2.title null_not_allowed, body.3.title string_type, body.3.description string_type, \
             body.4.title string_too_long, body.4.description string_nul",
        ),
        (
            json!([{ "op": "update" }, { "op": "update", "id": "1" }, { "op": "update", "id": null, "title": null },
                   { "op": "update", "id": 1.5, "completed": null }, { "op": "update", "id": [1], "completed": 1 },
                   { "op": "update", "id": 1, "revision": "x" }, { "op": "update", "id": 1, "revision": 1 },
                   { "op": "update", "id": 1, "revision": null }, { "op": "update", "id": 1, "title": " " }]),
            "body.0.id missing, body.1.id int_parsing, body.2.id int_parsing, body.2.title null_not_allowed, \
             body.3.id int_parsing, body.3.completed null_not_allowed, body.4.id int_parsing, body.4.completed bool_type, \
             body.5.revision revision, body.6.revision string_type, body.7.revision null_not_allowed, \
             body.8.title string_too_short",
        ),
        (
            json!([{ "op": "complete" }, { "op": "complete", "id": 1, "completed": null }, { "op": "delete", "id": true }]),
            "body.0.id missing, body.1.completed null_not_allowed, body.2.id int_parsing",
        ),
    ] {
        let answer = bulk(&app, body).await;
        assert_eq!(problems(&answer).join(", "), expected);
    }
    assert_eq!(problems(&app.call("ann", Method::POST, PATH).send().await), ["body missing"]);
    let broken = app.call("ann", Method::POST, PATH).header("content-type", "application/json").body("[{").send().await;
    assert_eq!(problems(&broken), ["body json_invalid"]);
    let undeclared = app.call("ann", Method::POST, PATH).body("[]").send().await;
    assert_error(&undeclared, 415, "UNSUPPORTED_MEDIA_TYPE", "no type");
    assert_error(&app.get("ann", PATH).await, 405, "METHOD_NOT_ALLOWED", "GET");
    assert_eq!(app.get("ann", "/api/tasks").await.json().as_array().unwrap().len(), 1);
}

#[rstest]
#[tokio::test]
async fn an_error_names_the_change(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let own = app.create("ann", "own").await;
    let foreign = app.create("bob", "foreign").await;
    let before = app.get("ann", "/api/tasks").await;
    let revision = app.get("ann", "/api/tasks/1").await.header("etag").trim_matches('"').to_owned();
    let stale =
        format!("The task has changed since; its revision is now {revision}. Read it again and repeat the change.");
    for (id, status, code, sentence) in [
        (json!(999), 404, "NOT_FOUND", "There is no task with this id."),
        (json!(0), 404, "NOT_FOUND", "There is no task with this id."),
        (json!(-1), 404, "NOT_FOUND", "There is no task with this id."),
        (json!(9_223_372_036_854_775_808_u64), 404, "NOT_FOUND", "There is no task with this id."),
        (json!(1e30), 404, "NOT_FOUND", "There is no task with this id."),
        (foreign["id"].clone(), 403, "FORBIDDEN", "This task belongs to another user."),
        (own["id"].clone(), 412, "PRECONDITION_FAILED", stale.as_str()),
    ] {
        for op in ["update", "complete", "delete"] {
            for index in [0, 2] {
                let mut changes =
                    vec![json!({ "op": "create", "title": "t" }), json!({ "op": "complete", "id": own["id"] })];
                changes.insert(index, json!({ "op": op, "id": id, "revision": "1", "title": "t" }));
                let answer = bulk(&app, json!(changes)).await;
                assert_error(&answer, status, code, op);
                assert_eq!(answer.json()["detail"], format!("Change {index}: {sentence}"));
                assert!(!answer.headers.contains_key("etag"));
            }
        }
    }
    let after = app.get("ann", "/api/tasks").await;
    assert_eq!((after.text(), after.header("etag")), (before.text(), before.header("etag")));
}

#[rstest]
#[tokio::test]
async fn a_quota_is_about_all_of_them(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_with(backend, |options| options.max_tasks = 2).await;
    let create = json!({ "op": "create", "title": "t" });
    let refused = bulk(&app, json!([create, create, create])).await;
    assert_eq!(refused.error(), (422, "QUOTA_EXCEEDED".to_owned()));
    assert_eq!(refused.json()["errors"][0]["loc"], json!(["body"]));
    results(&app, json!([create, create])).await;
    results(&app, json!([create, { "op": "delete", "id": 1 }])).await;
    assert_exact(&app).await;
}

#[rstest]
#[tokio::test]
async fn a_bulk_is_made_once_under_its_key(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.create("ann", "own").await;
    let send = async |key: &str, changes: &Value| {
        app.call("ann", Method::POST, PATH).header("idempotency-key", key).json(changes).send().await
    };
    let is_replayed = |answer: &Answer| answer.headers.get("idempotency-replayed").is_some();
    let changes = json!([
        { "op": "create", "title": "new" }, { "op": "complete", "id": 1 }, { "op": "update", "id": 1 },
        { "op": "delete", "id": 1 },
    ]);
    let first = send("k", &changes).await;
    assert_eq!((first.status.as_u16(), is_replayed(&first)), (200, false), "{}", first.text());
    app.delete("ann", "/api/tasks/2").await;
    let second = send("k", &changes).await;
    assert_eq!((second.text(), is_replayed(&second)), (first.text(), true));
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([]));
    let other = send("k", &json!([{ "op": "create", "title": "new" }])).await;
    assert_error(&other, 409, "CONFLICT", "another list");

    // What failed left the key as free as it was.
    assert_error(&send("free", &changes).await, 404, "NOT_FOUND", "deleted");
    assert!(app.database.numbers("SELECT 1 FROM idempotency_keys WHERE key = 'free'").await.is_empty());
    let create = json!([{ "op": "create", "title": "new" }, { "op": "create", "title": "newer" }]);
    let answers = join_all((0..8).map(|_| send("free", &create))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    assert_eq!(answers.iter().filter(|answer| !is_replayed(answer)).count(), 1);
    assert_eq!(app.database.numbers("SELECT task_count FROM owners").await, [2]);

    let clear = json!({ "query": "mutation { clearCompletedTasks { deletedTaskIds revision hasMore } }" });
    let send =
        async || app.call("ann", Method::POST, "/graphql").header("idempotency-key", "clear").json(&clear).send().await;
    results(&app, json!([{ "op": "complete", "id": 3 }])).await;
    let first = send().await;
    assert_eq!(first.json()["data"]["clearCompletedTasks"]["deletedTaskIds"], json!(["3"]));
    results(&app, json!([{ "op": "complete", "id": 4 }])).await;
    let second = send().await;
    assert_eq!((second.text(), is_replayed(&second)), (first.text(), true));
    assert_exact(&app).await;
}

/// Each change of a list costs, so that a list is no way round the limit.
#[tokio::test]
async fn a_hundred_changes_cost_what_they_are() {
    let app = start_with(Sqlite, |options| options.settings.rate_limit = std::num::NonZeroU32::new(3000)).await;
    let left = |answer: &Answer| -> i64 {
        let text =
            answer.header("ratelimit").strip_prefix("\"default\";r=").unwrap().split(';').next().unwrap().to_owned();
        text.parse().unwrap()
    };
    let mut before = left(&app.get("ann", "/api/tasks?limit=1").await);
    for (changes, points) in [(1, 1), (50, 6), (100, 11), (101, 1)] {
        let answer = bulk(&app, json!(vec![json!({ "op": "create", "title": "t" }); changes])).await;
        assert_eq!(before - left(&answer), points, "{changes}: {}", answer.text());
        before = left(&answer);
    }
}
