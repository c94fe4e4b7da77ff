//! `dev` answers this machine only: a foreign page must not reach it through a name of its own (DNS rebinding).

use http::Method;
use serde_json::json;

use super::assert_error;
use crate::support::{Answer, Sqlite, TestApp, start, start_with};

const ROUTES: [&str; 5] = ["/api/tasks", "/api/tasks/1", "/health", "/openapi.json", "/nothing"];

async fn guarded() -> TestApp {
    start_with(Sqlite, |options| options.settings.loopback_only = true).await
}

async fn get(app: &TestApp, route: &str, hosts: &[&str]) -> Answer {
    let call = app.call("ann", Method::GET, route);
    hosts.iter().fold(call, |call, host| call.header("host", host)).send().await
}

#[tokio::test]
async fn another_host_is_403() {
    let app = guarded().await;
    let foreign: [&[&str]; 14] = [
        &[],
        &["example.com"],
        &["example.com:8000"],
        &["localhost.example.com"],
        &["127.0.0.1.nip.io"],
        &["notlocalhost"],
        &["0.0.0.0:8000"],
        &["192.168.1.2:8000"],
        &["[::]:8000"],
        &[""],
        &[" "],
        &["localhost:8000", "example.com"],
        &["localhost", "localhost"],
        &["localhost@example.com"],
    ];
    for hosts in foreign {
        for route in ROUTES {
            let answer = get(&app, route, hosts).await;
            assert_error(&answer, 403, "FORBIDDEN", &format!("{route} {hosts:?}"));
            assert!(answer.headers.contains_key("x-request-id"));
        }
        let post = app.call("ann", Method::POST, "/api/tasks").json(&json!({ "title": "milk" }));
        let post = hosts.iter().fold(post, |call, host| call.header("host", host)).send().await;
        assert_error(&post, 403, "FORBIDDEN", &format!("{hosts:?}"));
    }
    assert_body!(
        get(&app, "/api/tasks", &["example.com"]).await,
        @r#"{"detail": "This server answers on this machine only; call it as localhost or 127.0.0.1.", "code": "FORBIDDEN"}"#
    );
    assert_eq!(get(&app, "/api/tasks", &["localhost"]).await.json(), json!([]));
}

#[tokio::test]
async fn this_machine_is_served() {
    let app = guarded().await;
    for host in [
        "localhost",
        "localhost:8000",
        "LocalHost:8000",
        "127.0.0.1",
        "127.0.0.1:8000",
        "127.0.0.2:1",
        "[::1]",
        "[::1]:8000",
        "tasks.localhost:8000",
    ] {
        assert_eq!(get(&app, "/api/tasks", &[host]).await.json(), json!([]), "{host}");
        assert_eq!(get(&app, "/nothing", &[host]).await.status, 404, "{host}");
    }
}

#[tokio::test]
async fn a_target_names_the_host_too() {
    let app = guarded().await;
    let own = app.call("ann", Method::GET, "http://localhost:8000/api/tasks").send().await;
    assert_eq!(own.json(), json!([]));
    let own = get(&app, "http://localhost:8000/api/tasks", &["localhost:8000"]).await;
    assert_eq!(own.json(), json!([]));
    for (target, hosts) in [
        ("http://example.com/api/tasks", &[][..]),
        ("http://example.com/api/tasks", &["localhost"]),
        ("http://localhost:8000/api/tasks", &["example.com"]),
    ] {
        assert_error(&get(&app, target, hosts).await, 403, "FORBIDDEN", target);
    }
}

#[tokio::test]
async fn any_host_is_served_without_the_guard() {
    let app = start(Sqlite).await;
    for hosts in [&["example.com"][..], &[]] {
        assert_eq!(get(&app, "/api/tasks", hosts).await.json(), json!([]));
    }
}
