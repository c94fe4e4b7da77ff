//! What operators are told.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::time::Duration;

use http::Method;
use rstest::rstest;
use serde_json::json;
use taskgate::graphql::{TrustMode, TrustedDocuments};

use crate::process::Service;
use crate::support::metrics::{Metrics, shed_one};
use crate::support::{Backend, Database, Postgres, Sqlite, start, start_with};

#[tokio::test]
async fn every_answer_is_counted_once_whoever_gave_it() {
    let app = start_with(Sqlite, |options| {
        options.settings.loopback_only = true;
        options.settings.limits.request_timeout = Duration::from_millis(300);
    })
    .await;
    let call = |method, path: &str| app.call("ann", method, path).header("host", "localhost");
    call(Method::POST, "/api/tasks").json(&json!({ "title": "milk" })).send().await;
    for path in ["/api/tasks/1", "/api/tasks/1/", "/api/tasks/2", "/api/tasks/x"] {
        call(Method::GET, path).send().await;
    }
    app.anonymous(Method::GET, "/api/tasks/1").header("host", "localhost").send().await;
    for path in ["/no/such/route", "/another"] {
        call(Method::GET, path).send().await;
    }
    call(Method::DELETE, "/graphql").send().await;
    call("BREW".parse().unwrap(), "/api/tasks").send().await;
    let preflight = app.anonymous(Method::OPTIONS, "/api/tasks").header("origin", "http://localhost:3000");
    preflight.header("access-control-request-method", "POST").send().await;
    app.call("ann", Method::GET, "/api/tasks").header("host", "evil.example").send().await;
    let held = app.database.hold().await;
    call(Method::POST, "/api/tasks").json(&json!({ "title": "late" })).send().await;
    held.release().await;

    let metrics = app.metrics().await;
    let answered = |method: &str, route: &str, status: u16| {
        metrics.value(&format!("http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"))
    };
    for (method, route, status, count) in [
        ("POST", "/api/tasks", 201, 1),
        ("GET", "/api/tasks/{id}", 200, 2),
        ("GET", "/api/tasks/{id}", 404, 1),
        ("GET", "/api/tasks/{id}", 422, 1),
        ("GET", "/api/tasks/{id}", 401, 1),
        ("GET", "unknown", 404, 2),
        ("DELETE", "/graphql", 405, 1),
        ("_OTHER", "/api/tasks", 405, 1),
        ("OPTIONS", "/api/tasks", 200, 1),
        ("GET", "/api/tasks", 403, 1),
        ("POST", "/api/tasks", 504, 1),
    ] {
        assert_eq!(answered(method, route, status), count, "{method} {route} {status}: {metrics:?}");
    }
    let total: u64 = metrics.of("http_requests_total").map(|(_, count)| count).sum();
    let timed: u64 = metrics.of("http_request_duration_seconds_count").map(|(_, count)| count).sum();
    assert_eq!((total, timed), (13, 13));
    let slow = |bound: &str| {
        metrics.value(&format!("http_request_duration_seconds_bucket{{le=\"{bound}\",route=\"/api/tasks\"}}"))
    };
    assert_eq!(slow("+Inf") - slow("0.25"), 1, "{metrics:?}");
    assert_eq!(metrics.value("http_requests_in_flight"), 0);
}

#[tokio::test]
async fn requests_without_a_place_are_counted_and_so_are_those_that_have_one() {
    let app = start_with(Sqlite, |options| options.settings.limits.in_flight = 1).await;
    shed_one(&app).await;
    let metrics = app.metrics().await;
    assert_eq!(metrics.value("shed_total{what=\"request\"}"), 1);
    assert_eq!(metrics.value("http_requests_in_flight"), 0);
}

#[tokio::test]
async fn a_caller_who_goes_away_runs_no_more() {
    let app = start(Sqlite).await;
    let held = app.database.hold().await;
    let running = tokio::spawn(app.call("ann", Method::POST, "/api/tasks").json(&json!({ "title": "milk" })).send());
    while app.metrics().await.value("http_requests_in_flight") < 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert_eq!(app.metrics().await.value("http_requests_in_flight"), 0);
    held.release().await;
}

/// Names and codes of the operations that were counted.
fn operations(metrics: &Metrics) -> Vec<(String, u64)> {
    let labels = |sample: &str| {
        let values = sample.split('"').skip(1).step_by(2).collect::<Vec<_>>();
        values.join(" ")
    };
    metrics.of("graphql_operations_total").map(|(sample, count)| (labels(sample), count)).collect()
}

#[tokio::test]
async fn operations_are_counted_by_names_that_callers_cannot_invent() {
    let manifest = json!({ "1": "query Board { viewer { id } }" }).to_string();
    let trusted = TrustedDocuments::load(&manifest, TrustMode::Log).await.unwrap();
    let app = start_with(Sqlite, |options| options.settings.trusted_documents = Some(trusted)).await;
    app.create("ann", "milk").await;
    app.get("ann", "/api/tasks").await;
    app.get("bob", "/api/tasks/1").await;
    let query = |text: &str| json!({ "query": text });
    for body in [
        json!({ "documentId": "1" }),
        query("query Board { viewer { id } }"),
        // A trusted name makes no document trusted.
        query("query Board { viewer { revision } }"),
        query("query Invented { viewer { id } }"),
        query("{ viewer { id } }"),
        query("{ task(id: \"9\") { id } }"),
        query("mutation { deleteTask(input: { id: \"9\" }) { revision } }"),
        query("{ nothing }"),
        query("{"),
        json!({ "query": "query A { viewer { id } }", "operationName": "B" }),
    ] {
        app.post("ann", "/graphql", body).await;
    }
    let counted = operations(&app.metrics().await);
    let expected = [
        ("graphql Board OK", 2),
        ("graphql anonymous GRAPHQL_PARSE_FAILED", 1),
        ("graphql anonymous GRAPHQL_VALIDATION_FAILED", 1),
        ("graphql anonymous NOT_FOUND", 1),
        ("graphql anonymous OK", 2),
        ("graphql other GRAPHQL_VALIDATION_FAILED", 1),
        ("graphql other OK", 2),
        ("rest create_task OK", 1),
        ("rest get_task FORBIDDEN", 1),
        ("rest list_tasks OK", 1),
    ];
    assert_eq!(counted, expected.map(|(name, count)| (name.to_owned(), count)));
}

#[rstest]
#[tokio::test]
async fn pools_tokens_and_limits_tell_of_themselves(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_with(backend, |options| options.settings.rate_limit = NonZeroU32::new(60)).await;
    let token = format!("Bearer {}", app.token("ann"));
    let call = |address: &str| app.anonymous(Method::GET, "/api/tasks/1").from(address);
    while call("192.0.2.1").header("authorization", &token).send().await.status != 429 {}
    while call("192.0.2.1").send().await.status != 429 {}
    app.create("bob", "milk").await;
    let mut metrics = app.metrics().await;
    // A connection looks for more work for a moment before it rests.
    let at_rest = |name: &str, metrics: &Metrics| {
        let of_pool = |figure: &str| metrics.value(&format!("{figure}{{pool=\"{name}\"}}"));
        of_pool("pool_connections") == of_pool("pool_idle_connections")
    };
    let names = if backend == Sqlite { ["readers", "writer"] } else { ["shared", "exclusive"] };
    while !names.iter().all(|name| at_rest(name, &metrics)) {
        tokio::time::sleep(Duration::from_millis(5)).await;
        metrics = app.metrics().await;
    }
    let value = |sample: &str| metrics.value(sample);
    assert_eq!((value("rate_limited_total{by=\"user\"}"), value("rate_limited_total{by=\"address\"}")), (1, 1));
    // 51 points of ann's and one too many; bob once.
    let lookups = |outcome| value(&format!("token_cache_lookups_total{{outcome=\"{outcome}\"}}"));
    assert_eq!((lookups("miss"), lookups("hit"), value("token_cache_entries")), (2, 51, 2));
    for (pool, least) in [(names[0], 51), (names[1], 1)] {
        let of_pool = |name: &str| value(&format!("{name}{{pool=\"{pool}\"}}"));
        assert!(of_pool("pool_connections") >= 1 && of_pool("pool_opened_connections_total") >= 1, "{metrics:?}");
        assert!(of_pool("pool_acquired_total") >= least, "{metrics:?}");
        assert_eq!(of_pool("pool_timed_out_total"), 0, "{metrics:?}");
        // The first one has to be made first.
        let waited = metrics.seconds(&format!("pool_wait_seconds_total{{pool=\"{pool}\"}}"));
        assert!(of_pool("pool_waited_total") >= 1 && waited > 0.0, "{metrics:?}");
    }
    assert_eq!(value("start_time_seconds"), 1_767_952_800);
    assert_eq!(value(&format!("build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))), 1);
}

fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn operators_have_a_listener_of_their_own() {
    let database = Database::empty(Sqlite).await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut service = Service::start(&database.text, &[("TASKGATE_ADMIN_LISTEN", &free.to_string())]);
    assert!(ask(free, "/livez").starts_with("HTTP/1.1 200 "));
    let answer = ask(free, "/metrics");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && body.ends_with("# EOF\n"), "{answer}");
    // Nothing of either is on the other.
    for path in ["/", "/graphql", "/api/tasks", "/readyz"] {
        assert!(ask(free, path).starts_with("HTTP/1.1 404 "), "{path}");
    }
    assert_eq!(service.status("/metrics"), "404");
    assert!(!ask(free, "/metrics").contains("route=\"/metrics\""));
    service.terminate();
    assert!(service.child.wait().unwrap().success());
    assert!(TcpStream::connect(free).is_err());
}

#[tokio::test]
async fn an_address_of_operators_that_is_taken_is_told_before_anything_is_served() {
    let database = Database::empty(Sqlite).await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Service::serve(&database.text).env("TASKGATE_ADMIN_LISTEN", &address).output().unwrap();
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{sentence}");
    assert!(sentence.starts_with(&format!("taskgate: Cannot listen on {address}: ")), "{sentence}");
    assert!(sentence.ends_with("set TASKGATE_ADMIN_LISTEN to another address.\n"), "{sentence}");
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
}
