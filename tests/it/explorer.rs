//! The explorer: its page, what runs for a call of REST, the way there from an answer, and its samples.

use std::collections::BTreeSet;
use std::path::Path;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{OperationType, Selection};
use http::Method;
use rstest::rstest;
use serde_json::{Value, json};
use taskgate::server::has_explorer;

use crate::support::{Answer, Backend, Postgres, Sqlite, TestApp, start, start_with};

async fn get(app: &TestApp, path: &str) -> Answer {
    app.anonymous(Method::GET, path).header("accept", "text/html").send().await
}

#[test]
fn it_is_in_the_program_once_it_is_built() {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("explorer/dist/index.html");
    assert_eq!(has_explorer(), built.exists(), "see scripts/explorer");
}

#[tokio::test]
async fn the_page_runs_nothing_but_its_own_files_or_says_whose() {
    let app = start(Sqlite).await;
    for path in ["/graphiql", "/graphql"] {
        let page = get(&app, path).await;
        let (policy, text) = (page.header("content-security-policy"), page.text());
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        let scripts = policy.split("; ").find(|part| part.starts_with("script-src")).unwrap();
        assert!(policy.starts_with("default-src 'none'; ") && !scripts.contains("unsafe"), "{policy}");
        if has_explorer() {
            assert_eq!(scripts, "script-src 'self'");
            assert!(!policy.contains("http"), "{policy}");
            assert!(!text.contains("<script>") && !text.contains("://"), "{text}");
            assert!(!page.header("cache-control").contains("public"));
        } else {
            assert!(text.contains("unpkg.com") && text.contains("scripts/explorer"), "{text}");
        }
    }
}

#[tokio::test]
async fn its_files_are_kept_as_long_as_browsers_like() {
    let app = start(Sqlite).await;
    let page = get(&app, "/graphiql").await.text();
    let files: Vec<&str> = page.split('"').filter(|text| text.starts_with("/graphiql/assets/")).collect();
    assert_eq!(files.is_empty(), !has_explorer());
    for file in files {
        let answer = get(&app, file).await;
        let content_type = if file.rsplit('.').next() == Some("js") { "text/javascript" } else { "text/css" };
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, content_type), "{file}");
        assert_eq!(answer.header("content-encoding"), "gzip", "{file}");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable", "{file}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{file}");
        assert!(answer.body.starts_with(&[0x1f, 0x8b]), "{file}");
        let call = app.anonymous(Method::GET, file).header("if-none-match", answer.header("etag"));
        assert_eq!(call.send().await.status, 304, "{file}");
    }
    for path in ["/graphiql/assets/nothing.js", "/graphiql/index.html", "/graphiql/assets/..%2Findex.html"] {
        assert_eq!(get(&app, path).await.error(), (404, "NOT_FOUND".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_token_is_filled_in_where_the_server_made_one() {
    let app = start_with(Sqlite, |options| options.settings.explorer_token = Some("a.b.c".to_owned())).await;
    let page = get(&app, "/graphiql").await.text();
    assert!(page.contains("a.b.c"), "{page}");
    let page = get(&start(Sqlite).await, "/graphiql").await.text();
    assert!(!page.contains("a.b.c") && !page.contains("{{token}}"), "{page}");
}

#[tokio::test]
async fn where_nobody_explores_nothing_of_it_is_there() {
    let app = start_with(Sqlite, |options| options.settings.explore = false).await;
    for path in ["/graphiql", "/graphiql/openapi.json"] {
        assert_eq!(get(&app, path).await.error(), (404, "NOT_FOUND".to_owned()), "{path}");
    }
    let call = json!({ "method": "GET", "path": "/api/tasks", "run": true });
    assert_eq!(app.post("ann", "/graphiql/calls", call).await.error(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(app.get("ann", "/api/tasks").await.link("describedby"), None);
}

#[tokio::test]
async fn every_answer_of_rest_leads_to_the_view_of_its_call() {
    let app = start(Sqlite).await;
    let link = |view: &str| has_explorer().then(|| format!("/graphiql#rest={view}"));
    app.create("ann", "milk").await;
    app.create("ann", "bread").await;
    let page = app.get("ann", "/api/tasks?limit=1&search=%22%3E;%20b").await;
    assert_eq!(page.link("describedby"), link("GET%20/api/tasks?limit=1&search=%2522%253E;%2520b"));
    let page = app.get("ann", "/api/tasks?limit=1").await;
    assert!(page.link("next").is_some());
    assert_eq!(page.link("describedby"), link("GET%20/api/tasks?limit=1"));
    for (answer, status, view) in [
        (app.put("ann", "/api/tasks/1", json!({ "title": "tea" })).await, 200, "PUT%20/api/tasks/1"),
        (app.put("bob", "/api/tasks/1", json!({ "title": "tea" })).await, 403, "PUT%20/api/tasks/1"),
        (app.put("ann", "/api/tasks/1", json!({})).await, 200, "PUT%20/api/tasks/1"),
        (app.get("ann", "/api/tasks/x").await, 422, "GET%20/api/tasks/x"),
        (app.anonymous(Method::HEAD, "/api/tasks").send().await, 401, "GET%20/api/tasks"),
        (app.delete("ann", "/api/tasks/2/").await, 204, "DELETE%20/api/tasks/2"),
    ] {
        assert_eq!((answer.status.as_u16(), answer.link("describedby")), (status, link(view)));
    }
    let long = "x".repeat(3000);
    let answer = app.get("ann", &format!("/api/tasks?search={long}")).await;
    assert_eq!(answer.link("describedby"), link("GET%20/api/tasks"));
    for path in ["/health", "/api/nothing", "/graphql", "/"] {
        assert_eq!(app.get("ann", path).await.link("describedby"), None, "{path}");
    }
}

/// What the explorer is told of a call.
async fn explained(app: &TestApp, user: &str, call: Value) -> Value {
    let answer = app.post(user, "/graphiql/calls", call).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"), "{}", answer.text());
    answer.json()
}

fn call(method: &str, path: &str, body: Option<&Value>, run: bool) -> Value {
    let body = body.map(Value::to_string);
    json!({ "method": method, "path": path, "headers": { "content-type": "application/json" }, "body": body, "run": run })
}

/// Each of our documents runs for a call here, so that none is missing in the explorer.
#[rstest]
#[tokio::test]
async fn a_look_tells_the_operation_and_runs_nothing(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.create("ann", "milk").await;
    let before = app.get("ann", "/api/tasks").await;
    let of_one = json!({ "input": { "id": "1" } });
    let whole = json!({ "filter": { "status": null, "search": null }, "orderBy": null, "first": null, "after": null });
    let mut seen = BTreeSet::new();
    for (method, path, body, name, variables) in [
        ("GET", "/api/tasks", None, "list_tasks", whole),
        ("POST", "/api/tasks", Some(json!({ "title": "x" })), "create_task", json!({ "input": { "title": "x" } })),
        ("GET", "/api/tasks/1", None, "get_task", json!({ "id": "1" })),
        (
            "PUT",
            "/api/tasks/1",
            Some(json!({ "description": null })),
            "update_task",
            json!({ "input": { "id": "1", "description": null } }),
        ),
        ("DELETE", "/api/tasks/1", None, "delete_task", of_one.clone()),
        ("PATCH", "/api/tasks/1/complete", None, "toggle_task", of_one.clone()),
        (
            "PATCH",
            "/api/tasks/1/complete",
            Some(json!({ "completed": true })),
            "set_task_completed",
            json!({ "input": { "id": "1", "completed": true } }),
        ),
        ("POST", "/api/tasks/1/restore", None, "restore_task", of_one),
        ("GET", "/api/tasks/trash", None, "list_deleted_tasks", json!({ "first": 50, "after": null })),
        ("GET", "/api/tasks/changes?since=0", None, "task_changes", json!({ "after": "0", "first": 50 })),
        ("GET", "/api/tasks/events", None, "task_events", json!({ "after": null })),
        (
            "POST",
            "/api/tasks/bulk",
            Some(json!([{ "op": "delete", "id": 1 }])),
            "change_tasks",
            json!({ "input": { "changes": [{ "delete": { "id": "1" } }] } }),
        ),
    ] {
        // Whoever asks: it needs no token.
        let answer = app.anonymous(Method::POST, "/graphiql/calls").json(&call(method, path, body.as_ref(), false));
        let told = answer.send().await.json();
        let operation = &told["operations"][0];
        assert_eq!((&operation["name"], &operation["variables"]), (&json!(name), &variables), "{method} {path}");
        let document = taskgate::rest::OPERATIONS.iter().find(|(known, _)| *known == name).unwrap().1;
        assert_eq!(operation["document"], document);
        assert_eq!((&operation["answer"], &told["answer"]), (&Value::Null, &Value::Null), "{method} {path}");
        seen.insert(name);
    }
    // This one runs before another, where a caller knows the list.
    let mut conditional = call("GET", "/api/tasks", None, true);
    conditional["headers"]["if-none-match"] = json!("\"1\"");
    let told = explained(&app, "ann", conditional).await;
    let names: Vec<&str> =
        told["operations"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["list_revision", "list_tasks"]);
    seen.insert("list_revision");
    assert_eq!(seen, taskgate::rest::OPERATIONS.iter().map(|(name, _)| *name).collect());
    let after = app.get("ann", "/api/tasks").await;
    assert_eq!((after.text(), after.header("etag")), (before.text(), before.header("etag")));
}

#[rstest]
#[tokio::test]
async fn a_call_is_carried_out_once_and_both_answers_are_told(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let made = explained(&app, "ann", call("POST", "/api/tasks", Some(&json!({ "title": "milk" })), true)).await;
    assert_eq!(made["answer"]["status"], 201);
    let task: Value = serde_json::from_str(made["answer"]["body"].as_str().unwrap()).unwrap();
    let headers = made["answer"]["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["location", format!("/api/tasks/{}", task["id"])])), "{headers:?}");
    let mut graphql = made["operations"][0]["answer"]["data"]["createTask"]["task"].clone();
    graphql.as_object_mut().unwrap().remove("revision");
    assert_eq!(graphql, task);
    // A list is written in one go, and is JSON here all the same.
    let listed = explained(&app, "ann", call("GET", "/api/tasks", None, true)).await;
    assert_eq!(listed["operations"][0]["answer"]["data"]["tasks"]["nodes"], json!([task]));
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([task]));
    // What the schema refuses is told by both.
    let path = format!("/api/tasks/{}", task["id"]);
    let refused = explained(&app, "bob", call("DELETE", &path, None, true)).await;
    assert_eq!(refused["answer"]["status"], 403);
    assert_eq!(refused["operations"][0]["answer"]["errors"][0]["extensions"]["code"], "FORBIDDEN");
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([task]));
}

#[tokio::test]
async fn what_is_refused_before_an_operation_is_told_as_rest_tells_it() {
    let app = start(Sqlite).await;
    for (call, status, code) in [
        (call("POST", "/api/tasks", Some(&json!({ "title": 1 })), false), 422, "VALIDATION_ERROR"),
        (call("GET", "/api/tasks/x", None, true), 422, "VALIDATION_ERROR"),
        (call("GET", "/api/nothing", None, false), 404, "NOT_FOUND"),
        (call("GET", "/health", None, true), 404, "NOT_FOUND"),
        (call("PATCH", "/api/tasks", None, true), 405, "METHOD_NOT_ALLOWED"),
    ] {
        let told = explained(&app, "ann", call.clone()).await;
        assert_eq!((&told["operations"], &told["answer"]["status"]), (&json!([]), &json!(status)), "{call}");
        let body: Value = serde_json::from_str(told["answer"]["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["code"], code, "{call}");
    }
    // Who carries out a call needs a token as ever.
    let told = app.anonymous(Method::POST, "/graphiql/calls").json(&call("GET", "/api/tasks", None, true)).send().await;
    assert_eq!(told.json()["answer"]["status"], 401);
    for body in
        [json!({}), json!([]), json!({ "method": "a b", "path": "/" }), json!({ "method": "GET", "path": "/ x" })]
    {
        assert_eq!(
            app.post("ann", "/graphiql/calls", body.clone()).await.error(),
            (400, "BAD_REQUEST".to_owned()),
            "{body}"
        );
    }
    let undeclared = app.call("ann", Method::POST, "/graphiql/calls").body("{}").send().await;
    assert_eq!(undeclared.error(), (415, "UNSUPPORTED_MEDIA_TYPE".to_owned()));
}

/// The samples as the page reads them: a title and variables in comments above each operation.
fn samples() -> Vec<(String, String, Value)> {
    let text = include_str!("../../explorer/samples.graphql");
    let sample = |block: &str| {
        let (comments, document): (Vec<&str>, Vec<&str>) = block.lines().partition(|line| line.starts_with("# "));
        let (title, variables) = comments.split_first().unwrap();
        let variables = variables.iter().map(|line| &line[2..]).collect::<String>();
        let variables = if variables.is_empty() { json!({}) } else { serde_json::from_str(&variables).unwrap() };
        (title[2..].to_owned(), document.join("\n"), variables)
    };
    text.trim().split("\n\n").map(sample).collect()
}

#[test]
fn every_root_field_has_a_sample() {
    let mut sampled = BTreeSet::new();
    for (title, document, _) in samples() {
        let document = parse_query(&document).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let root = match operation.node.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        for selection in &operation.node.selection_set.node.items {
            let Selection::Field(field) = &selection.node else { panic!("{title} has a fragment") };
            sampled.insert((root, field.node.name.node.to_string()));
        }
    }
    let schema: BTreeSet<(&str, String)> = crate::coverage::root_fields().into_iter().collect();
    assert_eq!(sampled, schema);
}

/// One after the other, as they stand, for a user who has three tasks.
#[tokio::test]
async fn every_sample_runs() {
    let app = start(Sqlite).await;
    for title in ["one", "two", "three"] {
        app.create("ann", title).await;
    }
    for (title, document, variables) in samples() {
        let body = json!({ "query": document, "variables": variables });
        let call = app.call("ann", Method::POST, "/graphql").json(&body);
        if document.starts_with("subscription") {
            let answer = call.header("accept", "text/event-stream").send().await;
            assert!(answer.status == 200 && !answer.text().contains("errors"), "{title}: {}", answer.text());
        } else {
            let answer = call.header("accept", "application/graphql-response+json").send().await;
            assert_eq!((answer.status.as_u16(), answer.json().get("errors")), (200, None), "{title}");
        }
    }
}
