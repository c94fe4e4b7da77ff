//! Out into a file, and in from one.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use rstest::rstest;
use serde_json::{Value, json};

use super::{assert_sound, command, file, run, succeed, titles};
use crate::support::{Backend, Database, Postgres, Sqlite, TestApp, start, start_on};

/// Tasks of two users, one of them deleted.
async fn filled(backend: Backend) -> TestApp {
    let app = start(backend).await;
    let tricky = "Milk, \"oat\";\r\n=1+1 😀 \u{2028}\t";
    app.post("ann", "/api/tasks", json!({ "title": tricky, "description": " \n" })).await;
    app.create("bob", "bob's").await;
    app.create("ann", "gone").await;
    app.post("ann", "/api/tasks", json!({ "title": "-plain", "description": "a,b\r\n\"c\"" })).await;
    app.delete("ann", "/api/tasks/3").await;
    app.patch("bob", "/api/tasks/2/complete", json!({})).await;
    app
}

#[rstest]
#[tokio::test]
async fn what_goes_out_comes_in_as_it_was(
    #[values(Sqlite, Postgres)] from: Backend,
    #[values("jsonl", "csv")] format: &str,
) {
    let app = filled(from).await;
    let (_folder, path) = file(&format!("tasks.{format}"));
    let path = path.to_str().unwrap();
    assert_eq!(succeed(&app.database.text, &["export", "-o", path]), "");
    let whole = fs::read_to_string(path).unwrap();
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let other = Database::empty(if from == Sqlite { Postgres } else { Sqlite }).await;
    assert_eq!(succeed(&other.text, &["import", "--from", path]), "3 imported, 0 there before, 0 refused, of 3 rows\n");
    assert_eq!(succeed(&other.text, &["export", "--format", format]), whole, "the same file comes out again");
    // Where they came from they are there.
    assert_eq!(
        succeed(&app.database.text, &["import", "--from", path]),
        "0 imported, 3 there before, 0 refused, of 3 rows\n"
    );
    let other = start_on(other, |_| {});
    for user in ["ann", "bob"] {
        assert_eq!(other.get(user, "/api/tasks").await.json(), app.get(user, "/api/tasks").await.json());
    }
    assert_eq!(other.create("ann", "next").await["id"], 5);
    assert_sound(&other.database).await;
}

#[rstest]
#[tokio::test]
async fn a_file_has_a_task_a_line(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = filled(backend).await;
    let (_folder, path) = file("tasks");
    let bobs = app.get("bob", "/api/tasks/2").await.json();
    let (made, changed) = (bobs["created_at"].as_str().unwrap(), bobs["updated_at"].as_str().unwrap());
    let line = format!(
        r#"{{"id":2,"user_id":"bob","title":"bob's","description":null,"completed":true,"created_at":"{made}","updated_at":"{changed}"}}"#
    );
    assert_eq!(succeed(&app.database.text, &["export", "--sub", "bob"]), line + "\n");
    let header = "id,user_id,title,description,completed,created_at,updated_at\n";
    let csv = succeed(&app.database.text, &["export", "--sub", "bob", "--format", "csv"]);
    assert_eq!(csv, format!("{header}2,bob,bob's,,true,{made},{changed}\n"));
    let nobody = succeed(&app.database.text, &["export", "--sub", "carl", "--format", "csv"]);
    assert_eq!(nobody, header);
    // A file that is there is not written over.
    fs::write(&path, "precious").unwrap();
    let done = run(&app.database.text, &["export", "-o", path.to_str().unwrap()]);
    assert_eq!((done.status, done.err.contains("name a new file")), (1, true), "{done:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    // Nor is a database made where there is none.
    let empty = Database::empty(backend).await;
    for args in [&["export"][..], &["erase", "--sub", "ann", "--yes"]] {
        let done = run(&empty.text, args);
        assert_eq!((done.status, done.err.contains("check DATABASE_URL")), (1, true), "{done:?}");
    }
    assert!(backend == Postgres || !empty.path().exists());
}

#[tokio::test]
async fn files_of_others_go_by_the_names_of_their_columns() {
    let app = start(Sqlite).await;
    let (_folder, path) = file("old.csv");
    let csv = "\u{feff}is_completed,id,owner_id,title,created_at,ignored\r\n\
               1,a-7,ann,\"two\r\nlines\",2026-01-01 00:00:00,x\r\nfalse,12,ann,kept,2026-01-02,\r\n";
    fs::write(&path, csv).unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(
        succeed(&app.database.text, &["import", "--from", path]),
        "2 imported, 0 there before, 0 refused, of 2 rows\n"
    );
    assert_eq!(titles(&app, "ann").await, ["kept", "two\r\nlines"]);
    assert_eq!(app.get("ann", "/api/tasks/12").await.json()["title"], "kept");

    let line = json!({ "id": 20, "owner": "ann", "title": "by hand", "done": true, "created_at": "2026-01-03" });
    let args = ["import", "--from", "-", "--column", "user_id=owner", "--column", "completed=done"];
    let mut child = command(&app.database.text, &args).stdin(Stdio::piped()).spawn().unwrap();
    write!(child.stdin.take().unwrap(), "\n{line}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(app.get("ann", "/api/tasks/20").await.json()["completed"], Value::Bool(true));
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_fault() {
    let app = start(Sqlite).await;
    let rows: Vec<Value> = (0..100).map(|_| json!({ "op": "create", "title": "x".repeat(200) })).collect();
    for _ in 0..10 {
        assert_eq!(app.post("ann", "/api/tasks/bulk", json!(rows)).await.status, 200);
    }
    let mut child = command(&app.database.text, &["export"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}
