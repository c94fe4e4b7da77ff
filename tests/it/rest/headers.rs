//! The headers that every answer has.

use http::Method;
use rstest::rstest;
use serde_json::json;

use super::path;
use crate::support::{Answer, Backend, Call, Postgres, Sqlite, TestApp, start};

/// One call for each status, with that status.
async fn calls(app: &TestApp) -> Vec<(Call, u16)> {
    let task = app.create("ann", "milk").await;
    let foreign = path(&app.create("bob", "bob's").await);
    let gone = path(&app.create("ann", "gone").await);
    let route = path(&task);
    let complete = format!("{route}/complete");
    let call = |method: Method, route: &str| app.call("ann", method, route);
    let json = "application/json";
    let graphql = json!({ "query": "{ viewer { id } }" });
    vec![
        (call(Method::GET, "/api/tasks"), 200),
        (call(Method::GET, "/api/tasks/"), 200),
        (call(Method::HEAD, "/api/tasks"), 200),
        (call(Method::GET, "/api/tasks").header("if-none-match", "*"), 304),
        (call(Method::GET, &route).header("if-none-match", "*"), 304),
        (call(Method::GET, "/api/tasks?limit=0"), 422),
        (call(Method::POST, "/api/tasks").json(&json!({ "title": "tea" })), 201),
        (call(Method::POST, "/api/tasks").json(&json!({})), 422),
        (call(Method::POST, "/api/tasks").body("milk"), 415),
        (call(Method::POST, "/api/tasks").header("content-type", json).body(vec![b' '; 2_000_000]), 413),
        (call(Method::GET, &route), 200),
        (call(Method::PUT, &route).json(&json!({ "completed": true })), 200),
        (call(Method::PUT, &route).json(&json!({})).header("if-match", "\"0\""), 412),
        (call(Method::PATCH, &complete), 200),
        (call(Method::DELETE, &gone), 204),
        (call(Method::GET, &foreign), 403),
        (call(Method::GET, "/api/tasks/999"), 404),
        (call(Method::GET, "/api/nothing"), 404),
        (call(Method::GET, "/api"), 404),
        (call(Method::DELETE, "/api/tasks"), 405),
        (app.anonymous(Method::GET, "/api/tasks"), 401),
        (app.anonymous(Method::OPTIONS, "/api/tasks").header("origin", "http://localhost:3000"), 200),
        (call(Method::POST, "/graphql").json(&graphql), 200),
        (call(Method::POST, "/graphql/").json(&graphql), 200),
        (call(Method::POST, "/graphql").body("{}"), 415),
        (call(Method::DELETE, "/graphql"), 405),
        (app.anonymous(Method::POST, "/graphql").json(&graphql), 401),
    ]
}

#[rstest]
#[tokio::test]
async fn what_a_user_reads_is_for_that_user_alone(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for (call, status) in calls(&app).await {
        let case = format!("{call:?}");
        let answer = call.send().await;
        assert_eq!(answer.status, status, "{case}");
        let values = |name: &str| -> Vec<&str> {
            answer.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
        };
        assert_eq!(values("cache-control"), ["private, no-cache"], "{case}");
        assert_eq!(values("vary"), ["Authorization, Origin, Accept-Encoding"], "{case}");
    }
}

fn is_ours(answer: &Answer) -> bool {
    uuid::Uuid::parse_str(answer.header("x-request-id")).is_ok()
}

#[rstest]
#[tokio::test]
async fn every_answer_has_the_request_id(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let mut all = calls(&app).await;
    all.extend(["/health", "/livez", "/readyz", "/nothing"].map(|path| {
        let status = if path == "/nothing" { 404 } else { 200 };
        (app.anonymous(Method::GET, path), status)
    }));
    for (call, status) in all {
        let case = format!("{call:?}");
        let answer = call.header("x-request-id", "Client.1_a-Z").send().await;
        assert_eq!((answer.status.as_u16(), answer.header("x-request-id")), (status, "Client.1_a-Z"), "{case}");
        assert_eq!(answer.headers.get_all("x-request-id").iter().count(), 1, "{case}");
    }
}

#[tokio::test]
async fn a_request_id_of_the_caller_is_taken_when_it_is_a_good_one() {
    let app = start(Sqlite).await;
    let get = |id: &str| app.anonymous(Method::GET, "/health").header("x-request-id", id).send();
    for id in ["a", "0", ".", "-", "_", "abc-DEF.123_", &"x".repeat(128)] {
        assert_eq!(get(id).await.header("x-request-id"), id);
    }
    for id in ["", " ", "a b", "a/b", "a:b", "a,b", "a\tb", "{}", "a\"", "a%20", "<script>", &"x".repeat(129)] {
        let answer = get(id).await;
        assert_ne!(answer.header("x-request-id"), id);
        assert!(is_ours(&answer), "{id}");
    }
    let (one, two) =
        (app.anonymous(Method::GET, "/api/tasks").send().await, app.anonymous(Method::GET, "/api/tasks").send().await);
    assert!(is_ours(&one) && is_ours(&two));
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
}
