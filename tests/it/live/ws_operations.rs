//! Operations over a socket: every kind of them, many at once, and what goes wrong with one.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use taskgate::server::Limits;

use super::Live;
use super::client::Client;
use crate::support::{Backend, BrokenClock, Postgres, Sqlite};

const CREATE: &str = "mutation { createTask(input: { title: \"milk\" }) { task { title } } }";

#[rstest]
#[tokio::test]
async fn queries_and_mutations_have_one_result(#[values(Sqlite, Postgres)] backend: Backend) {
    let live = Live::start(backend).await;
    let mut client = Client::begun(&live, "ann").await;
    assert_eq!(client.run("1", "{ viewer { id } }").await, json!({ "data": { "viewer": { "id": "ann" } } }));
    assert_eq!(client.run("2", CREATE).await, json!({ "data": { "createTask": { "task": { "title": "milk" } } } }));
    // An id is free again once its operation is complete.
    let tasks = client.run("2", "{ tasks { nodes { title } } }").await;
    assert_eq!(tasks, json!({ "data": { "tasks": { "nodes": [{ "title": "milk" }] } } }));
    assert_eq!(live.app.get("ann", "/api/tasks").await.json()[0]["title"], "milk");
    // Nothing of one user is another's.
    let mut other = Client::begun(&live, "bob").await;
    assert_eq!(other.run("2", "{ tasks { totalCount } }").await, json!({ "data": { "tasks": { "totalCount": 0 } } }));
    let id = live.app.get("ann", "/api/tasks").await.json()[0]["id"].to_string();
    let stolen = other.run("3", &format!("mutation {{ deleteTask(input: {{ id: \"{id}\" }}) {{ revision }} }}")).await;
    assert_eq!(stolen["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn variables_and_names_are_those_of_http() {
    let live = Live::start(Sqlite).await;
    let mut client = Client::begun(&live, "ann").await;
    let query = "query A { viewer { id } } query B($id: ID!) { task(id: $id) { id } }";
    for (payload, data) in [
        (json!({ "query": query, "operationName": "A", "variables": null }), json!({ "viewer": { "id": "ann" } })),
        (json!({ "query": query, "operationName": "B", "variables": { "id": "9" } }), json!({ "task": null })),
        (
            json!({ "query": "{ viewer { id } }", "operationName": null, "extensions": null }),
            json!({ "viewer": { "id": "ann" } }),
        ),
        (json!({ "query": "{ viewer { id } }", "extensions": {}, "other": 1 }), json!({ "viewer": { "id": "ann" } })),
    ] {
        client.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
        assert_eq!(client.next().await, json!({ "type": "next", "id": "1", "payload": { "data": data } }));
        assert_eq!(client.next().await, json!({ "type": "complete", "id": "1" }));
    }
}

#[tokio::test]
async fn what_cannot_run_is_an_error_and_the_socket_lives() {
    let live = Live::start(Sqlite).await;
    let mut client = Client::begun(&live, "ann").await;
    let wide = format!("{{ tasks(first: 100) {{ {} }} }}", "totalCount ".repeat(50));
    for (payload, code) in [
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "{ nope }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "query A { viewer { id } }", "operationName": "B" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "query($id: ID!) { task(id: $id) { id } }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": wide }), "OPERATION_TOO_COMPLEX"),
        (json!({ "documentId": format!("sha256:{}", "0".repeat(64)) }), "PERSISTED_QUERY_NOT_FOUND"),
    ] {
        client.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
        assert_eq!(client.error("1").await, code, "{payload}");
    }
    // No `complete` follows, the id is free, and errors of resolvers are results.
    assert!(client.lives().await);
    let failed = client.run("1", "mutation { toggleTask(input: { id: 9 }) { task { id } } }").await;
    assert_eq!((&failed["data"], &failed["errors"][0]["extensions"]["code"]), (&Value::Null, &json!("NOT_FOUND")));
}

#[rstest]
#[tokio::test]
async fn a_panic_is_an_error_and_the_socket_lives(#[values(Sqlite, Postgres)] backend: Backend) {
    let live = Live::start_with(backend, |options| options.store_clock = Some(Arc::new(BrokenClock))).await;
    let mut client = Client::begun(&live, "ann").await;
    for _ in 0..2 {
        client.subscribe("1", CREATE).await;
        assert_eq!(client.error("1").await, "INTERNAL");
    }
    assert_eq!(client.run("1", "{ viewer { id } }").await["data"]["viewer"]["id"], "ann");
}

#[tokio::test]
async fn a_document_is_known_by_its_hash_on_every_door() {
    let live = Live::start(Sqlite).await;
    let query = "{ viewer { id } }";
    let hash = taskgate::graphql::Hash::of(query).to_string();
    live.app.data("ann", query, json!({})).await;
    let mut client = Client::begun(&live, "bob").await;
    let persisted = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    for payload in [json!({ "extensions": persisted }), json!({ "documentId": format!("sha256:{hash}") })] {
        client.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
        assert_eq!(client.next().await["payload"]["data"]["viewer"]["id"], "bob");
        client.next().await;
    }
}

#[tokio::test]
async fn operations_run_beside_each_other() {
    let live = Live::start(Postgres).await;
    let mut client = Client::begun(&live, "ann").await;
    let held = live.app.database.hold().await;
    client.subscribe("slow", CREATE).await;
    assert!(client.is_quiet().await);
    assert_eq!(client.run("fast", "{ viewer { id } }").await["data"]["viewer"]["id"], "ann");
    held.release().await;
    assert_eq!(client.next().await["payload"]["data"]["createTask"]["task"]["title"], "milk");
    assert_eq!(client.next().await, json!({ "type": "complete", "id": "slow" }));
}

#[rstest]
#[tokio::test]
async fn what_the_client_completes_says_nothing_more(#[values(Sqlite, Postgres)] backend: Backend) {
    let live = Live::start(backend).await;
    let mut client = Client::begun(&live, "ann").await;
    let held = live.app.database.hold().await;
    client.subscribe("1", CREATE).await;
    assert!(client.is_quiet().await);
    client.complete("1").await;
    client.complete("unknown").await;
    // The same id, while what had it may still be at work.
    assert_eq!(client.run("1", "{ viewer { id } }").await["data"]["viewer"]["id"], "ann");
    held.release().await;
    assert!(client.is_quiet().await);
    assert!(client.lives().await);
}

#[tokio::test]
async fn one_operation_too_many_is_an_error_and_the_socket_lives() {
    let live = Live::start(Postgres).await;
    let mut client = Client::begun(&live, "ann").await;
    let held = live.app.database.hold().await;
    for number in 0..32 {
        client.subscribe(&number.to_string(), CREATE).await;
    }
    client.subscribe("32", CREATE).await;
    assert_eq!(client.error("32").await, "RATE_LIMITED");
    client.complete("7").await;
    assert_eq!(client.run("33", "{ viewer { id } }").await["data"]["viewer"]["id"], "ann");
    held.release().await;
    for _ in 0..31 * 2 {
        let told = client.next().await;
        assert!(told["type"] == "next" || told["type"] == "complete", "{told}");
    }
    assert_eq!(client.run("34", "{ viewer { id } }").await["data"]["viewer"]["id"], "ann");
}

#[tokio::test]
async fn an_operation_costs_what_a_request_costs() {
    let live = Live::start_with(Sqlite, |options| options.settings.rate_limit = NonZeroU32::new(60)).await;
    let mut client = Client::begun(&live, "ann").await;
    let left = async || {
        let answer = live.app.get("ann", "/api/tasks/1").await;
        answer.header("ratelimit").split_once("r=").unwrap().1.split_once(';').unwrap().0.parse::<u32>().unwrap()
    };
    // 51 at first: one for the socket, one for the request that asks.
    assert_eq!(left().await, 49);
    client.run("1", "{ viewer { id } }").await;
    assert_eq!(left().await, 47);
    client.run("1", "{ tasks(first: 100) { nodes { id } } }").await;
    assert_eq!(left().await, 47 - 3 - 1);
    while live.app.get("ann", "/api/tasks/1").await.status != 429 {}
    client.subscribe("1", "{ viewer { id } }").await;
    assert_eq!(client.error("1").await, "RATE_LIMITED");
    assert!(client.lives().await);
    // A new socket has to wait too, and its client knows that it may come again.
    let mut other = Client::open(&live).await;
    other.init(&live.app.token("ann")).await;
    let (code, reason) = other.end().await;
    assert_eq!((code, reason.starts_with("Too many requests; try again in ")), (1013, true), "{reason}");
}

#[tokio::test]
async fn an_operation_has_the_time_and_the_place_of_a_request() {
    let limits = Limits { request_timeout: Duration::from_millis(300), in_flight: 1, ..Limits::default() };
    let live = Live::start_with(Postgres, |options| options.settings.limits = limits).await;
    let mut client = Client::begun(&live, "ann").await;
    let held = live.app.database.hold().await;
    client.subscribe("1", CREATE).await;
    client.subscribe("2", "{ viewer { id } }").await;
    assert_eq!(client.error("2").await, "UNAVAILABLE");
    assert_eq!(client.error("1").await, "TIMEOUT");
    held.release().await;
    // The socket itself takes no place and has no such time.
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(client.run("3", "{ viewer { id } }").await["data"]["viewer"]["id"], "ann");
}
