//! Ids that are no whole numbers, and tables that are called otherwise.

use std::fs;

use rstest::rstest;
use serde_json::json;

use super::{assert_sound, file, run, succeed, titles};
use crate::support::{Backend, Database, Postgres, Sqlite, start};

const FIRST: &str = "6b1f9d1e-8f0a-4c1b-9d55-0c8f3f7a2b11";
const SECOND: &str = "0a3c2d4e-1111-4222-8333-444455556666";

/// A table as another backend has it: UUIDs, an owner, times with a zone where there are such.
async fn tasks(backend: Backend) -> Database {
    let database = Database::empty(backend).await;
    if backend == Sqlite {
        fs::write(database.path(), "").unwrap();
    }
    let (id, time) = if backend == Postgres { ("UUID", "TIMESTAMPTZ") } else { ("CHAR(36)", "DATETIME") };
    let first = if backend == Postgres { "2026-01-01 02:00:00+02" } else { "2026-01-01 00:00:00" };
    let sql = format!(
        "CREATE TABLE tasks (id {id} NOT NULL PRIMARY KEY, owner_id VARCHAR NOT NULL, title VARCHAR NOT NULL, \
         is_completed BOOLEAN NOT NULL, created_at {time} NOT NULL); \
         INSERT INTO tasks VALUES ('{SECOND}', 'ann', 'second', TRUE, '2026-01-02 00:00:00'), \
         ('{FIRST}', 'ann', 'first', FALSE, '{first}');"
    );
    database.execute(&sql).await.unwrap();
    database
}

#[rstest]
#[tokio::test]
async fn other_ids_become_numbers_once_and_for_all(#[values(Sqlite, Postgres)] backend: Backend) {
    let source = tasks(backend).await;
    let app = start(backend).await;
    app.create("bob", "made here").await;
    let (_folder, path) = file("ids.csv");
    let args = ["import", "--from", &source.text, "--id-map", path.to_str().unwrap()];
    let told = succeed(&app.database.text, &args);
    assert_eq!(told, "2 imported, 0 there before, 0 refused, of 2 rows\n");
    let map = fs::read_to_string(&path).unwrap();
    assert_eq!(map, format!("source_id,id\n{FIRST},2\n{SECOND},3\n"), "the oldest first");
    let task = app.get("ann", "/api/tasks/2").await.json();
    let at = "2026-01-01T00:00:00.000000Z";
    let whole = json!({ "id": 2, "title": "first", "description": null, "completed": false,
                        "created_at": at, "updated_at": at });
    assert_eq!(task, whole);

    fs::remove_file(&path).unwrap();
    app.delete("ann", "/api/tasks/3").await;
    let told = succeed(&app.database.text, &args);
    assert_eq!(told, "0 imported, 2 there before, 0 refused, of 2 rows\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), map, "the map is whole after every run");
    // Once the tombstone is swept, too.
    app.clock.advance_seconds(31 * 86_400);
    app.store.sweep().await.unwrap();
    let told = succeed(&app.database.text, &args);
    assert_eq!(told, "0 imported, 2 there before, 0 refused, of 2 rows\n");
    assert_eq!(titles(&app, "ann").await, ["first"]);
    assert_eq!(app.create("ann", "next").await["id"], 4);
    assert_sound(&app.database).await;
}

#[rstest]
#[tokio::test]
async fn names_are_given_where_they_are_not_the_usual_ones(#[values(Sqlite, Postgres)] backend: Backend) {
    let source = Database::empty(backend).await;
    if backend == Sqlite {
        fs::write(source.path(), "").unwrap();
    }
    let sql = "CREATE TABLE \"to\"\"do\" (id INTEGER, account INTEGER, title TEXT, \"Done?\" INTEGER, made TEXT); \
               INSERT INTO \"to\"\"do\" VALUES (5, 42, 'odd', 1, '2026-01-01T00:00:00Z'); CREATE TABLE other (x TEXT);";
    source.execute(sql).await.unwrap();
    let app = start(backend).await;
    let mut args = vec!["import", "--from", &source.text];
    let told = |args: &[&str]| {
        let done = run(&app.database.text, args);
        assert_eq!(done.status, 1, "{done:?}");
        done.err
    };
    let refusal = told(&args);
    assert!(refusal.contains("There is no table task or tasks; there are ") && refusal.contains("to\"do"), "{refusal}");
    args.extend(["--table", "to\"do"]);
    let refusal = told(&args);
    let sentence = "has no column user_id or owner_id; it has id, account, title, Done?, made.";
    assert!(refusal.contains(sentence), "{refusal}");
    args.extend(["--column", "user_id=account", "--column", "completed=Done?", "--column", "created_at=made"]);
    assert_eq!(succeed(&app.database.text, &args), "1 imported, 0 there before, 0 refused, of 1 rows\n");
    assert_eq!(app.get("42", "/api/tasks/5").await.json()["completed"], true);
}

#[rstest]
#[tokio::test]
async fn a_row_twice_is_there_once_and_another_of_its_id_is_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let source = Database::empty(backend).await;
    if backend == Sqlite {
        fs::write(source.path(), "").unwrap();
    }
    let sql = "CREATE TABLE task (id INTEGER, user_id TEXT, title TEXT, completed INTEGER, created_at TEXT); \
               INSERT INTO task VALUES (5, 'ann', 'one', 1, '2026-01-01'), (5, 'ann', 'one', 1, '2026-01-01'), \
               (6, 'ann', 'two', 1, '2026-01-01'), (6, 'bob', 'another', 1, '2026-01-01');";
    source.execute(sql).await.unwrap();
    let app = start(backend).await;
    for told in ["2 imported, 1 there before", "0 imported, 3 there before"] {
        let done = run(&app.database.text, &["import", "--from", &source.text]);
        assert_eq!((done.status, done.out), (1, format!("{told}, 1 refused, of 4 rows\n")));
        assert!(done.err.starts_with("refused id 6: id: another task has it\n"), "{}", done.err);
    }
    assert_sound(&app.database).await;
}

#[rstest]
#[tokio::test]
async fn what_is_no_table_of_tasks_is_told(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let empty = Database::empty(backend).await;
    let (_folder, text) = file("notes.txt");
    fs::write(&text, "this is no database, and it is long enough to be looked at as one ".repeat(9)).unwrap();
    let no_database = match backend {
        Sqlite => {
            fs::write(empty.path(), "").unwrap();
            format!("sqlite://{}", text.display())
        }
        Postgres => {
            let mut url: url::Url = empty.text.parse().unwrap();
            url.set_path("nothing");
            url.into()
        }
    };
    let other = start(backend).await;
    for (from, told) in [
        (empty.text.as_str(), "There are no tables in the database of --from."),
        (no_database.as_str(), "cannot be read: "),
        ("sqlite:///no/such.db", "there is no file /no/such.db"),
        ("/no/such.jsonl", "/no/such.jsonl cannot be read: "),
        ("/", "cannot be read: "),
        (
            other.database.text.as_str(),
            "taskgate's own; move tasks from one taskgate to another with `taskgate export`",
        ),
    ] {
        let done = run(&app.database.text, &["import", "--from", from]);
        assert_eq!((done.status, done.out.as_str()), (1, ""), "{done:?}");
        assert!(done.err.starts_with("taskgate: ") && done.err.contains(told), "{}", done.err);
        assert_eq!(done.err.lines().count(), 1, "{}", done.err);
    }
    for args in [
        &["--from", "mysql://u:hunter2@h/d"][..],
        &["--from", "a.csv", "--table", "x"],
        &["--from", "a", "--column", "x"],
    ] {
        let done = run(&app.database.text, &[&["import"], args].concat());
        assert_eq!(done.status, 2, "{done:?}");
        assert!(!done.err.contains("hunter2"), "{}", done.err);
    }
}
