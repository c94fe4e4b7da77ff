//! Swagger UI at `/docs`.

use http::Method;

use crate::support::{Answer, Sqlite, TestApp, start, start_with};

async fn get(app: &TestApp, path: &str) -> Answer {
    app.anonymous(Method::GET, path).send().await
}

/// What the page refers to.
fn links(page: &str) -> impl Iterator<Item = &str> {
    page.split('"').filter(|text| text.starts_with('/'))
}

#[tokio::test]
async fn the_page_is_there_and_so_is_all_that_it_asks_for() {
    let app = start(Sqlite).await;
    let page = get(&app, "/docs").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), "no-store");
    let with_slash = get(&app, "/docs/").await;
    assert_eq!((with_slash.status.as_u16(), with_slash.text()), (200, page.text()));
    let text = page.text();
    assert_eq!(links(&text).count(), 7);
    for link in links(&text) {
        let answer = get(&app, link).await;
        let content_type = match link.rsplit('.').next().unwrap() {
            "css" => "text/css",
            "js" => "text/javascript",
            "png" => "image/png",
            _ => "application/json",
        };
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, content_type), "{link}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{link}");
    }
}

#[tokio::test]
async fn nothing_runs_on_the_page_but_its_own_files() {
    let app = start(Sqlite).await;
    let page = get(&app, "/docs").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let initializer = get(&app, "/docs/initializer.js").await.text();
    for text in [page.text(), initializer] {
        assert!(!text.contains("://") && !text.contains("<script>") && !text.contains("style="), "{text}");
    }
}

#[tokio::test]
async fn assets_are_kept_until_they_change() {
    let app = start(Sqlite).await;
    let asset = "/docs/swagger-ui.css";
    let call = |name, value: &str| app.anonymous(Method::GET, asset).header(name, value).send();
    let first = get(&app, asset).await;
    assert_eq!(first.header("cache-control"), "public, no-cache");
    let compressed = call("accept-encoding", "gzip").await;
    assert_eq!(compressed.header("content-encoding"), "gzip");
    assert_eq!(compressed.header("etag"), format!("W/{}", first.header("etag")));
    for tag in [first.header("etag"), compressed.header("etag")] {
        let again = call("if-none-match", tag).await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{tag}");
    }
    assert_eq!(call("if-none-match", "\"another\"").await.status, 200);
}

#[tokio::test]
async fn what_is_no_asset_is_not_found() {
    let app = start(Sqlite).await;
    for path in ["/docs/nothing.js", "/docs/index.html", "/docs/a/b", "/docs/..%2fCargo.toml"] {
        assert_eq!(get(&app, path).await.error(), (404, "NOT_FOUND".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_token_is_filled_in_where_the_server_made_one() {
    let page = get(&start(Sqlite).await, "/docs").await;
    assert!(page.text().contains("data-token=\"\""));
    let app = start_with(Sqlite, |options| options.settings.explorer_token = Some("a.b\"><c".to_owned())).await;
    assert!(get(&app, "/docs").await.text().contains("data-token=\"a.b&quot;>&lt;c\""));
    // A foreign page may load scripts; it may not read the page.
    assert!(!get(&app, "/docs/initializer.js").await.text().contains("a.b"));
}

#[tokio::test]
async fn without_docs_there_is_neither_page_nor_document() {
    let app = start_with(Sqlite, |options| options.settings.docs = false).await;
    for path in ["/docs", "/docs/", "/docs/initializer.js", "/openapi.json"] {
        assert_eq!(get(&app, path).await.error(), (404, "NOT_FOUND".to_owned()), "{path}");
    }
}
