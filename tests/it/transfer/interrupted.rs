//! Imports that are cut off, and go on.

use std::process::Child;
use std::time::{Duration, Instant};

use super::{assert_sound, command, run, succeed};
use crate::support::cluster::Cluster;
use crate::support::{Database, Postgres, Sqlite};

/// Enough to be cut off in the middle of.
const ROWS: i64 = 40_000;

const TABLE: &str =
    "CREATE TABLE task (id BIGINT PRIMARY KEY, user_id TEXT, title TEXT, completed INTEGER, created_at TEXT);
    INSERT INTO task WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 40000)
    SELECT id, 'user' || (id % 50), 'task ' || id, id % 2, '2026-01-01 00:00:00' FROM n;";

async fn connected(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A running import, once it has imported something.
async fn under_way(target: &Database, from: &str) -> Child {
    let child = command(&target.text, &["import", "--from", from]).spawn().unwrap();
    let begun = Instant::now();
    while imported(target).await == 0 {
        assert!(begun.elapsed() < Duration::from_mins(1), "nothing is imported");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child
}

async fn imported(target: &Database) -> i64 {
    target.numbers("SELECT count(*) FROM tasks").await[0]
}

/// All of it is there once, whatever happened before.
async fn goes_on(target: &Database, from: &str) {
    let before = imported(target).await;
    assert!(before < ROWS, "it was cut off too late");
    let told = succeed(&target.text, &["import", "--from", from]);
    assert_eq!(told, format!("{} imported, {before} there before, 0 refused, of {ROWS} rows\n", ROWS - before));
    assert_eq!(imported(target).await, ROWS);
    assert_sound(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_goes_away_is_told_and_gone_on_from() {
    let mut cluster = Cluster::new();
    cluster.start().await;
    connected(&cluster.url()).await.batch_execute(TABLE).await.unwrap();
    connected(&cluster.url()).await.batch_execute("CHECKPOINT").await.unwrap();
    let target = Database::migrated(Postgres).await;
    let child = under_way(&target, &cluster.url()).await;
    cluster.kill();
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1), "{out} {err}");
    let sentence = "taskgate: The import was broken off: --from cannot be read any further: ";
    assert!(err.starts_with(sentence) && err.contains("run the same command again"), "{err}");
    let count = imported(&target).await;
    assert_eq!(
        out,
        format!("{count} imported, 0 there before, 0 refused, of {count} rows\n"),
        "it says how far it got"
    );
    cluster.start().await;
    goes_on(&target, &cluster.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_goes_away_is_told_and_gone_on_from() {
    let source = Database::empty(Sqlite).await;
    std::fs::write(source.path(), "").unwrap();
    source.execute(TABLE).await.unwrap();
    let mut cluster = Cluster::new();
    cluster.start().await;
    succeed(&cluster.url(), &["migrate", "run"]);
    let mut child = command(&cluster.url(), &["import", "--from", &source.text]).spawn().unwrap();
    let client = connected(&cluster.url()).await;
    while client.query_one("SELECT count(*) FROM tasks", &[]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "{:?}", child.wait_with_output().unwrap());
    }
    cluster.kill();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("The import was broken off: the database failed: "), "{err}");
    cluster.start().await;
    let client = connected(&cluster.url()).await;
    let before: i64 = client.query_one("SELECT count(*) FROM tasks", &[]).await.unwrap().get(0);
    let told = succeed(&cluster.url(), &["import", "--from", &source.text]);
    assert_eq!(told, format!("{} imported, {before} there before, 0 refused, of {ROWS} rows\n", ROWS - before));
    // A revision of its own for each, and the next to come.
    let sound = "SELECT count(*) FROM owners WHERE task_count = 800 AND \
                 (SELECT count(DISTINCT revision) FROM tasks WHERE tasks.user_id = owners.user_id) = 800";
    assert_eq!(client.query_one(sound, &[]).await.unwrap().get::<_, i64>(0), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_goes_on() {
    let source = Database::empty(Sqlite).await;
    std::fs::write(source.path(), "").unwrap();
    source.execute(TABLE).await.unwrap();
    let target = Database::migrated(Sqlite).await;
    let mut child = under_way(&target, &source.text).await;
    child.kill().unwrap();
    child.wait().unwrap();
    goes_on(&target, &source.text).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_import_everything_once() {
    let source = Database::empty(Sqlite).await;
    std::fs::write(source.path(), "").unwrap();
    source.execute(&TABLE.replace("40000", "5000")).await.unwrap();
    let target = Database::migrated(Postgres).await;
    let children = [(); 2].map(|()| command(&target.text, &["import", "--from", &source.text]).spawn().unwrap());
    let mut sum = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{out} {}", String::from_utf8_lossy(&output.stderr));
        sum += out.split(' ').next().unwrap().parse::<i64>().unwrap();
    }
    assert_eq!((sum, imported(&target).await), (5_000, 5_000));
    assert_sound(&target).await;
    assert_eq!(run(&target.text, &["import", "--from", &source.text]).status, 0);
}
