//! SQLite on a disk that is full, and a file that another process holds or took away.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use http::Method;
use serde_json::json;
use taskgate::clock::SystemClock;
use taskgate::error::Code;
use taskgate::store::Store;

use super::serve;
use crate::checker::integrity;
use crate::process::{SECRET, Service};
use crate::support::caller::Caller;
use crate::support::{Database, Sqlite};

#[tokio::test]
async fn a_file_that_another_process_has_locked_is_waited_for() {
    let database = Database::empty(Sqlite).await;
    let (service, caller) = serve(&database.text, []).await;
    let address = service.address.as_str();
    assert_eq!(caller.create(address, "first").await.status, 201);
    let mut other = SqliteConnection::establish(database.path().to_str().unwrap()).unwrap();
    other.batch_execute("PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE").unwrap();
    let (refused, second, read) = tokio::join!(
        caller.create(address, "second"),
        caller.create(address, "third"),
        caller.get(address, "/api/tasks/1")
    );
    println!("refused after {:?} and {:?}", refused.took, second.took);
    for refused in [&refused, &second] {
        assert_eq!(refused.error(), (503, "UNAVAILABLE"));
        assert_eq!(refused.headers["retry-after"], "1");
        assert!(refused.took < Duration::from_secs(8), "{:?}", refused.took);
    }
    assert_eq!(read.status, 200, "who reads waits for no writer");
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(caller.create(address, "fourth").await.status, 201);
    assert_eq!(caller.get(address, "/api/tasks").await.body.as_array().unwrap().len(), 2);
}

/// The limit on the size of files stands for a full disk: without rights that a test should not need, there is no disk
/// to fill. SQLite calls it an I/O error.
#[tokio::test]
async fn a_full_disk_stops_writes_and_nothing_else() {
    let database = Database::empty(Sqlite).await;
    // With the signal ignored, as the shell leaves it, a write beyond the limit fails and does not kill.
    let child = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" serve"#, env!("CARGO_BIN_EXE_taskgate")])
        .env_clear()
        .envs([("DATABASE_URL", database.text.as_str()), ("BETTER_AUTH_SECRET", SECRET), ("LISTEN", "127.0.0.1:0")])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (service, caller) = (Service::wait(child), Caller::new());
    let address = service.address.as_str();
    caller.until(address, "/readyz", 200).await;
    let limit = |limit: &str| {
        let done = Command::new("prlimit").arg(format!("--pid={}", service.child.id())).arg(limit).status();
        assert!(done.unwrap().success());
    };
    limit("--fsize=400000:unlimited");
    let body = || json!({ "title": "large", "description": "x".repeat(1000) });
    let mut written = 0;
    let refused = loop {
        let reply = caller.call(Method::POST, address, "/api/tasks", Some(body())).await.unwrap();
        if reply.status != 201 {
            break reply;
        }
        written += 1;
        assert!(written < 1000, "there is no end to it");
    };
    assert_eq!(refused.error(), (503, "UNAVAILABLE"));
    // A small one may have fitted still.
    limit("--fsize=4096:unlimited");
    for _ in 0..3 {
        assert_eq!(caller.create(address, "no room").await.status, 503);
        let list = caller.get(address, "/api/tasks").await;
        assert_eq!((list.status.as_u16(), list.body.as_array().unwrap().len()), (200, written));
    }
    limit("--fsize=unlimited:unlimited");
    assert_eq!(caller.create(address, "room again").await.status, 201);
    assert_eq!(caller.get(address, "/api/tasks").await.body.as_array().unwrap().len(), written + 1);
    drop(service);
    assert_eq!(integrity(database.path()), "ok");
}

#[tokio::test]
async fn a_file_that_is_gone_is_not_made_anew() {
    let database = Database::migrated(Sqlite).await;
    let elsewhere = database.path().with_extension("moved");
    let store = Store::new(&database.url, 1, Arc::new(SystemClock));
    fs::rename(database.path(), &elsewhere).unwrap();
    let error = store.check().await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(!database.path().exists());
    fs::rename(&elsewhere, database.path()).unwrap();
    store.check().await.unwrap();
}
