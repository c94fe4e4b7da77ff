//! What the service bears: how long a request may take, how many run at once, how large a body is; and the headers that
//! every answer has.

use std::time::{Duration, Instant};

use http::Method;
use rstest::rstest;
use serde_json::{Value, json};
use taskgate::server::Limits;

use crate::support::{Answer, Backend, Postgres, Sqlite, TestApp, start, start_with};

const MUTATION: &str = r#"mutation { createTask(input: { title: "late" }) { task { id } } }"#;

async fn limited(backend: Backend, limits: Limits) -> TestApp {
    start_with(backend, |options| options.settings.limits = limits).await
}

/// The error of a request to `/graphql` that was refused before anything ran.
#[track_caller]
fn refusal(answer: &Answer) -> (u16, Value) {
    let body = answer.json();
    assert_eq!(body.get("data"), None, "{body}");
    assert!(body["errors"][0]["message"].as_str().is_some_and(|message| message.ends_with('.')), "{body}");
    (answer.status.as_u16(), body["errors"][0]["extensions"]["code"].clone())
}

#[rstest]
#[tokio::test]
async fn a_request_that_takes_too_long_is_told_so_on_both_doors(#[values(Sqlite, Postgres)] backend: Backend) {
    let limits = Limits { request_timeout: Duration::from_millis(300), ..Limits::default() };
    let app = limited(backend, limits).await;
    let held = app.database.hold().await;
    for accept in ["application/json", "application/graphql-response+json"] {
        let started = Instant::now();
        let body = json!({ "query": MUTATION });
        let answer = app.call("ann", Method::POST, "/graphql").header("accept", accept).json(&body).send().await;
        assert_eq!(refusal(&answer), (504, json!("TIMEOUT")));
        assert!(answer.header("content-type").starts_with(accept));
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    }
    let call = app.call("ann", Method::POST, "/api/tasks").header("origin", "http://localhost:3000");
    let answer = call.json(&json!({ "title": "late" })).send().await;
    assert_eq!(answer.error(), (504, "TIMEOUT".to_owned()));
    assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000");
    assert!(!answer.header("x-request-id").is_empty());
    assert!(!answer.text().contains("ms"), "the cause is for the log: {}", answer.text());
    held.release().await;
}

#[tokio::test]
async fn beyond_the_limit_requests_are_refused_at_once_and_health_is_not() {
    let app = limited(Postgres, Limits { in_flight: 2, ..Limits::default() }).await;
    // The database is known to answer, so that readiness need not ask it.
    assert_eq!(app.get("ann", "/api/tasks").await.status, 200);
    let held = app.database.hold().await;
    let call = |user| app.call(user, Method::POST, "/api/tasks").json(&json!({ "title": "waits" }));
    let running: Vec<_> = ["ann", "bob"].map(|user| tokio::spawn(call(user).send())).into();
    tokio::time::sleep(Duration::from_millis(200)).await;

    let started = Instant::now();
    let refused = app.get("cid", "/api/tasks").await;
    assert_eq!(refused.error(), (503, "UNAVAILABLE".to_owned()));
    assert_eq!(refused.header("retry-after"), "1");
    let refused = app.call("cid", Method::POST, "/graphql").json(&json!({ "query": MUTATION })).send().await;
    assert_eq!(refusal(&refused), (503, json!("UNAVAILABLE")));
    assert_eq!(refused.header("retry-after"), "1");
    // Before the token is looked at, and so before anything that costs more.
    assert_eq!(app.anonymous(Method::GET, "/api/tasks").send().await.status, 503);
    for path in ["/health", "/livez", "/livez/"] {
        assert_eq!(app.anonymous(Method::GET, path).send().await.status, 200, "{path}");
    }
    assert!(started.elapsed() < Duration::from_millis(200), "{:?}", started.elapsed());
    assert_eq!(app.anonymous(Method::GET, "/readyz").send().await.status, 200);
    let preflight = app.anonymous(Method::OPTIONS, "/api/tasks").header("origin", "http://localhost:3000");
    assert_eq!(preflight.header("access-control-request-method", "GET").send().await.status, 200);

    held.release().await;
    for answer in running {
        assert_eq!(answer.await.unwrap().status, 201);
    }
    assert_eq!(app.get("cid", "/api/tasks").await.status, 200);
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_the_place_to_others() {
    let app = limited(Postgres, Limits { in_flight: 1, ..Limits::default() }).await;
    let held = app.database.hold().await;
    let call = app.call("ann", Method::POST, "/api/tasks").json(&json!({ "title": "waits" }));
    let running = tokio::spawn(call.send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(app.get("bob", "/no/such/route").await.status, 503);
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert_eq!(app.get("bob", "/no/such/route").await.status, 404);
    held.release().await;
}

#[tokio::test]
async fn a_body_has_at_most_as_many_bytes_as_are_set() {
    let app = limited(Sqlite, Limits { body_bytes: 100, ..Limits::default() }).await;
    for (path, code) in [("/api/tasks", "201"), ("/graphql", "200")] {
        for (bytes, expected) in [(100, code), (101, "413")] {
            let body = match path {
                "/graphql" => format!("{:<bytes$}", r#"{"query": "{ viewer { id } }"}"#),
                _ => format!("{:<bytes$}", r#"{"title": "milk"}"#),
            };
            let call = app.call("ann", Method::POST, path).header("content-type", "application/json");
            let answer = call.body(body).send().await;
            assert_eq!(answer.status.as_str(), expected, "{path} {bytes}: {}", answer.text());
            assert_eq!(answer.text().contains("100 bytes"), expected == "413", "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_to_make_no_more_of_it() {
    let app = start(Sqlite).await;
    let answers = [
        (app.get("ann", "/api/tasks").await, 200),
        (app.anonymous(Method::GET, "/livez").send().await, 200),
        (app.anonymous(Method::GET, "/schema.graphql").send().await, 200),
        (app.anonymous(Method::GET, "/api/tasks").send().await, 401),
        (app.get("ann", "/no/such/route").await, 404),
        (app.call("ann", Method::DELETE, "/api/tasks").send().await, 405),
        (app.post("ann", "/api/tasks", json!({})).await, 422),
        (app.post("ann", "/graphql", json!({ "query": "{ viewer { id } }" })).await, 200),
        (app.anonymous(Method::OPTIONS, "/api/tasks").header("access-control-request-method", "PUT").send().await, 200),
    ];
    for (answer, status) in answers {
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
        assert!(!answer.headers.contains_key("strict-transport-security"));
        assert!(!answer.headers.contains_key("server-timing"));
    }
}

#[tokio::test]
async fn browsers_are_told_to_use_https_where_it_is_set() {
    let app = start_with(Sqlite, |options| options.settings.hsts = true).await;
    let answer = app.get("ann", "/no/such/route").await;
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn preflights_are_kept_for_ten_minutes() {
    let app = start(Sqlite).await;
    let call = app.anonymous(Method::OPTIONS, "/api/tasks/1").header("origin", "http://localhost:3000");
    let preflight = call.header("access-control-request-method", "PATCH").send().await;
    assert_eq!(preflight.header("access-control-max-age"), "600");
}

#[rstest]
#[tokio::test]
async fn callers_are_told_where_the_time_went_where_it_is_set(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_with(backend, |options| options.settings.server_timing = true).await;
    let answers = [
        app.post("ann", "/api/tasks", json!({ "title": "milk" })).await,
        app.get("ann", "/api/tasks").await,
        app.post("ann", "/graphql", json!({ "query": "{ viewer { revision } }" })).await,
    ];
    for answer in answers {
        assert!(answer.status.is_success(), "{}", answer.text());
        let header = answer.header("server-timing");
        let parts = header.split(", ").map(|part| part.split_once(";dur=").unwrap());
        let parts: Vec<(&str, f64)> = parts.map(|(name, time)| (name, time.parse().unwrap())).collect();
        assert_eq!(parts.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["auth", "pool", "db", "total"]);
        assert!(parts.iter().all(|(_, time)| *time > 0.0), "{header}");
        assert!(parts[..3].iter().map(|(_, time)| time).sum::<f64>() <= parts[3].1, "{header}");
    }
}
