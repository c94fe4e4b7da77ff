//! Compressed answers, and what that means for entity tags.

use http::Method;
use rstest::rstest;
use serde_json::json;

use super::path;
use crate::support::{Answer, Backend, Postgres, Sqlite, TestApp, start};

async fn get(app: &TestApp, route: &str, encoding: &str, headers: &[(&str, &str)]) -> Answer {
    let call = app.call("ann", Method::GET, route).header("accept-encoding", encoding);
    headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send().await
}

/// Whether a body is gzip, by its first bytes, of as many bytes as its last four say (RFC 1952).
fn is_gzip_of(body: &[u8], plain: &[u8]) -> bool {
    let length = u32::try_from(plain.len()).unwrap().to_le_bytes();
    body.starts_with(&[0x1f, 0x8b, 8]) && body.ends_with(&length) && body.len() < plain.len()
}

#[rstest]
#[tokio::test]
async fn an_answer_is_compressed_when_asked_for(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let body = json!({ "title": "milk", "description": "milk ".repeat(200) });
    let task = app.post("ann", "/api/tasks", body).await.json();
    for route in ["/api/tasks".to_owned(), path(&task)] {
        let plain = app.get("ann", &route).await;
        assert_eq!(plain.headers.get("content-encoding"), None);
        assert!(!plain.header("etag").starts_with("W/"));
        let gzip = get(&app, &route, "gzip", &[]).await;
        assert_eq!(gzip.header("content-encoding"), "gzip");
        assert_eq!(gzip.header("content-type"), "application/json");
        assert_eq!(gzip.header("vary"), "Authorization, Origin, Accept-Encoding");
        assert!(is_gzip_of(&gzip.body, &plain.body), "{:?}", gzip.body);
        assert_eq!(gzip.header("etag"), format!("W/{}", plain.header("etag")));
        let brotli = get(&app, &route, "br", &[]).await;
        assert_eq!(brotli.header("content-encoding"), "br");
        assert_eq!(brotli.header("etag"), format!("W/{}", plain.header("etag")));
        for encoding in ["", "identity", "gzip;q=0", "lzma", "identity, gzip;q=0"] {
            let answer = get(&app, &route, encoding, &[]).await;
            assert_eq!(answer.headers.get("content-encoding"), None, "{encoding}");
            assert_eq!((answer.text(), answer.header("etag")), (plain.text(), plain.header("etag")), "{encoding}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_weak_tag_is_as_good_as_the_strong_one(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let body = json!({ "title": "milk", "description": "milk ".repeat(200) });
    let task = app.post("ann", "/api/tasks", body).await.json();
    for route in ["/api/tasks".to_owned(), path(&task)] {
        let weak = get(&app, &route, "gzip", &[]).await.header("etag").to_owned();
        assert!(weak.starts_with("W/\""), "{weak}");
        for encoding in ["gzip", "identity"] {
            let answer = get(&app, &route, encoding, &[("if-none-match", &weak)]).await;
            assert_eq!((answer.status.as_u16(), answer.text()), (304, String::new()), "{route} {encoding}");
            assert_eq!(answer.headers.get("content-encoding"), None);
            assert_eq!(answer.header("etag").trim_start_matches("W/"), weak.trim_start_matches("W/"));
        }
    }
    let put = |if_match: &str, title: &str| {
        let call = app.call("ann", Method::PUT, &path(&task)).header("accept-encoding", "gzip");
        call.header("if-match", if_match).json(&json!({ "title": title })).send()
    };
    let weak = get(&app, &path(&task), "gzip", &[]).await.header("etag").to_owned();
    let changed = put(&weak, "bread").await;
    assert_eq!((changed.status.as_u16(), changed.header("content-encoding")), (200, "gzip"));
    assert!(changed.header("etag").starts_with("W/\""));
    let lost = put(&weak, "tea").await;
    assert_eq!(lost.error(), (412, "PRECONDITION_FAILED".to_owned()));
    assert_eq!(lost.header("etag").trim_start_matches("W/"), changed.header("etag").trim_start_matches("W/"));
    assert_eq!(put(lost.header("etag"), "tea").await.status, 200);
}

#[tokio::test]
async fn caches_are_told_of_pages_that_would_be_compressed_for_others() {
    let app = start(Sqlite).await;
    for route in ["/", "/schema.graphql", "/openapi.json"] {
        let plain = app.get("ann", route).await;
        let gzip = get(&app, route, "gzip", &[]).await;
        assert_eq!(plain.headers.get("content-encoding"), None, "{route}");
        assert!(is_gzip_of(&gzip.body, &plain.body), "{route}");
        for answer in [plain, gzip] {
            let values: Vec<_> = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
            assert!(values.contains(&"accept-encoding"), "{route}: {values:?}");
        }
    }
}
