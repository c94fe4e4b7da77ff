//! Who gets the next connection: whoever has waited longest.
//!
//! bb8 wakes those who wait in order, but a connection that came free belongs to nobody until the one who was woken
//! runs. Somebody who asks in between takes it, and the other goes to the end of the queue, again and again where the
//! callers are as many as the connections and never pause. So there are turns, as many as connections, and a
//! connection is asked for with a turn only. Tokio's semaphore hands a turn that was given back to the first who waits.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bb8::PooledConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Connection;
use super::manager::Exclusive;

/// The turns at the exclusive connections.
#[derive(Debug)]
pub(in crate::store) struct Turns {
    free: Arc<Semaphore>,
    waited: AtomicU64,
    timed_out: AtomicU64,
    /// In microseconds.
    wait_time: AtomicU64,
}

impl Turns {
    /// As many as there may be connections.
    pub(super) fn new(connections: u32) -> Self {
        Self {
            free: Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(Semaphore::MAX_PERMITS))),
            waited: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
            wait_time: AtomicU64::new(0),
        }
    }

    /// The next turn, which is over when the permit is dropped; `None` when there is none within `limit`.
    pub(super) async fn take(&self, limit: Duration) -> Option<OwnedSemaphorePermit> {
        if let Ok(turn) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(turn);
        }
        let begun = Instant::now();
        let turn = tokio::time::timeout(limit, Arc::clone(&self.free).acquire_owned()).await.ok().and_then(Result::ok);
        let waited = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.wait_time.fetch_add(waited, Ordering::Relaxed);
        self.waited.fetch_add(u64::from(turn.is_some()), Ordering::Relaxed);
        turn
    }

    /// Somebody gave up, on a turn or on a connection after it.
    pub(super) fn give_up(&self) {
        self.timed_out.fetch_add(1, Ordering::Relaxed);
    }

    /// How often a turn was waited for, how often somebody gave up, and how long turns were waited for in all.
    pub(in crate::store) fn figures(&self) -> (u64, u64, Duration) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&self.waited), count(&self.timed_out), Duration::from_micros(count(&self.wait_time)))
    }
}

/// A connection of one's own, for as long as the turn.
pub(in crate::store) struct Own {
    /// Before the turn, so that it is back in the pool when the turn is another's.
    pub(super) connection: PooledConnection<'static, Exclusive>,
    pub(super) _turn: OwnedSemaphorePermit,
}

impl Deref for Own {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Own {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
