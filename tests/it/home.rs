//! The page at `/`.

use http::Method;
use taskgate::database_url::DatabaseUrl;

use crate::support::{Answer, Database, Sqlite, TestApp, start, start_on, start_with};

async fn home(app: &TestApp) -> Answer {
    let page = app.anonymous(Method::GET, "/").header("accept", "text/html").send().await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    page
}

/// Where the page leads.
fn links(page: &Answer) -> Vec<String> {
    page.text().split("href=\"/").skip(1).map(|rest| format!("/{}", rest.split('"').next().unwrap())).collect()
}

#[tokio::test]
async fn it_leads_to_what_is_there_and_to_nothing_else() {
    for (explore, docs) in [(true, true), (true, false), (false, true), (false, false)] {
        let app = start_with(Sqlite, |options| {
            options.settings.explore = explore;
            options.settings.docs = docs;
        })
        .await;
        let links = links(&home(&app).await);
        for link in &links {
            assert_ne!(app.anonymous(Method::GET, link).send().await.status, 404, "{link}");
        }
        for (path, is_there) in [
            ("/graphiql", explore),
            ("/schema.graphql", explore),
            ("/docs", docs),
            ("/openapi.json", docs),
            ("/graphql", true),
            ("/api/tasks", true),
            ("/health", true),
            ("/livez", true),
            ("/readyz", true),
        ] {
            assert_eq!(links.iter().any(|link| link == path), is_there, "{path}: {links:?}");
        }
    }
}

#[tokio::test]
async fn nothing_runs_on_it_and_only_its_own_style_counts() {
    let page = home(&start(Sqlite).await).await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("cache-control"), "no-store");
    let text = page.text();
    assert!(!text.contains("<script") && !text.contains("style=") && !text.contains("{{"), "{text}");
    assert!(text.contains(&format!("taskgate {}", env!("CARGO_PKG_VERSION"))), "{text}");
}

#[tokio::test]
async fn it_says_whether_the_database_can_be_reached() {
    let app = start(Sqlite).await;
    assert!(home(&app).await.text().contains("The database can be reached."));
    app.app.drain();
    assert!(home(&app).await.text().contains("The service is about to stop."));

    let nowhere = DatabaseUrl::parse("postgres://nobody@127.0.0.1:1/nothing").unwrap();
    let database = Database::migrated(Sqlite).await;
    let app = start_on(database, |options| options.database_url = nowhere);
    let page = home(&app).await;
    assert!(page.text().contains("The database cannot be reached right now."), "{}", page.text());
    assert!(!page.text().contains("127.0.0.1"), "{}", page.text());
}

#[tokio::test]
async fn another_method_is_told_which_it_takes() {
    let answer = start(Sqlite).await.anonymous(Method::POST, "/").send().await;
    assert_eq!(answer.error(), (405, "METHOD_NOT_ALLOWED".to_owned()));
    assert_eq!(answer.header("allow"), "GET,HEAD");
}
