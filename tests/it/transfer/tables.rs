//! Importing from the table of another backend.

use http::Method;
use rstest::rstest;
use serde_json::json;

use super::{INTO, assert_sound, old, run, succeed, titles};
use crate::support::{Backend, Database, Postgres, Sqlite, start, start_on};

/// Naive times, which are in UTC; one without a description, one with one that is empty.
const ROWS: &str = "(3, 'ann', 'Milk', NULL, FALSE, '2025-12-31 23:59:59.999999', '2026-01-01 00:00:00'), \
                    (7, 'bob', 'Überweisung 😀', 'for the flat', TRUE, '2026-01-02 08:30:00', '2026-01-03 08:30:00.5'), \
                    (8, 'ann', ' Bread ', '', TRUE, '2026-01-02 09:00:00', '2026-01-02 09:00:00');";

#[rstest]
#[tokio::test]
async fn the_old_tasks_are_there_with_their_ids_and_times(
    #[values(Sqlite, Postgres)] from: Backend,
    #[values(Sqlite, Postgres)] to: Backend,
) {
    let source = old(from, &format!("{INTO} {ROWS}")).await;
    let target = Database::empty(to).await;
    let told = succeed(&target.text, &["import", "--from", &source.text]);
    assert_eq!(told, "3 imported, 0 there before, 0 refused, of 3 rows\n");
    let app = start_on(target, |_| {});
    let list = app.get("ann", "/api/tasks").await;
    assert_eq!(
        list.json(),
        json!([
            { "id": 8, "title": "Bread", "description": "", "completed": true,
              "created_at": "2026-01-02T09:00:00.000000Z", "updated_at": "2026-01-02T09:00:00.000000Z" },
            { "id": 3, "title": "Milk", "description": null, "completed": false,
              "created_at": "2025-12-31T23:59:59.999999Z", "updated_at": "2026-01-01T00:00:00.000000Z" },
        ])
    );
    assert_eq!(app.get("ann", "/api/tasks/7").await.status, 403);
    assert_eq!(titles(&app, "bob").await, ["Überweisung 😀"]);
    // What only our own columns can tell: search, and the feed.
    let found = app.get("bob", "/api/tasks?search=%C3%9CBERWEISUNG").await.json();
    assert_eq!(found[0]["id"], 7);
    let changes = app.get("ann", "/api/tasks/changes?since=0").await.json();
    let ids: Vec<_> = changes["changes"].as_array().unwrap().iter().map(|change| &change["task"]["id"]).collect();
    assert_eq!(ids, [3, 8]);
    // What is made from now on comes after it.
    let etag = list.header("etag").to_owned();
    assert_eq!(app.create("ann", "new").await["id"], 9);
    assert_ne!(app.get("ann", "/api/tasks").await.header("etag"), etag);
    let missed = app.get("ann", &format!("/api/tasks/changes?since={}", changes["revision"].as_str().unwrap())).await;
    assert_eq!(missed.json()["changes"][0]["task"]["title"], "new");
    assert_sound(&app.database).await;
}

#[rstest]
#[tokio::test]
async fn a_second_run_brings_what_is_new_and_leaves_the_rest_alone(#[values(Sqlite, Postgres)] backend: Backend) {
    let source = old(backend, &format!("{INTO} {ROWS}")).await;
    let app = start(backend).await;
    succeed(&app.database.text, &["import", "--from", &source.text]);
    app.put("ann", "/api/tasks/3", json!({ "title": "Oat milk" })).await;
    app.delete("ann", "/api/tasks/8").await;
    let before = app.get("ann", "/api/tasks/changes?since=0").await.json();
    let more = format!("{INTO} (9, 'ann', 'later', NULL, FALSE, '2026-01-04', '2026-01-04')");
    source.execute(&more).await.unwrap();
    let told = succeed(&app.database.text, &["import", "--from", &source.text]);
    assert_eq!(told, "1 imported, 3 there before, 0 refused, of 4 rows\n");
    assert_eq!(titles(&app, "ann").await, ["later", "Oat milk"]);
    let since = before["revision"].as_str().unwrap();
    let after = app.get("ann", &format!("/api/tasks/changes?since={since}")).await.json();
    assert_eq!(after["changes"].as_array().unwrap().len(), 1, "what was there has not moved: {after}");
    assert_sound(&app.database).await;
}

#[rstest]
#[tokio::test]
async fn an_id_that_another_task_has_is_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for _ in 0..3 {
        app.create("ann", "made here").await;
    }
    // Of the same moment, and another user's; of the same user, and another moment.
    let source = old(backend, &format!("{INTO} {ROWS}")).await;
    let done = run(&app.database.text, &["import", "--from", &source.text]);
    assert_eq!((done.status, done.out.as_str()), (1, "2 imported, 0 there before, 1 refused, of 3 rows\n"));
    insta::allow_duplicates! { insta::assert_snapshot!(done.err, @r"
    refused id 3: id: another task has it
    taskgate: 1 of 3 rows were refused, see above; mend them where they come from and run it again.
    ") }
    assert_eq!(titles(&app, "ann").await, ["made here", "made here", "made here", "Bread"]);
    assert_eq!(app.create("ann", "next").await["id"], 9);
    assert_sound(&app.database).await;
}

#[rstest]
#[tokio::test]
async fn what_breaks_a_rule_is_reported_and_not_cut(#[values(Sqlite, Postgres)] backend: Backend) {
    let rows = "(1, 'ann', '   ', NULL, FALSE, '2026-01-01', '2026-01-01'), \
                (2, '', 'nobody', NULL, FALSE, '2026-01-01', '2026-01-01'), \
                (-3, 'ann', 'negative', NULL, FALSE, '2026-01-01', '2026-01-01'), \
                (4, 'ann', 'good', NULL, FALSE, '2026-01-01', '2026-01-01');";
    let source = old(backend, "").await;
    if backend == Postgres {
        source.execute("ALTER TABLE task ALTER COLUMN title TYPE TEXT").await.unwrap();
    }
    source.execute(&format!("{INTO} {rows}")).await.unwrap();
    let long = format!("{INTO} (5, 'ann', '{}', NULL, FALSE, '2026-01-01', '2026-01-01')", "x".repeat(201));
    source.execute(&long).await.unwrap();
    let app = start(backend).await;
    let args = ["import", "--from", &source.text];
    let done = run(&app.database.text, &args);
    assert_eq!((done.status, done.out.as_str()), (1, "1 imported, 0 there before, 4 refused, of 5 rows\n"));
    insta::allow_duplicates! { insta::assert_snapshot!(done.err, @r"
    refused id 2: user_id: must have 1 to 255 characters, none of them a control character
    refused id -3: id: must be from 1 to 2^53 - 1
    refused id 1: title: must have at least 1 character that is not white space
    refused id 5: title: must have at most 200 characters
    taskgate: 4 of 5 rows were refused, see above; mend them where they come from and run it again.
    ") }
    let (_folder, path) = super::file("refused.txt");
    let done = run(&app.database.text, &[&args[..], &["--refused", path.to_str().unwrap()]].concat());
    assert_eq!((done.status, done.err.lines().count()), (1, 1), "{}", done.err);
    assert!(std::fs::read_to_string(path).unwrap().contains("id 5: title: must have at most 200 characters\n"));
    assert_eq!(titles(&app, "ann").await, ["good"]);
}

#[rstest]
#[tokio::test]
async fn texts_without_end_and_with_a_nul_are_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let source = old(backend, "").await;
    if backend == Postgres {
        source.execute("ALTER TABLE task ALTER COLUMN description TYPE TEXT").await.unwrap();
    }
    let row = |id: i32, text: &str| format!("{INTO} ({id}, 'ann', 'a', {text}, FALSE, '2026-01-01', '2026-01-01')");
    // Of three bytes a character, so that a cut by bytes is within one.
    source.execute(&row(1, &format!("'{}'", "€".repeat(1_000_000)))).await.unwrap();
    source.execute(&row(2, &format!("'{}'", "€".repeat(1_000)))).await.unwrap();
    let mut told = "refused id 1: description: must have at most 1000 characters\n".to_owned();
    if backend == Sqlite {
        source.execute(&row(3, "'a' || char(0) || 'b'")).await.unwrap();
        source.execute(&row(4, "CAST(x'ff' AS TEXT)")).await.unwrap();
        told +=
            "refused id 3: description: must not contain a NUL character\nrefused id 4: description: is not UTF-8\n";
    }
    let app = start(backend).await;
    let done = run(&app.database.text, &["import", "--from", &source.text]);
    assert!(done.err.starts_with(&told) && done.out.starts_with("1 imported, "), "{done:?}");
    let description = app.get("ann", "/api/tasks/2").await.json()["description"].as_str().unwrap().to_owned();
    assert_eq!(description, "€".repeat(1_000));
}

#[tokio::test]
async fn at_a_terminal_there_is_a_bar_and_no_lines() {
    let source = old(Sqlite, &format!("{INTO} {ROWS}")).await;
    let target = Database::migrated(Sqlite).await;
    let (seen, code) = super::erase::at_a_terminal(&target.text, &format!("import --from {}", source.text), "");
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains(" of 3 rows, ") && seen.contains("\u{1b}["), "{seen:?}");
    assert!(seen.ends_with("3 imported, 0 there before, 0 refused, of 3 rows\r\n"), "{seen:?}");
}

#[rstest]
#[tokio::test]
async fn a_dry_run_changes_nothing(#[values(Sqlite, Postgres)] backend: Backend) {
    let source = old(backend, &format!("{INTO} {ROWS}")).await;
    let empty = Database::empty(backend).await;
    let args = ["import", "--dry-run", "--from", &source.text];
    let told = succeed(&empty.text, &args);
    assert_eq!(told, "a dry run, nothing is changed: 3 imported, 0 there before, 0 refused, of 3 rows\n");
    match backend {
        Sqlite => assert!(!empty.path().exists()),
        Postgres => {
            let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
            assert_eq!(empty.numbers(tables).await, [0]);
        }
    }
    // Where there are tables, what is there is seen.
    let app = start(backend).await;
    app.create("ann", "made here").await;
    app.create("ann", "made here").await;
    app.create("ann", "made here").await;
    let before = app.call("ann", Method::GET, "/api/tasks").send().await.header("etag").to_owned();
    let done = run(&app.database.text, &args);
    let told = "a dry run, nothing is changed: 2 imported, 0 there before, 1 refused, of 3 rows\n";
    assert_eq!((done.status, done.out.as_str()), (1, told));
    assert_eq!(app.get("ann", "/api/tasks").await.header("etag"), before);
    assert_eq!(app.create("ann", "next").await["id"], 4, "no id was taken");
}

#[rstest]
#[tokio::test]
async fn a_user_may_come_with_more_tasks_than_one_may_make(#[values(Sqlite, Postgres)] backend: Backend) {
    let source = old(backend, &format!("{INTO} {ROWS}")).await;
    let app = crate::support::start_with(backend, |options| options.max_tasks = 1).await;
    succeed(&app.database.text, &["import", "--from", &source.text]);
    assert_eq!(titles(&app, "ann").await.len(), 2);
    let refused = app.post("ann", "/api/tasks", json!({ "title": "one more" })).await;
    assert_eq!(refused.error(), (422, "QUOTA_EXCEEDED".to_owned()));
}
