use std::sync::mpsc;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl as _};
use futures_util::future::join_all;
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;
use crate::error::Code;

/// A table whose rows have to be small, and one whose rows may have no parent until the commit.
const TABLES: &str = "CREATE TABLE kept (at INTEGER PRIMARY KEY, n INTEGER NOT NULL CHECK (n < 1000)); \
                      CREATE TABLE orphans (n INTEGER REFERENCES kept (at) DEFERRABLE INITIALLY DEFERRED);";

async fn empty() -> (TempDir, Sqlite) {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let path = folder.path().join("tasks.db");
    create_private(&path).unwrap();
    let sqlite = Sqlite::new(&path, 2, Health::new());
    sqlite.write(|connection| connection.batch_execute(TABLES)).await.unwrap();
    (folder, sqlite)
}

fn insert(n: i64) -> impl FnOnce(&mut SqliteConnection) -> QueryResult<()> + Send {
    // What comes first has to be taken back with what is refused.
    move |connection| connection.batch_execute(&format!("INSERT INTO kept (n) VALUES ({}), ({n})", n % 1000))
}

/// What cannot be committed, and nothing before the commit says so.
fn orphan() -> impl FnOnce(&mut SqliteConnection) -> QueryResult<()> + Send {
    |connection| connection.batch_execute("INSERT INTO orphans VALUES (-1)")
}

async fn kept(sqlite: &Sqlite) -> Vec<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let read = |connection: &mut SqliteConnection| diesel::sql_query("SELECT n FROM kept ORDER BY at").load(connection);
    let rows: Vec<Row> = sqlite.shared(read).await.unwrap();
    rows.into_iter().map(|row| row.n).collect()
}

/// A write that goes on until something is sent. It has begun.
async fn busy(sqlite: &Sqlite) -> (mpsc::Sender<()>, JoinHandle<Result<()>>) {
    let (release, released) = mpsc::channel();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let sqlite = sqlite.clone();
    let write = tokio::spawn(async move {
        let work = move |_: &mut SqliteConnection| {
            begun.send(()).unwrap();
            released.recv().unwrap();
            Ok(())
        };
        sqlite.write(work).await
    });
    has_begun.await.unwrap();
    (release, write)
}

/// What becomes of writes that wait at the same time.
async fn grouped<W>(sqlite: &Sqlite, writes: impl IntoIterator<Item = W>) -> Vec<Result<()>>
where
    W: FnOnce(&mut SqliteConnection) -> QueryResult<()> + Send + 'static,
{
    let (release, busy) = busy(sqlite).await;
    let writes = join_all(writes.into_iter().map(|write| sqlite.write(write)));
    let release = async {
        // So long that the group of the busy one ends with it.
        tokio::time::sleep(group::LONGEST).await;
        release.send(()).unwrap();
    };
    let (outcomes, ()) = tokio::join!(writes, release);
    let _ = busy.await.unwrap();
    outcomes
}

type Write = Box<dyn FnOnce(&mut SqliteConnection) -> QueryResult<()> + Send>;

#[tokio::test]
async fn a_write_that_is_refused_takes_back_only_itself() {
    let (_folder, sqlite) = empty().await;
    let outcomes = grouped(&sqlite, [1, 2, 1003, 4].map(insert)).await;
    let codes: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().err().map(Error::code)).collect();
    assert_eq!(codes, [None, None, Some(Code::Internal), None]);
    assert_eq!(kept(&sqlite).await, [1, 1, 2, 2, 4, 4], "in the order in which they came");
    let [_, writer] = sqlite.figures();
    assert_eq!((writer.opened, writer.waited >= 4), (1, true), "{writer:?}");
}

#[tokio::test]
async fn a_commit_that_fails_acknowledges_nothing() {
    let (_folder, sqlite) = empty().await;
    let mut acknowledged = Vec::new();
    loop {
        let writes: [Write; 4] = [Box::new(insert(1)), Box::new(orphan()), Box::new(insert(1002)), Box::new(insert(3))];
        let outcomes = grouped(&sqlite, writes).await;
        let codes: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().err().map(Error::code)).collect();
        for (outcome, n) in outcomes.iter().zip([1, 0, 0, 3]) {
            acknowledged.extend(outcome.iter().flat_map(|()| [n, n]));
        }
        assert_eq!(kept(&sqlite).await, acknowledged);
        let unavailable = Some(Code::Unavailable);
        assert_eq!(codes[1..3], [unavailable, Some(Code::Internal)]);
        // A machine that is busy may not bring them into one group.
        if [codes[0], codes[3]] == [unavailable; 2] {
            break;
        }
    }
    sqlite.write(insert(5)).await.unwrap();
    assert!(kept(&sqlite).await.ends_with(&[5, 5]));
}

#[tokio::test]
async fn work_that_panics_takes_no_later_work_along() {
    let (_folder, sqlite) = empty().await;
    let panicking: Write = Box::new(|_| panic!("on purpose"));
    assert_eq!(sqlite.write(panicking).await.unwrap_err().code(), Code::Internal);
    let panicking: Write = Box::new(|_| panic!("on purpose"));
    assert_eq!(sqlite.shared(panicking).await.unwrap_err().code(), Code::Internal);
    sqlite.write(insert(1)).await.unwrap();
    assert_eq!(kept(&sqlite).await, [1, 1]);
}

#[tokio::test]
async fn who_is_gone_before_the_turn_writes_nothing_and_who_is_gone_later_all_of_it() {
    let (_folder, sqlite) = empty().await;
    let (release, running) = busy(&sqlite).await;
    let (other, whose) = (sqlite.clone(), sqlite.clone());
    let waiting = tokio::spawn(async move { other.write(insert(1)).await });
    let patient = tokio::spawn(async move { whose.write(insert(2)).await });
    while sqlite.writes.waiting() < 2 {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    running.abort();
    release.send(()).unwrap();
    patient.await.unwrap().unwrap();
    assert_eq!(kept(&sqlite).await, [2, 2]);
}

#[tokio::test]
async fn a_slow_write_is_late_and_those_behind_it_are_told_that_they_never_began() {
    let (_folder, mut sqlite) = empty().await;
    sqlite.statement_timeout = Duration::from_millis(50);
    let (release, slow) = busy(&sqlite).await;
    let begun = tokio::time::Instant::now();
    let behind = sqlite.write(insert(1)).await.unwrap_err();
    assert_eq!(behind.code(), Code::Unavailable);
    assert!(begun.elapsed() >= ACQUIRE_TIMEOUT && begun.elapsed() < 2 * ACQUIRE_TIMEOUT, "{:?}", begun.elapsed());
    assert_eq!(slow.await.unwrap().unwrap_err().code(), Code::Timeout);
    release.send(()).unwrap();
    sqlite.statement_timeout = STATEMENT_TIMEOUT;
    sqlite.write(insert(2)).await.unwrap();
    assert_eq!(kept(&sqlite).await, [2, 2], "what was given up is not done later");
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Good,
    Refused,
    Uncommittable,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever waits together with whatever else: it is there if, and only if, that was acknowledged.
    #[test]
    fn what_is_acknowledged_is_there_and_nothing_else(
        groups in prop::collection::vec(prop::collection::vec(
            prop_oneof![6 => Just(Kind::Good), 2 => Just(Kind::Refused), 1 => Just(Kind::Uncommittable)], 1..12), 1..5)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, sqlite) = empty().await;
            let mut expected = Vec::new();
            let mut next = 0;
            for group in groups {
                let numbers: Vec<i64> = (next..).take(group.len()).collect();
                next += i64::try_from(group.len()).unwrap();
                let writes = group.iter().zip(&numbers).map(|(kind, n)| -> Write {
                    match kind {
                        Kind::Good => Box::new(insert(*n)),
                        Kind::Refused => Box::new(insert(1000 + n)),
                        Kind::Uncommittable => Box::new(orphan()),
                    }
                });
                let outcomes = grouped(&sqlite, writes).await;
                for ((kind, n), outcome) in group.iter().zip(numbers).zip(outcomes) {
                    match kind {
                        Kind::Good if outcome.is_ok() => expected.extend([n, n]),
                        Kind::Good => assert_eq!(outcome.unwrap_err().code(), Code::Unavailable),
                        Kind::Refused => assert_eq!(outcome.unwrap_err().code(), Code::Internal),
                        Kind::Uncommittable => assert!(outcome.is_err()),
                    }
                }
                assert_eq!(kept(&sqlite).await, expected);
            }
        });
    }
}

#[tokio::test]
async fn connections_share_no_pages_and_no_locks() {
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = diesel::sql_types::Text)]
        compile_options: String,
    }
    let (_folder, sqlite) = empty().await;
    let read = |connection: &mut SqliteConnection| diesel::sql_query("PRAGMA compile_options").load(connection);
    let options: Vec<Setting> = sqlite.shared(read).await.unwrap();
    let is_set = |option: &str| options.iter().any(|setting| setting.compile_options == option);
    // See .cargo/config.toml.
    assert!(is_set("THREADSAFE=2"));
    assert!(is_set("DEFAULT_MEMSTATUS=0"));
    assert!(!is_set("ENABLE_MEMORY_MANAGEMENT"));
}
