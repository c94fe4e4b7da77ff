//! PostgreSQL that loses connections, has none left, hangs, or is slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::serve;
use crate::support::caller::Caller;
use crate::support::wire::Wire;
use crate::support::{Database, Postgres};

/// What a kind of call came to.
#[derive(Default)]
struct Tally {
    calls: AtomicUsize,
    failed: AtomicUsize,
}

/// Short reads, which share a connection, slow ones and writes, until it is over.
async fn work(kind: usize, caller: Caller, address: String, tally: Arc<Tally>, is_over: Arc<AtomicBool>) {
    while !is_over.load(Ordering::SeqCst) {
        let reply = match kind {
            0 => caller.get(&address, "/api/tasks/1").await,
            1 => caller.get(&address, "/api/tasks?search=milk&limit=1").await,
            _ => caller.create(&address, "more").await,
        };
        if !reply.status.is_success() {
            assert_eq!(reply.error(), (503, "UNAVAILABLE"));
            tally.failed.fetch_add(1, Ordering::SeqCst);
        }
        tally.calls.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminated_backend_costs_at_most_one_request() {
    const TERMINATED: usize = 15;
    let database = Database::migrated(Postgres).await;
    let (service, caller) = serve(&database.text, []).await;
    assert_eq!(caller.create(&service.address, "milk").await.status, 201);
    let is_over = Arc::new(AtomicBool::new(false));
    let tallies: [Arc<Tally>; 9] = Default::default();
    let workers: Vec<_> = (0..9)
        .map(|worker| {
            let tally = Arc::clone(&tallies[worker]);
            let address = service.address.clone();
            tokio::spawn(work(worker % 3, caller.clone(), address, tally, Arc::clone(&is_over)))
        })
        .collect();
    let operator = database.connect().await;
    for _ in 0..TERMINATED {
        // One by one: no request is to see two of them.
        let calls = |tally: &Arc<Tally>| tally.calls.load(Ordering::SeqCst);
        let (begun, before) = (Instant::now(), tallies.iter().map(calls).collect::<Vec<_>>());
        while tallies.iter().zip(&before).any(|(tally, before)| calls(tally) < before + 2) {
            assert!(begun.elapsed() < Duration::from_mins(1), "a caller waits for ever, or failed");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let terminated = operator
            .query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'taskgate' ORDER BY random() LIMIT 1",
                &[],
            )
            .await;
        terminated.unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    for worker in workers {
        worker.await.unwrap();
    }
    let failed = |kind: usize| -> usize {
        tallies.iter().skip(kind).step_by(3).map(|tally| tally.failed.load(Ordering::SeqCst)).sum()
    };
    let calls: usize = tallies.iter().map(|tally| tally.calls.load(Ordering::SeqCst)).sum();
    let (short, slow, writes) = (failed(0), failed(1), failed(2));
    println!("{TERMINATED} backends terminated in {calls} calls: {short} + {slow} reads and {writes} writes failed");
    assert_eq!((short, slow), (0, 0), "a read is repeated on another connection");
    assert!(writes <= TERMINATED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_free_connection_callers_are_told_to_come_back() {
    let database = Database::migrated(Postgres).await;
    let (service, caller) =
        serve(&database.text, [("DATABASE_POOL_SIZE", "2"), ("TASKGATE_STATEMENT_TIMEOUT", "30s")]).await;
    let address = service.address.clone();
    assert_eq!(caller.create(&address, "first").await.status, 201);
    let mut operator = database.connect().await;
    let lock = operator.transaction().await.unwrap();
    lock.batch_execute("SELECT * FROM owners FOR UPDATE").await.unwrap();
    let waiting = tokio::spawn({
        let (caller, address) = (caller.clone(), address.clone());
        async move { caller.create(&address, "has the only connection").await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;

    let refused = caller.create(&address, "finds none");
    let others = async {
        let begun = Instant::now();
        for path in ["/livez", "/readyz", "/health", "/api/tasks/1"] {
            assert_eq!(caller.get(&address, path).await.status, 200, "{path}");
        }
        assert_eq!(caller.forged().get(&address, "/api/tasks").await.status, 401);
        begun.elapsed()
    };
    let (refused, others) = tokio::join!(refused, others);
    println!("refused after {:?}; five others were answered after {others:?}", refused.took);
    assert_eq!(refused.error(), (503, "UNAVAILABLE"));
    assert_eq!(refused.headers["retry-after"], "1");
    assert!(refused.took < Duration::from_secs(6), "{:?}", refused.took);
    assert!(others < refused.took);
    assert_eq!(caller.get(&address, "/readyz").await.status, 200, "the database itself is well");
    lock.rollback().await.unwrap();
    assert_eq!(waiting.await.unwrap().status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_statement_is_given_up_by_both_sides() {
    let database = Database::migrated(Postgres).await;
    let (service, caller) = serve(&database.text, [("TASKGATE_STATEMENT_TIMEOUT", "1s")]).await;
    let address = service.address.as_str();
    assert_eq!(caller.create(address, "first").await.status, 201);
    let mut operator = database.connect().await;
    let lock = operator.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE tasks").await.unwrap();
    let (short, slow, write) = tokio::join!(
        caller.get(address, "/api/tasks/1"),
        caller.get(address, "/api/tasks?search=first"),
        caller.create(address, "second")
    );
    for reply in [&short, &slow, &write] {
        assert_eq!(reply.error(), (504, "TIMEOUT"));
        assert!(reply.took < Duration::from_secs(5), "{:?}", reply.took);
    }
    println!("given up after {:?}, {:?}, {:?}", short.took, slow.took, write.took);
    let begun = Instant::now();
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while lock.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the server works on for nobody");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("the server gave up {:?} later", begun.elapsed());
    assert_eq!(caller.get(address, "/readyz").await.status, 200, "another table can be read");
    lock.rollback().await.unwrap();
    for reply in [caller.get(address, "/api/tasks/1").await, caller.get(address, "/api/tasks").await] {
        assert_eq!(reply.status, 200);
    }
    assert_eq!(caller.create(address, "third").await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_is_given_up_and_found_again() {
    let database = Database::migrated(Postgres).await;
    let (wire, url) = Wire::to(&database.text).await;
    let (service, caller) = serve(&url, [("TASKGATE_STATEMENT_TIMEOUT", "1s")]).await;
    let address = service.address.as_str();
    assert_eq!(caller.create(address, "first").await.status, 201);
    assert_eq!(caller.get(address, "/api/tasks/1").await.status, 200);

    // The other nodes are told of the first task on a connection that would be missing.
    tokio::time::sleep(Duration::from_millis(300)).await;
    wire.go_silent();
    let (read, write) = tokio::join!(caller.get(address, "/api/tasks/1"), caller.create(address, "second"));
    assert_eq!((read.error(), write.error()), ((504, "TIMEOUT"), (504, "TIMEOUT")));
    // From now on new connections are made, and those hang too.
    let (ready, read, write) = tokio::join!(
        caller.get(address, "/readyz"),
        caller.get(address, "/api/tasks/1"),
        caller.create(address, "third")
    );
    for reply in [&ready, &read, &write] {
        assert_eq!(reply.error(), (503, "UNAVAILABLE"));
        assert!(reply.took < Duration::from_secs(6), "{:?}", reply.took);
    }
    println!("refused after {:?}, {:?}, {:?}", ready.took, read.took, write.took);
    wire.mend();
    println!("found again after {:?}", caller.until(address, "/api/tasks/1", 200).await);
    println!("ready after {:?}", caller.until(address, "/readyz", 200).await);

    wire.cut();
    assert_eq!(caller.get(address, "/api/tasks/1").await.error(), (503, "UNAVAILABLE"));
    wire.mend();
    println!("found again after {:?}", caller.until(address, "/api/tasks/1", 200).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_leaves_a_database_alone_that_nobody_uses() {
    let database = Database::migrated(Postgres).await;
    let (wire, url) = Wire::to(&database.text).await;
    let (service, caller) = serve(&url, []).await;
    let sent = wire.sent();
    for _ in 0..10 {
        assert_eq!(caller.get(&service.address, "/readyz").await.status, 200);
    }
    assert_eq!(wire.sent(), sent);
}
