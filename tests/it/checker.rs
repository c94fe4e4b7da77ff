//! What was acknowledged is there, exactly once, whatever was killed in the meantime.

#![allow(clippy::print_stdout, reason = "figures for whoever runs it with --nocapture")]

use std::path::Path;
use std::time::Duration;

use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection};

use crate::process::Service;
use crate::support::caller::Caller;
use crate::support::checker::{Checker, Ledger};
use crate::support::cluster::Cluster;
use crate::support::{Database, Sqlite};

/// How many kills a test is made of. A larger number is for doing it by hand; see CONTRIBUTING.md.
const KILLS: &str = "TASKGATE_TEST_KILLS";

/// The outer bound of what a loaded machine may take, where the promise is 2 s.
const PATIENCE: Duration = Duration::from_secs(10);

fn kills() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "how long to test is a matter of who tests")]
    std::env::var(KILLS).map_or(3, |text| text.parse().unwrap())
}

/// Told with `--nocapture`.
fn report(what: &str, ledger: &Ledger, recoveries: &mut [Duration]) {
    recoveries.sort();
    println!(
        "{what} killed {} times: {} writes acknowledged, {} refused, {} unknown; slowest answer {:?}, slowest 503 {:?}; \
         recovered within {:?} (median), {:?} (most)",
        recoveries.len(),
        ledger.acknowledged.len(),
        ledger.failed.len(),
        ledger.unknown.len(),
        ledger.slowest,
        ledger.slowest_503,
        recoveries[recoveries.len() / 2],
        recoveries[recoveries.len() - 1],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_killed_under_load() {
    let mut cluster = Cluster::new();
    cluster.start().await;
    let service = Service::wait(Service::spawn(&cluster.url()));
    Caller::new().until(&service.address, "/readyz", 200).await;
    let checker = Checker::start(&service.address);
    let mut recoveries = Vec::new();
    for round in 0..kills() {
        checker.acknowledge(50).await;
        tokio::time::sleep(Duration::from_millis(round * 37 % 100)).await;
        cluster.kill();
        // Long enough for requests to be refused, and short enough for them to be saved.
        tokio::time::sleep(Duration::from_millis(if round % 3 == 0 { 2500 } else { 100 })).await;
        cluster.start().await;
        recoveries.push(checker.acknowledge(1).await);
    }
    let ledger = checker.finish().await;
    report("PostgreSQL", &ledger, &mut recoveries);
    assert!(ledger.slowest < PATIENCE, "{:?}", ledger.slowest);
    assert!(recoveries.iter().all(|recovery| *recovery < PATIENCE), "{recoveries:?}");
    assert!(!ledger.failed.is_empty() && !ledger.unknown.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taskgate_is_killed_in_the_middle_of_writes_to_sqlite() {
    let database = Database::empty(Sqlite).await;
    let mut service = Service::wait(Service::spawn(&database.text));
    let checker = Checker::start(&service.address);
    let mut recoveries = Vec::new();
    for round in 0..kills() {
        checker.acknowledge(50).await;
        tokio::time::sleep(Duration::from_millis(round * 37 % 100)).await;
        service.child.kill().unwrap();
        service.child.wait().unwrap();
        service = Service::wait(Service::spawn(&database.text));
        checker.move_to(&service.address);
        recoveries.push(checker.acknowledge(1).await);
    }
    let ledger = checker.finish().await;
    report("taskgate", &ledger, &mut recoveries);
    assert!(recoveries.iter().all(|recovery| *recovery < PATIENCE), "{recoveries:?}");
    drop(service);
    assert_eq!(integrity(Path::new(database.text.strip_prefix("sqlite://").unwrap())), "ok");
}

/// What SQLite itself says of a file.
pub fn integrity(file: &Path) -> String {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        integrity_check: String,
    }
    let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    let row: Row = diesel::sql_query("PRAGMA integrity_check").get_result(&mut connection).unwrap();
    row.integrity_check
}
