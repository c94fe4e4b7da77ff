//! A user who leaves.

use std::io::Write as _;
use std::process::{Command, Stdio};

use futures_util::StreamExt as _;
use http::Method;
use rstest::rstest;
use serde_json::{Value, json};
use taskgate::store::Change;
use taskgate::task::{Position, Revision};
use taskgate::user::UserId;

use super::{assert_sound, run, succeed, titles};
use crate::process::Service;
use crate::support::{Backend, Postgres, Sqlite, TestApp, start};

/// Two users; one with two tasks, a deleted one and a key.
async fn two(backend: Backend) -> TestApp {
    let app = start(backend).await;
    for title in ["one", "two", "gone"] {
        app.create("ann", title).await;
    }
    app.create("bob", "bob's").await;
    app.delete("ann", "/api/tasks/3").await;
    let keyed = app.call("ann", Method::PUT, "/api/tasks/1").header("idempotency-key", "k");
    assert_eq!(keyed.json(&json!({ "title": "one" })).send().await.status, 200);
    app
}

async fn left(app: &TestApp) -> Vec<i64> {
    let counts = ["tasks", "owners", "idempotency_keys"].map(|table| format!("SELECT count(*) AS number FROM {table}"));
    app.database.numbers(&counts.join(" UNION ALL ")).await
}

#[rstest]
#[tokio::test]
async fn nothing_is_left_of_one_and_all_of_the_others(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = two(backend).await;
    let told = succeed(&app.database.text, &["erase", "--sub", "ann", "--yes"]);
    assert_eq!(told, "2 tasks, 1 deleted tasks and 1 idempotency keys are erased\n");
    assert_eq!(left(&app).await, [1, 1, 0]);
    assert_eq!(titles(&app, "bob").await, ["bob's"]);
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([]));
    assert_eq!(app.get("ann", "/api/tasks/1").await.status, 404);
    let again = succeed(&app.database.text, &["erase", "--sub", "ann", "--yes"]);
    assert_eq!(again, "0 tasks, 0 deleted tasks and 0 idempotency keys are erased\n");
    assert_sound(&app.database).await;
}

#[rstest]
#[tokio::test]
async fn nobody_is_erased_unasked(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = two(backend).await;
    let done = run(&app.database.text, &["erase", "--sub", "ann"]);
    assert_eq!((done.status, done.out.as_str()), (2, ""));
    assert!(done.err.contains("write --yes to erase without being asked"), "{}", done.err);
    for (answer, status) in [("\n", 1), ("n\n", 1), ("perhaps\n", 1), ("y\n", 0)] {
        assert_eq!(left(&app).await, [4, 2, 1]);
        let (seen, code) = at_a_terminal(&app.database.text, "erase --sub ann", answer);
        assert_eq!(code, status, "{seen}");
        let question = "Erase 2 tasks, 1 deleted tasks and 1 idempotency keys of ann for good? [y/N] ";
        assert!(seen.contains(question), "{seen}");
    }
    assert_eq!(left(&app).await, [1, 1, 0]);
}

/// Runs a command where somebody sits at a terminal and answers.
pub fn at_a_terminal(database: &str, args: &str, answer: &str) -> (String, i32) {
    let program = format!("{} {args}", env!("CARGO_BIN_EXE_taskgate"));
    let mut command: Command = Service::command("script", database, &[]);
    command.args(["-qec", &program, "/dev/null"]).env("PATH", "/usr/bin:/bin").env("TERM", "xterm");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(answer.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

#[rstest]
#[tokio::test]
async fn who_follows_begins_again_and_old_tags_stay_old(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = two(backend).await;
    let list = app.get("ann", "/api/tasks").await;
    let tag = list.header("etag").to_owned();
    let before = app.graphql("ann", "{ viewer { revision } }", Value::Null).await;
    let before = before["data"]["viewer"]["revision"].as_str().unwrap().to_owned();
    let ann = UserId::parse("ann").unwrap();
    let after = Position::at(Revision::parse(&before).unwrap());
    let mut changes = Box::pin(app.store.follow(ann.clone(), Some(after)).map(|entry| entry.unwrap().change));
    let erased = app.store.erase(ann.clone()).await.unwrap();
    assert_eq!((erased.tasks, erased.tombstones, erased.keys), (2, 1, 1));
    assert_eq!(changes.next().await.unwrap(), Change::Reset);

    let conditional = || app.call("ann", Method::GET, "/api/tasks").header("if-none-match", &tag);
    let fresh = conditional().send().await;
    assert_eq!((fresh.status.as_u16(), fresh.json()), (200, json!([])));
    let missed = app.get("ann", &format!("/api/tasks/changes?since={before}")).await.json();
    assert_eq!(missed["changes"][0]["type"], "reset");

    // Should the user come back, no old number comes again.
    let made = app.create("ann", "back").await;
    let now = app.graphql("ann", "{ viewer { revision } }", Value::Null).await;
    let now: i64 = now["data"]["viewer"]["revision"].as_str().unwrap().parse().unwrap();
    assert!(now > before.parse().unwrap(), "{now} after {before}");
    assert_eq!(conditional().send().await.json(), json!([made]));
    assert!(matches!(changes.next().await.unwrap(), Change::Upserted(task) if task.title == "back"));
    let stale = app.get("ann", &format!("/api/tasks/changes?since={before}")).await.json();
    assert_eq!(stale["changes"][0]["type"], "upserted", "all that there is comes after it: {stale}");
    assert_sound(&app.database).await;
}
