//! Group commit: writes that wait at the same time share a transaction, and so the wait for the disk.
//!
//! Each runs under a savepoint of its own, so that one that is refused takes back only itself, and is told of its
//! outcome only after the commit. Where the commit fails, or the file in the middle, nothing of the group counts.

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::{QueryResult, SqliteConnection};
use tokio::time::Instant;

use super::file::Handle;
use super::lane::Lane;
use super::work::{Verdict, Work};

/// The most writes of a group.
const MOST: usize = 256;

/// For how long a group takes on writes. Those in it wait for all of it, so a slow one ends it.
pub(super) const LONGEST: Duration = Duration::from_millis(10);

/// Serves writes, a group at a time.
pub(super) fn writes(lane: &Lane, handle: &mut Handle) {
    let mut done = 0;
    while !handle.is_spent
        && let Some(first) = lane.next_after(done)
    {
        // It stays so where a write panics. What is not committed goes with the connection.
        handle.is_spent = true;
        handle.is_spent = !commit(lane, &mut handle.connection, first);
        done += 1;
    }
}

/// Whether the connection can be used further on.
fn commit(lane: &Lane, connection: &mut SqliteConnection, first: Box<dyn Work>) -> bool {
    let before = lane.waiting();
    // Another process may hold the file; whoever waits since then has waited long enough.
    if let Err(error) = AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE") {
        let cause = error.to_string();
        first.answer(Some(&cause));
        lane.refuse(before, &cause);
        return false;
    }
    let mut group = Vec::new();
    let carried = carry_out(lane, connection, first, &mut group);
    let committed = carried
        .and_then(|()| AnsiTransactionManager::commit_transaction(connection).map_err(|error| error.to_string()));
    let lost = committed.err();
    for work in group {
        work.answer(lost.as_deref());
    }
    lost.is_none()
}

/// Runs the first write, and those that wait, in the order in which they came.
fn carry_out(
    lane: &Lane,
    connection: &mut SqliteConnection,
    first: Box<dyn Work>,
    group: &mut Vec<Box<dyn Work>>,
) -> Result<(), String> {
    let begun = Instant::now();
    let mut next = Some(first);
    while let Some(mut work) = next {
        let carried = under_savepoint(connection, work.as_mut());
        group.push(work);
        carried?;
        let is_full = group.len() >= MOST || begun.elapsed() >= LONGEST;
        next = if is_full { None } else { lane.follower() };
    }
    Ok(())
}

/// # Errors
/// Where nothing of the transaction can be kept.
fn under_savepoint(connection: &mut SqliteConnection, work: &mut dyn Work) -> Result<(), String> {
    let told = |outcome: QueryResult<()>| outcome.map_err(|error| error.to_string());
    told(AnsiTransactionManager::begin_transaction(connection))?;
    match work.run(connection) {
        Verdict::Done => told(AnsiTransactionManager::commit_transaction(connection)),
        Verdict::Refused => told(AnsiTransactionManager::rollback_transaction(connection)),
        Verdict::Lost(cause) => Err(cause),
    }
}
