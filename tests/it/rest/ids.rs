//! What stands in the place of `{id}`.

use http::Method;
use rstest::rstest;
use serde_json::json;

use super::{assert_error, problems};
use crate::support::{Answer, Backend, Postgres, Sqlite, TestApp, start};

/// Every operation on the task that `id` names; the last one is its deletion.
async fn answers(app: &TestApp, id: &str) -> Vec<(Method, Answer)> {
    let mut answers = Vec::new();
    for (method, rest) in [(Method::GET, ""), (Method::PUT, ""), (Method::PATCH, "/complete"), (Method::DELETE, "")] {
        let call = app.call("ann", method.clone(), &format!("/api/tasks/{id}{rest}"));
        answers.push((method, call.json(&json!({})).send().await));
    }
    answers
}

#[rstest]
#[tokio::test]
async fn digits_that_name_nothing_are_404(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    let googol = format!("1{}", "0".repeat(40));
    for id in [
        "0",
        "-1",
        "-0",
        "2",
        "9007199254740992",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        &googol,
        &format!("-{googol}"),
        "%30",
        "%2D1",
    ] {
        for (method, answer) in answers(&app, id).await {
            assert_error(&answer, 404, "NOT_FOUND", &format!("{method} {id}"));
        }
    }
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([task]));
}

#[rstest]
#[tokio::test]
async fn anything_but_digits_is_422(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    for id in [
        "abc",
        "1.5",
        "1.0",
        "1e0",
        "0x1",
        "+1",
        "-",
        "--1",
        "1-",
        "null",
        "undefined",
        "NaN",
        "%20",
        "1%20",
        "%201",
        "%2B1",
        "%00",
        "1%00",
        "%FF",
        "%F0%9F%98%80",
        "%D9%A1",
        "%EF%BC%91",
        "1%2F2",
        "1%2Fcomplete",
        "1,2",
        "1;2",
        "*",
        "%2e%2e",
        "%",
        "%3",
    ] {
        for (method, answer) in answers(&app, id).await {
            assert_eq!(problems(&answer), ["path.id int_parsing"], "{method} {id}");
        }
    }
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([task]));
    assert_body!(app.get("ann", "/api/tasks/abc").await, @r#"
    {
      "detail": "path.id: a task id is a whole number.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "path",
            "id"
          ],
          "msg": "a task id is a whole number",
          "type": "int_parsing"
        }
      ]
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn an_escaped_digit_is_a_digit(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    assert_eq!(app.create("ann", "milk").await["id"], json!(1));
    for (method, answer) in answers(&app, "%31").await {
        assert_eq!(answer.status, if method == Method::DELETE { 204 } else { 200 }, "{method}");
    }
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([]));
}
