//! Documents that the service knows: sent before and then named by their hash, or those of a manifest.

use std::sync::{Arc, Mutex};

use http::Method;
use rstest::rstest;
use serde_json::{Value, json};
use taskgate::graphql::{Hash, TrustMode, TrustedDocuments};

use crate::support::{Answer, Backend, Postgres, Sqlite, TestApp, start, start_with};

const COUNT: &str = "query Count { viewer { taskCounts { total } } }";

fn apq(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

fn hash_of(text: &str) -> String {
    Hash::of(text).to_string()
}

async fn post(app: &TestApp, body: Value) -> Answer {
    app.post("ann", "/graphql", body).await
}

/// By GET, with these parameters in its query.
async fn get(app: &TestApp, parameters: &[(&str, &str)]) -> Answer {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    app.call("ann", Method::GET, &format!("/graphql?{query}")).header("accept", "application/json").send().await
}

/// Status and code of a refusal, after a look at its envelope.
#[track_caller]
fn refusal(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    assert_eq!((body.get("data"), body["errors"].as_array().map(Vec::len)), (None, Some(1)), "{body}");
    assert!(body["errors"][0]["message"].as_str().unwrap().ends_with('.'), "{body}");
    (answer.status.as_u16(), body["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned())
}

fn not_found() -> (u16, String) {
    (400, "PERSISTED_QUERY_NOT_FOUND".to_owned())
}

#[rstest]
#[tokio::test]
async fn a_text_is_known_by_its_hash_once_it_was_sent(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.create("ann", "milk").await;
    let hash = hash_of(COUNT);
    let answer = json!({ "data": { "viewer": { "taskCounts": { "total": 1 } } } });

    assert_eq!(refusal(&post(&app, json!({ "extensions": apq(&hash) })).await), not_found());
    assert_eq!(refusal(&post(&app, json!({ "documentId": format!("sha256:{hash}") })).await), not_found());
    assert_eq!(post(&app, json!({ "query": COUNT, "extensions": apq(&hash) })).await.json(), answer);
    assert_eq!(post(&app, json!({ "extensions": apq(&hash) })).await.json(), answer);
    assert_eq!(post(&app, json!({ "documentId": format!("sha256:{hash}") })).await.json(), answer);
    assert_eq!(post(&app, json!({ "documentId": hash, "operationName": "Count" })).await.json(), answer);
    // It is the text that is known; whose tasks they are, the token says.
    let of_bob = app.post("bob", "/graphql", json!({ "extensions": apq(&hash) })).await;
    assert_eq!(of_bob.json()["data"]["viewer"]["taskCounts"]["total"], 0);
}

#[tokio::test]
async fn by_get_too() {
    let app = start(Sqlite).await;
    let answer = json!({ "data": { "viewer": { "taskCounts": { "total": 0 } } } });
    let extensions = apq(&hash_of(COUNT)).to_string();
    assert_eq!(refusal(&get(&app, &[("extensions", &extensions)]).await), not_found());
    assert_eq!(get(&app, &[("query", COUNT), ("extensions", &extensions)]).await.json(), answer);
    assert_eq!(get(&app, &[("extensions", &extensions)]).await.json(), answer);
    let id = format!("sha256:{}", hash_of(COUNT));
    assert_eq!(get(&app, &[("documentId", &id)]).await.json(), answer);
    assert_eq!(refusal(&get(&app, &[("documentId", "")]).await), (400, "BAD_REQUEST".to_owned()));

    let mutation = r#"mutation { createTask(input: { title: "no" }) { task { id } } }"#;
    let id = hash_of(mutation);
    assert_eq!(get(&app, &[("query", mutation)]).await.status, 405);
    let refused = get(&app, &[("documentId", &id)]).await;
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "POST"));
    assert_eq!(post(&app, json!({ "documentId": id })).await.json()["data"]["createTask"]["task"]["id"], "1");
}

#[tokio::test]
async fn variables_are_coerced_each_time() {
    let app = start(Sqlite).await;
    let document = "query($n: Int!) { tasks(first: $n) { nodes { title } } }";
    let call = |variables: Value| json!({ "documentId": hash_of(document), "variables": variables });
    assert_eq!(post(&app, json!({ "query": document, "variables": { "n": 1 } })).await.status, 200);
    assert_eq!(post(&app, call(json!({ "n": 2 }))).await.json()["data"], json!({ "tasks": { "nodes": [] } }));
    for variables in [json!({}), json!({ "n": "2" }), json!({ "n": null })] {
        let refused = refusal(&post(&app, call(variables)).await);
        assert_eq!(refused, (200, "GRAPHQL_VALIDATION_FAILED".to_owned()));
    }
}

#[tokio::test]
async fn only_a_valid_text_is_kept_and_only_under_its_own_hash() {
    let app = start(Sqlite).await;
    for invalid in ["{ nothing }", "{ viewer", "{ viewer { id } viewer: task(id: 1) { id } }"] {
        let hash = hash_of(invalid);
        assert!(post(&app, json!({ "query": invalid, "extensions": apq(&hash) })).await.json()["errors"].is_array());
        assert_eq!(refusal(&post(&app, json!({ "extensions": apq(&hash) })).await), not_found());
    }
    let bad_request = (400, "BAD_REQUEST".to_owned());
    let other = hash_of("{ viewer { id revision } }");
    for body in [
        json!({ "query": COUNT, "extensions": apq(&other) }),
        json!({ "query": COUNT, "documentId": other }),
        json!({ "extensions": { "persistedQuery": { "version": 2, "sha256Hash": other } } }),
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "short" } } }),
        json!({ "extensions": { "persistedQuery": "x" } }),
        json!({ "extensions": {} }),
        json!({ "documentId": 1 }),
    ] {
        assert_eq!(refusal(&post(&app, body.clone()).await), bad_request, "{body}");
    }
    assert_eq!(refusal(&post(&app, json!({ "documentId": other })).await), not_found());
    assert_eq!(refusal(&post(&app, json!({ "documentId": "no-hash" })).await), not_found());
}

const INTROSPECTION: &str = "{ __schema { queryType { name } } }";

/// A service with the manifest of a front end, as Apollo's tools write it.
async fn with_manifest(mode: TrustMode) -> TestApp {
    let operation = |id: &str, body: &str| json!({ "id": id, "name": id, "type": "query", "body": body });
    let manifest = json!({
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [operation("count.1", COUNT), operation(&hash_of(RENAME), RENAME)],
    });
    let trusted = TrustedDocuments::load(&manifest.to_string(), mode).await.unwrap();
    start_with(Sqlite, |options| options.settings.trusted_documents = Some(trusted)).await
}

const RENAME: &str = "mutation Rename($id: ID!, $title: String!) {
  updateTask(input: { id: $id, title: $title }) { task { title } }
}";

#[tokio::test]
async fn a_trusted_document_runs_by_its_id_and_by_its_text() {
    for mode in [TrustMode::Only, TrustMode::Log] {
        let app = with_manifest(mode).await;
        app.create("ann", "milk").await;
        let answer = json!({ "data": { "viewer": { "taskCounts": { "total": 1 } } } });
        for body in [
            json!({ "documentId": "count.1" }),
            json!({ "extensions": apq("count.1") }),
            json!({ "extensions": apq(&hash_of(COUNT)) }),
            json!({ "documentId": format!("sha256:{}", hash_of(COUNT)) }),
            json!({ "query": COUNT }),
            json!({ "query": COUNT, "extensions": apq(&hash_of(COUNT)) }),
        ] {
            assert_eq!(post(&app, body.clone()).await.json(), answer, "{body}");
        }
        assert_eq!(get(&app, &[("documentId", "count.1")]).await.json(), answer);
        let (id, variables) = (hash_of(RENAME), json!({ "id": "1", "title": "tea" }));
        assert_eq!(get(&app, &[("documentId", &id), ("variables", &variables.to_string())]).await.status, 405);
        let renamed = post(&app, json!({ "documentId": id, "variables": variables })).await;
        assert_eq!(renamed.json()["data"]["updateTask"]["task"]["title"], "tea");
    }
}

#[tokio::test]
async fn nothing_else_runs_or_is_even_parsed_where_only_trusted_documents_may() {
    let app = with_manifest(TrustMode::Only).await;
    for text in ["{ viewer { id } }", "{ viewer { nothing } }", "{ viewer", "", &"{".repeat(1000), INTROSPECTION] {
        for accept in ["application/json", "application/graphql-response+json"] {
            let call = app.call("ann", Method::POST, "/graphql").header("accept", accept);
            let refused = call.json(&json!({ "query": text, "extensions": apq(&hash_of(text)) })).send().await;
            assert_eq!(refusal(&refused), not_found(), "{text}");
            let sentence = "This server runs the documents of its manifest only, and this is none of them.";
            assert_eq!(refused.json()["errors"][0]["message"], sentence);
        }
        assert_eq!(refusal(&post(&app, json!({ "documentId": hash_of(text) })).await), not_found());
    }
    assert_eq!(refusal(&get(&app, &[("query", "{ viewer { id } }")]).await), not_found());
    assert_eq!(refusal(&post(&app, json!({ "documentId": "count.2" })).await), not_found());
    // A text that differs by a space is another one.
    assert_eq!(refusal(&post(&app, json!({ "query": format!("{COUNT} ") })).await), not_found());
    // The REST routes have documents of their own.
    assert_eq!(app.get("ann", "/api/tasks").await.status, 200);
}

#[tokio::test]
async fn where_others_are_logged_they_run_and_the_log_has_no_variables() {
    let app = with_manifest(TrustMode::Log).await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let told = |log: &Log| log.text().matches("not in the manifest").count();

    let other = "query Other($search: String) { tasks(filter: { search: $search }) { totalCount } }";
    let call = json!({ "query": other, "variables": { "search": "a secret of ann's" } });
    assert_eq!(post(&app, call).await.json(), json!({ "data": { "tasks": { "totalCount": 0 } } }));
    assert_eq!(post(&app, json!({ "documentId": hash_of(other) })).await.status, 200);
    let text = log.text();
    assert_eq!(told(&log), 2, "{text}");
    assert!(text.contains(&hash_of(other)) && text.contains("Other"), "{text}");
    assert!(!text.contains("secret") && !text.contains("totalCount"), "{text}");

    assert_eq!(post(&app, json!({ "documentId": "count.1" })).await.status, 200);
    assert_eq!(post(&app, json!({ "query": INTROSPECTION })).await.status, 200);
    assert_eq!(told(&log), 3, "{}", log.text());
    assert_eq!(refusal(&post(&app, json!({ "documentId": "count.2" })).await), not_found());
}

#[test]
fn a_manifest_that_cannot_be_used_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.json"), r#"{"good": "{ viewer { id } }", "bad": "{ nothing }"}"#).unwrap();
    for (file, told) in [("bad.json", "bad.json: the document \"bad\" cannot"), ("none.json", "none.json: it cannot")] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_taskgate"))
            .args(["serve", "--trusted-documents", file])
            .env_clear()
            .envs([("BETTER_AUTH_SECRET", "a secret of thirty-two bytes, no more"), ("LISTEN", "127.0.0.1:0")])
            .current_dir(&folder)
            .output()
            .unwrap();
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), sentence.lines().count()), (Some(2), 1), "{sentence}");
        assert!(
            sentence.starts_with("taskgate: TASKGATE_TRUSTED_DOCUMENTS: ") && sentence.contains(told),
            "{sentence}"
        );
        assert!(!folder.path().join("taskgate.db").exists());
    }
}

/// What was logged.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
