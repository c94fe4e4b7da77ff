//! Errors of every layer have the one envelope.

use std::sync::Arc;

use http::Method;
use rstest::rstest;
use serde_json::json;
use taskgate::database_url::DatabaseUrl;

use super::{assert_error, path};
use crate::support::{Backend, BrokenClock, Database, Postgres, Sqlite, start, start_on, start_with};

#[tokio::test]
async fn a_route_that_is_none_is_404() {
    let app = start(Sqlite).await;
    for route in [
        "/api",
        "/api/",
        "/nothing",
        "/api/task",
        "/api/tasks/1/2",
        "/api/tasks/1/complete/2",
        "/API/tasks",
        "/api/Tasks",
        "/api/tasks.json",
        "/api//tasks",
        "/api/tasks/1/Complete",
        "/api/%74asks/1/x",
        "/%F0%9F%98%80",
        "/api/%00",
        "/api/%FF",
        "/health/x",
        "/tasks",
        "/.env",
        "/api/../etc/passwd",
    ] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = app.call("ann", method.clone(), route).json(&json!({})).send().await;
            assert_error(&answer, 404, "NOT_FOUND", &format!("{method} {route}"));
        }
    }
    assert_body!(
        app.get("ann", "/api/nothing").await,
        @r#"{"detail": "There is no such route.", "code": "NOT_FOUND"}"#
    );
}

#[tokio::test]
async fn a_method_that_a_route_does_not_take_is_405() {
    let app = start(Sqlite).await;
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get"];
    for (route, allowed) in [
        ("/api/tasks", vec!["GET", "HEAD", "POST"]),
        ("/api/tasks/1", vec!["DELETE", "GET", "HEAD", "PUT"]),
        ("/api/tasks/abc/", vec!["DELETE", "GET", "HEAD", "PUT"]),
        ("/api/tasks/1/complete", vec!["PATCH"]),
        ("/health", vec!["GET", "HEAD"]),
        ("/livez", vec!["GET", "HEAD"]),
        ("/readyz/", vec!["GET", "HEAD"]),
        ("/openapi.json", vec!["GET", "HEAD"]),
    ] {
        for method in methods.into_iter().filter(|method| !allowed.contains(method)) {
            let answer = app.call("ann", method.parse().unwrap(), route).send().await;
            assert_eq!(answer.status, 405, "{method} {route}");
            let mut allow: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
            allow.sort_unstable();
            assert_eq!(allow, allowed, "{method} {route}");
            if method == "HEAD" {
                assert_eq!(answer.text(), "", "{method} {route}");
            } else {
                assert_error(&answer, 405, "METHOD_NOT_ALLOWED", &format!("{method} {route}"));
            }
        }
    }
    assert_body!(
        app.delete("ann", "/api/tasks").await,
        @r#"{"detail": "This route does not take this method; see the Allow header.", "code": "METHOD_NOT_ALLOWED"}"#
    );
}

#[tokio::test]
async fn without_a_good_token_it_is_401() {
    let app = start(Sqlite).await;
    let get =
        |authorization: &str| app.anonymous(Method::GET, "/api/tasks").header("authorization", authorization).send();
    let token = app.token("ann");
    for authorization in [
        "",
        "Bearer",
        "Bearer ",
        "bearer",
        &token,
        &format!("Token {token}"),
        &format!("Bearer {token} x"),
        "Bearer a.b.c",
    ] {
        let answer = get(authorization).await;
        assert_error(&answer, 401, "UNAUTHENTICATED", authorization);
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{authorization}");
    }
    let missing = app.anonymous(Method::GET, "/api/tasks").send().await;
    assert_error(&missing, 401, "UNAUTHENTICATED", "missing");
    assert_eq!(missing.header("www-authenticate"), "Bearer");
    assert_body!(
        missing,
        @r#"{"detail": "Send a token in the header Authorization: Bearer <token>.", "code": "UNAUTHENTICATED"}"#
    );
    let expired = get(&format!("Bearer {}", app.token_for("ann", -31))).await;
    assert_error(&expired, 401, "UNAUTHENTICATED", "expired");
    assert_body!(expired, @r#"{"detail": "The token has expired.", "code": "UNAUTHENTICATED"}"#);
    let twice = app.call("ann", Method::GET, "/api/tasks").header("authorization", &format!("Bearer {token}"));
    assert_error(&twice.send().await, 401, "UNAUTHENTICATED", "twice");
    let bearer = format!("bearer {token}");
    assert_eq!(get(&bearer).await.status, 200);
    app.clock.advance_seconds(3_600);
    assert_eq!(get(&bearer).await.status, 200);
    app.clock.advance_seconds(31);
    assert_error(&get(&bearer).await, 401, "UNAUTHENTICATED", "an hour and the leeway later");
}

#[rstest]
#[tokio::test]
async fn a_fault_of_the_database_tells_nothing_of_itself(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    app.database.execute("ALTER TABLE tasks RENAME TO gone").await.unwrap();
    let (route, complete) = (path(&task), format!("{}/complete", path(&task)));
    for (method, route) in [
        (Method::GET, "/api/tasks"),
        (Method::GET, "/api/tasks?search=milk&sort=title&limit=1"),
        (Method::POST, "/api/tasks"),
        (Method::GET, &route),
        (Method::PUT, &route),
        (Method::PATCH, &complete),
        (Method::DELETE, &route),
    ] {
        let answer = app.call("ann", method.clone(), route).json(&json!({ "title": "tea" })).send().await;
        assert_error(&answer, 500, "INTERNAL", &format!("{method} {route}"));
        assert!(!answer.text().contains("tasks"), "{}", answer.text());
        assert!(answer.headers.contains_key("x-request-id"));
    }
    assert_body!(
        app.get("ann", "/api/tasks").await,
        @r#"{"detail": "Something went wrong on our side; tell us the request id.", "code": "INTERNAL"}"#
    );
    app.database.execute("ALTER TABLE gone RENAME TO tasks").await.unwrap();
    assert_eq!(app.get("ann", &route).await.json(), task);
}

#[rstest]
#[case("postgres://ann:secret@127.0.0.1:1/tasks")]
#[case("sqlite:///nowhere/secret/tasks.db")]
#[tokio::test]
async fn a_database_that_is_away_is_503(#[case] url: &str) {
    let app = start_on(Database::empty(Sqlite).await, |options| {
        options.database_url = DatabaseUrl::parse(url).unwrap();
    });
    let (list, ready, post, delete) = tokio::join!(
        app.get("ann", "/api/tasks"),
        app.anonymous(Method::GET, "/readyz").send(),
        app.post("ann", "/api/tasks", json!({ "title": "milk" })),
        app.delete("ann", "/api/tasks/1"),
    );
    for (answer, case) in [(&list, "list"), (&ready, "ready"), (&post, "post"), (&delete, "delete")] {
        assert_error(answer, 503, "UNAVAILABLE", case);
        assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{case}");
        assert!(!answer.text().contains("secret") && !answer.text().contains("tasks"), "{}", answer.text());
    }
    assert_body!(
        list,
        @r#"{"detail": "The service cannot answer right now; try again in a moment.", "code": "UNAVAILABLE"}"#
    );
    for route in ["/health", "/livez"] {
        assert_eq!(app.anonymous(Method::GET, route).send().await.status, 200, "{route}");
    }
}

#[rstest]
#[tokio::test]
async fn a_panic_is_a_500_and_ends_nothing_else(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_with(backend, |options| options.store_clock = Some(Arc::new(BrokenClock))).await;
    for _ in 0..5 {
        let call = app.call("ann", Method::POST, "/api/tasks").header("x-request-id", "panic-1");
        let answer = call.header("origin", "http://localhost:3000").json(&json!({ "title": "milk" })).send().await;
        assert_error(&answer, 500, "INTERNAL", "panic");
        assert_eq!(answer.header("x-request-id"), "panic-1");
        assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000");
        assert_eq!(answer.header("cache-control"), "private, no-cache");
    }
    let answer = app.post("ann", "/api/tasks", json!({ "title": "milk" })).await;
    assert_body!(
        answer,
        @r#"{"detail": "Something went wrong on our side; tell us the request id.", "code": "INTERNAL"}"#
    );
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([]));
}
