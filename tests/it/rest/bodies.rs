//! What a body may be: declared as JSON, within the bound, an object.

use http::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{assert_error, path, problems};
use crate::support::{Answer, Backend, Postgres, Sqlite, TestApp, start};

const MAX_BYTES: usize = 1024 * 1024;

async fn post(app: &TestApp, content_type: Option<&str>, body: impl Into<Vec<u8>>) -> Answer {
    let mut call = app.call("ann", Method::POST, "/api/tasks");
    if let Some(content_type) = content_type {
        call = call.header("content-type", content_type);
    }
    call.body(body).send().await
}

#[rstest]
#[tokio::test]
async fn a_body_is_declared_as_json(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for content_type in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "APPLICATION/JSON",
        "application/problem+json",
        "application/merge-patch+json",
        "application/vnd.tasks.v1+json",
    ] {
        let answer = post(&app, Some(content_type), r#"{"title": "milk"}"#).await;
        assert_eq!(answer.status, 201, "{content_type}: {}", answer.text());
    }
    let task = app.create("ann", "milk").await;
    let count = app.get("ann", "/api/tasks").await.json().as_array().unwrap().len();
    for content_type in [
        None,
        Some("text/plain"),
        Some("text/json"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/octet-stream"),
        Some("application/xml"),
        Some("application/jsonp"),
        Some("application/json, text/plain"),
        Some("json"),
        Some("*/*"),
        Some(""),
    ] {
        let body = r#"{"title": "milk"}"#;
        let refused = post(&app, content_type, body).await;
        assert_error(&refused, 415, "UNSUPPORTED_MEDIA_TYPE", &format!("{content_type:?}"));
        for (method, route) in [(Method::PUT, path(&task)), (Method::PATCH, format!("{}/complete", path(&task)))] {
            let mut call = app.call("ann", method.clone(), &route).body(body);
            if let Some(content_type) = content_type {
                call = call.header("content-type", content_type);
            }
            let answer = call.send().await;
            assert_eq!((answer.status.as_u16(), answer.text()), (415, refused.text()), "{method} {content_type:?}");
        }
    }
    assert_eq!(app.get("ann", "/api/tasks").await.json().as_array().unwrap().len(), count);
    assert_eq!(app.get("ann", &path(&task)).await.json(), task);
    assert_body!(
        post(&app, None, "title=milk").await,
        @r#"{"detail": "Send the body as application/json.", "code": "UNSUPPORTED_MEDIA_TYPE"}"#
    );
}

#[rstest]
#[tokio::test]
async fn a_body_that_has_to_be_there_is_missed(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    for content_type in [None, Some("application/json"), Some("text/plain")] {
        assert_eq!(problems(&post(&app, content_type, "").await), ["body missing"], "{content_type:?}");
        let mut call = app.call("ann", Method::PUT, &path(&task));
        if let Some(content_type) = content_type {
            call = call.header("content-type", content_type);
        }
        assert_eq!(problems(&call.send().await), ["body missing"], "{content_type:?}");
    }
    assert_body!(post(&app, None, "").await, @r#"
    {
      "detail": "body: is required.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "body"
          ],
          "msg": "is required",
          "type": "missing"
        }
      ]
    }
    "#);
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([task]));
}

#[rstest]
#[tokio::test]
async fn a_body_is_an_object(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    for body in ["[]", r#"[{"title": "milk"}]"#, "null", "true", "1", "-0.5", r#""milk""#, r#""{\"title\":\"milk\"}""#]
    {
        assert_eq!(problems(&post(&app, Some("application/json"), body).await), ["body object_type"], "{body}");
        let value: Value = serde_json::from_str(body).unwrap();
        assert_eq!(problems(&app.put("ann", &path(&task), value.clone()).await), ["body object_type"], "{body}");
        let complete = format!("{}/complete", path(&task));
        assert_eq!(problems(&app.patch("ann", &complete, value).await), ["body object_type"], "{body}");
    }
    assert_body!(post(&app, Some("application/json"), "[]").await, @r#"
    {
      "detail": "body: must be a JSON object.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "body"
          ],
          "msg": "must be a JSON object",
          "type": "object_type"
        }
      ]
    }
    "#);
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([task]));
}

#[rstest]
#[tokio::test]
async fn what_is_not_json_is_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    let deep = |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let bodies: Vec<Vec<u8>> = [
        "{",
        "}",
        " ",
        "\n",
        "{]",
        "{\"title\": \"milk\"",
        "{\"title\": \"milk\",}",
        "{'title': 'milk'}",
        "{title: 1}",
        "{\"title\": \"milk\"} {}",
        "{\"title\": \"milk\"}x",
        "title=milk",
        "undefined",
        "NaN",
        "{\"title\": NaN}",
        "{\"title\": \"milk\" /* or not */}",
        "{\"title\": \"mi\nlk\"}",
        "{\"title\": \"\u{0}\"}",
        "{\"title\": \"\\ud800\"}",
        "{\"title\": \"\\udc00\\ud800\"}",
        "{\"title\": \"\\ud83d\"}",
        "{\"title\": \"milk\", \"\\ud800\": 1}",
        "{\"title\": \"\\x41\"}",
        "{\"title\": 1e400}",
        "{\"title\": 01}",
        "\u{feff}{\"title\": \"milk\"}",
        "<title>milk</title>",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([
        b"{\"title\": \"\xff\"}".to_vec(),
        b"{\"title\": \"milk\", \"x\": \"\xed\xa0\x80\"}".to_vec(),
        b"{\"title\": \"\xc0\x80\"}".to_vec(),
        b"\xff\xfe{\0}\0".to_vec(),
        deep("[", "]", 10_000).into_bytes(),
        deep("{\"title\":", "}", 10_000).into_bytes(),
        format!("{{\"title\": \"milk\", \"x\": {}}}", deep("[", "]", 400_000)).into_bytes(),
        "[".repeat(1_000_000).into_bytes(),
    ])
    .collect();
    for body in bodies {
        let text = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = post(&app, Some("application/json"), body.clone()).await;
        assert_eq!(problems(&answer), ["body json_invalid"], "{text}");
        let put = app.call("ann", Method::PUT, &path(&task)).header("content-type", "application/json");
        assert_eq!(problems(&put.body(body.clone()).send().await), ["body json_invalid"], "{text}");
        let patch = app.call("ann", Method::PATCH, &format!("{}/complete", path(&task)));
        let patch = patch.header("content-type", "application/json").body(body);
        assert_eq!(problems(&patch.send().await), ["body json_invalid"], "{text}");
    }
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([task]));
    assert_body!(post(&app, Some("application/json"), "{\n  \"title\": milk}").await, @r#"
    {
      "detail": "body: is not valid JSON (line 2, column 12).",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "body"
          ],
          "msg": "is not valid JSON (line 2, column 12)",
          "type": "json_invalid"
        }
      ]
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn unusual_json_is_read_as_it_is_meant(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for (body, title) in [
        (r#"{"title": "\ud83d\ude00 \u00e9\/\"\\\t."}"#, "\u{1f600} \u{e9}/\"\\\t."),
        (r#"{"\u0074itle": "escaped"}"#, "escaped"),
        (r#"{"title": "first", "title": "last"}"#, "last"),
        (r#"{"title": null, "title": "last"}"#, "last"),
        (" \t\r\n{\"title\":\"spaced\"}\n ", "spaced"),
        (r#"{"x": 1e308, "y": 123456789012345678901234567890, "title": "numbers"}"#, "numbers"),
        (r#"{"x": [[[[[[[[[[{"title": null}]]]]]]]]]], "title": "nested"}"#, "nested"),
        (r#"{"": "", "__proto__": {}, "title": "members"}"#, "members"),
    ] {
        let answer = post(&app, Some("application/json"), body).await;
        assert_eq!(answer.status, 201, "{body}: {}", answer.text());
        assert_eq!(answer.json()["title"], json!(title), "{body}");
    }
}

#[rstest]
#[tokio::test]
async fn a_body_has_a_bound(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", "milk").await;
    let padded = |bytes: usize| {
        let mut body = br#"{"completed": true, "title": "bread"}"#.to_vec();
        body.resize(bytes, b' ');
        body
    };
    for bytes in [MAX_BYTES + 1, 10_000_000] {
        let refused = post(&app, Some("application/json"), padded(bytes)).await;
        assert_error(&refused, 413, "PAYLOAD_TOO_LARGE", &bytes.to_string());
        for (method, route) in [(Method::PUT, path(&task)), (Method::PATCH, format!("{}/complete", path(&task)))] {
            let call = app.call("ann", method.clone(), &route).header("content-type", "application/json");
            let answer = call.body(padded(bytes)).send().await;
            assert_eq!((answer.status.as_u16(), answer.text()), (413, refused.text()), "{method} {bytes}");
        }
    }
    assert_body!(
        post(&app, Some("application/json"), padded(MAX_BYTES + 1)).await,
        @r#"{"detail": "The body is larger than 1048576 bytes.", "code": "PAYLOAD_TOO_LARGE"}"#
    );
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([task]));
    let put = app.call("ann", Method::PUT, &path(&task)).header("content-type", "application/json");
    assert_eq!(put.body(padded(MAX_BYTES)).send().await.json()["title"], json!("bread"));
    assert_eq!(post(&app, Some("application/json"), padded(MAX_BYTES)).await.status, 201);
}
