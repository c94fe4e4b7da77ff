//! Which pages may call (CORS).

use http::Method;
use rstest::rstest;
use serde_json::json;

use super::path;
use crate::support::{Answer, Backend, Postgres, Sqlite, start, start_with};

const OWN: &str = "http://localhost:3000";

const METHODS: [&str; 6] = ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"];

const HEADERS: [&str; 9] = [
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "last-event-id",
    "traceparent",
    "tracestate",
    "x-request-id",
];

const EXPOSED: [&str; 11] = [
    "allow",
    "etag",
    "idempotency-replayed",
    "link",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "server-timing",
    "www-authenticate",
    "x-request-id",
];

fn list(answer: &Answer, name: &str) -> Vec<String> {
    let mut list: Vec<String> = answer.header(name).split(',').map(|item| item.trim().to_lowercase()).collect();
    list.sort();
    list
}

#[tokio::test]
async fn a_preflight_tells_what_may_be_sent() {
    let app = start(Sqlite).await;
    for route in ["/api/tasks", "/api/tasks/", "/api/tasks/1", "/api/tasks/1/complete", "/graphql"] {
        for (method, headers) in
            [("GET", "authorization"), ("PATCH", "authorization,content-type,if-match,traceparent")]
        {
            let call = app.anonymous(Method::OPTIONS, route).header("origin", OWN);
            let call = call.header("access-control-request-method", method);
            let answer = call.header("access-control-request-headers", headers).send().await;
            assert!(answer.status.is_success(), "{route}: {}", answer.status);
            assert_eq!(answer.text(), "");
            assert_eq!(answer.header("access-control-allow-origin"), OWN);
            assert_eq!(answer.header("access-control-allow-credentials"), "true");
            assert_eq!(list(&answer, "access-control-allow-methods"), METHODS.map(str::to_lowercase));
            assert_eq!(list(&answer, "access-control-allow-headers"), HEADERS);
        }
    }
}

#[rstest]
#[tokio::test]
async fn every_answer_can_be_read_errors_too(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    let foreign = app.create("bob", "bob's").await;
    let route = path(&task);
    let call = |method: Method, route: &str| app.call("ann", method, route);
    for (call, status) in [
        (call(Method::GET, "/api/tasks"), 200),
        (call(Method::GET, "/api/tasks?limit=1").header("if-none-match", "*"), 304),
        (call(Method::POST, "/api/tasks").json(&json!({ "title": "tea" })), 201),
        (call(Method::POST, "/api/tasks").json(&json!({})), 422),
        (call(Method::POST, "/api/tasks").body("{}"), 415),
        (call(Method::POST, "/api/tasks").header("content-type", "application/json").body(vec![b' '; 2_000_000]), 413),
        (call(Method::PUT, &route).json(&json!({})).header("if-match", "\"0\""), 412),
        (call(Method::DELETE, &route), 204),
        (call(Method::GET, &route), 404),
        (call(Method::GET, &path(&foreign)), 403),
        (call(Method::GET, "/api/nothing"), 404),
        (call(Method::GET, "/nothing"), 404),
        (call(Method::DELETE, "/api/tasks"), 405),
        (app.anonymous(Method::GET, "/api/tasks"), 401),
        (app.anonymous(Method::GET, "/health"), 200),
        (app.anonymous(Method::POST, "/graphql").json(&json!({})), 401),
    ] {
        let case = format!("{call:?}");
        let answer = call.header("origin", OWN).send().await;
        assert_eq!(answer.status, status, "{case}");
        assert_eq!(answer.header("access-control-allow-origin"), OWN, "{case}");
        assert_eq!(answer.header("access-control-allow-credentials"), "true", "{case}");
        assert_eq!(list(&answer, "access-control-expose-headers"), EXPOSED, "{case}");
    }
}

#[tokio::test]
async fn another_origin_may_read_nothing() {
    let app = start(Sqlite).await;
    for origin in [
        "http://localhost",
        "http://localhost:3001",
        "https://localhost:3000",
        "http://localhost:3000.example.com",
        "http://localhost:30000",
        "http://LOCALHOST:3000",
        "http://127.0.0.1:3000",
        "http://localhost:3000/",
        "null",
        "*",
        "https://example.com",
        "",
    ] {
        let preflight = app.anonymous(Method::OPTIONS, "/api/tasks").header("origin", origin);
        let preflight = preflight.header("access-control-request-method", "POST").send().await;
        let answer = app.call("ann", Method::GET, "/api/tasks").header("origin", origin).send().await;
        let error = app.anonymous(Method::GET, "/api/tasks").header("origin", origin).send().await;
        for answer in [preflight, answer, error] {
            assert_eq!(answer.headers.get("access-control-allow-origin"), None, "{origin}");
        }
    }
}

#[tokio::test]
async fn each_origin_of_the_settings_is_told_itself() {
    let origins = ["https://tasks.example.com", "http://localhost:5173"];
    let app = start_with(Sqlite, |options| {
        options.settings.cors_origins = origins.map(|origin| origin.parse().unwrap()).into();
    })
    .await;
    for origin in origins {
        let answer = app.call("ann", Method::GET, "/api/tasks").header("origin", origin).send().await;
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("vary"), "Authorization, Origin, Accept-Encoding");
    }
    let answer = app.call("ann", Method::GET, "/api/tasks").header("origin", OWN).send().await;
    assert_eq!((answer.status.as_u16(), answer.headers.get("access-control-allow-origin")), (200, None));
}
