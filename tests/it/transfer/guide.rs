//! `docs/migrating-from-fastapi.md`: what it says is so.

use std::fs;
use std::path::Path;
use std::process::Command;

use http::{Method, header};
use rstest::rstest;
use serde_json::Value;

use super::{INTO, file, old, succeed};
use crate::support::{Answer, Backend, Postgres, Sqlite, TestApp, start};

fn guide() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migrating-from-fastapi.md")).unwrap()
}

/// The lines of the tables that compare requests: request, the old answer, ours, and the test.
fn rows(guide: &str) -> Vec<[&str; 4]> {
    let (_, tables) = guide.split_once("## What a front end could see").unwrap();
    let lines = tables.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            cells.try_into().unwrap_or_else(|_| panic!("{line}"))
        })
        .collect()
}

/// Sends what a line says: method and path, then perhaps a body.
async fn send(app: &TestApp, request: &str) -> Answer {
    let mut parts = request.split('`').skip(1).step_by(2);
    let (method, path) = parts.next().unwrap().split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let body = parts.next().filter(|body| body.starts_with('{'));
    let mut call =
        if request.contains("without a token") { app.anonymous(method, path) } else { app.call("ann", method, path) };
    if request.contains("OPTIONS") {
        call = call.header("origin", "http://localhost:3000").header("access-control-request-method", "POST");
    }
    if let Some(body) = body {
        if !request.contains("without a `Content-Type`") {
            call = call.header(header::CONTENT_TYPE.as_str(), "application/json");
        }
        call = call.body(body);
    }
    call.send().await
}

#[rstest]
#[tokio::test]
async fn each_request_is_answered_as_it_says(#[values(Sqlite, Postgres)] backend: Backend) {
    let guide = guide();
    let rows = rows(&guide);
    assert!(rows.len() > 25, "the tables were read");
    for [request, _, ours, _] in rows {
        let app = start(backend).await;
        app.create("ann", "hers").await;
        app.create("bob", "his").await;
        let answer = send(&app, request).await;
        let status: u16 = ours[..3].parse().unwrap_or_else(|_| panic!("{request}: {ours}"));
        assert_eq!(answer.status.as_u16(), status, "{request}: {}", answer.text());
        if status >= 400 {
            assert!(answer.json()["detail"].is_string() && answer.json()["code"].is_string(), "{request}");
        }
        if request.contains("\"completed\": false") {
            assert_eq!(answer.json()["completed"], Value::Bool(false));
        }
        for (said, name) in [("`Location`", "location"), ("`ETag`", "etag"), ("`Allow`", "allow")] {
            assert!(!ours.contains(said) || answer.headers.contains_key(name), "{request}: {ours}");
        }
    }
}

#[test]
fn each_test_that_it_names_is_there() {
    let guide = guide();
    for [request, _, _, test] in rows(&guide) {
        let (path, name) = test.strip_prefix('`').and_then(|test| test.split_once("` ")).unwrap();
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(path)).unwrap();
        assert!(text.contains(&format!("fn {name}(")), "{request}: there is no {name} in {path}");
    }
}

#[tokio::test]
async fn the_way_back_is_as_it_says() {
    let rows = "(3, 'ann', 'Milk, \"oat\"', NULL, FALSE, '2025-12-31 23:59:59.999999', '2026-01-01 00:00:00'), \
                (7, 'bob', 'two', 'a\nb', TRUE, '2026-01-02 08:30:00', '2026-01-03 08:30:00.5');";
    let before = old(Postgres, &format!("{INTO} {rows}")).await;
    let app = start(Sqlite).await;
    succeed(&app.database.text, &["import", "--from", &before.text]);
    let (folder, path) = file("tasks.csv");
    succeed(&app.database.text, &["export", "-o", path.to_str().unwrap()]);

    let after = old(Postgres, "").await;
    let guide = guide();
    let (_, command) = guide.split_once("\npsql postgresql://user:password@host/old ").unwrap();
    let (arguments, _) = command.split_once("\n```").unwrap();
    let line = format!("psql -qAt -v ON_ERROR_STOP=1 '{}' {arguments}", after.text);
    let psql = Command::new("sh").args(["-c", &line]).current_dir(folder.path()).output().unwrap();
    assert!(psql.status.success(), "{}", String::from_utf8_lossy(&psql.stderr));
    let all = "SELECT string_agg(task::text, ';' ORDER BY id) FROM task";
    let text = async |database: &crate::support::Database| -> String {
        database.connect().await.query_one(all, &[]).await.unwrap().get(0)
    };
    assert_eq!(text(&after).await, text(&before).await);
    let next = "INSERT INTO task (user_id, title, completed, created_at, updated_at) \
                VALUES ('ann', 'new', FALSE, now(), now())";
    after.execute(next).await.unwrap();
    assert_eq!(after.numbers("SELECT max(id) FROM task").await, [8]);
}
