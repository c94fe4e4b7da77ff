//! Documents that the service knows: sent before, and then named by their hash.

use http::Method;
use rstest::rstest;
use serde_json::{Value, json};
use taskgate::graphql::Hash;

use crate::support::{Answer, Backend, Postgres, Sqlite, TestApp, start};

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
