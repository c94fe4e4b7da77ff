//! The routes for balancers and for the front ends' own check. None of them needs a token.

use http::Method;
use rstest::rstest;
use serde_json::json;

use super::assert_error;
use crate::support::{Backend, Postgres, Sqlite, start};

#[rstest]
#[tokio::test]
async fn all_is_well(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for route in ["/health", "/livez", "/readyz"] {
        for route in [route.to_owned(), format!("{route}/"), format!("{route}?at=1")] {
            let answer = app.anonymous(Method::GET, &route).send().await;
            assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"), "{route}");
            let head = app.anonymous(Method::HEAD, &route).send().await;
            assert_eq!((head.status.as_u16(), head.text()), (200, String::new()), "{route}");
            let garbage = app.anonymous(Method::GET, &route).header("authorization", "Bearer garbage").send().await;
            assert_eq!((garbage.status, garbage.text()), (answer.status, answer.text()), "{route}");
        }
    }
    assert_eq!(app.anonymous(Method::GET, "/health").send().await.text(), r#"{"status":"healthy"}"#);
}

#[rstest]
#[tokio::test]
async fn a_server_that_drains_is_not_ready(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.app.drain();
    let answer = app.anonymous(Method::GET, "/readyz").send().await;
    assert_error(&answer, 503, "UNAVAILABLE", "draining");
    assert!(answer.headers.contains_key("retry-after"));
    for route in ["/health", "/livez"] {
        assert_eq!(app.anonymous(Method::GET, route).send().await.status, 200, "{route}");
    }
    // What is under way, and what balancers have not yet stopped sending, is answered.
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([]));
}
