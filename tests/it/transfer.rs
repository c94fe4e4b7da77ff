//! Tasks that come from another backend or a file, go into a file, or leave with their user.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::Service;
use crate::support::{Backend, Database, Postgres, Sqlite, TestApp};

mod broken;
mod erase;
mod files;
mod followers;
mod guide;
mod ids;
mod interrupted;
mod tables;

/// What a command did.
#[derive(Debug)]
struct Done {
    status: i32,
    out: String,
    err: String,
}

/// The program, to be run on `database`, where nobody is at a terminal.
fn command(database: &str, args: &[&str]) -> Command {
    let mut command = Service::command(env!("CARGO_BIN_EXE_taskgate"), database, &[]);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

fn run(database: &str, args: &[&str]) -> Done {
    let output = command(database, args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs what has to succeed; answers what it printed.
#[track_caller]
fn succeed(database: &str, args: &[&str]) -> String {
    let done = run(database, args);
    assert_eq!((done.status, done.err.as_str()), (0, ""), "{args:?}: {done:?}");
    done.out
}

/// A database of the old backend, with a table of whole numbers and naive times.
async fn old(backend: Backend, rows: &str) -> Database {
    let database = Database::empty(backend).await;
    if backend == Sqlite {
        std::fs::write(database.path(), "").unwrap();
    }
    let (id, time) = match backend {
        Sqlite => ("INTEGER NOT NULL PRIMARY KEY", "DATETIME"),
        Postgres => ("SERIAL PRIMARY KEY", "TIMESTAMP"),
    };
    let table = format!(
        "CREATE TABLE task (title VARCHAR(200) NOT NULL, description VARCHAR(1000), id {id}, user_id VARCHAR NOT NULL, \
         completed BOOLEAN NOT NULL, created_at {time} NOT NULL, updated_at {time} NOT NULL);"
    );
    database.execute(&format!("{table} {rows}")).await.unwrap();
    database
}

const INTO: &str = "INSERT INTO task (id, user_id, title, description, completed, created_at, updated_at) VALUES";

/// A folder, and the path of a file in it that is not there.
fn file(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    (folder, path)
}

/// The titles that a user has, the newest first.
async fn titles(app: &TestApp, user: &str) -> Vec<String> {
    let list: Vec<Value> = serde_json::from_value(app.get(user, "/api/tasks").await.json()).unwrap();
    list.iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
}

/// What the owners' rows say is what the tasks say.
async fn assert_sound(database: &Database) {
    let counted = database.numbers("SELECT task_count FROM owners ORDER BY user_id").await;
    let live = "SELECT (SELECT count(*) FROM tasks WHERE tasks.user_id = owners.user_id AND deleted_at IS NULL) \
                FROM owners ORDER BY user_id";
    assert_eq!(counted, database.numbers(live).await);
    let ahead = "SELECT count(*) FROM tasks JOIN owners ON owners.user_id = tasks.user_id \
                 WHERE tasks.revision > owners.revision";
    assert_eq!(database.numbers(ahead).await, [0]);
}
