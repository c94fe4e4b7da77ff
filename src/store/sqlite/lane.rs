//! A lane: work in the order in which it came, and the connections that take it on.
//!
//! A connection that is done with a piece takes the next by itself, on the same thread. Under load nothing is handed from
//! thread to thread then, and nobody is woken but the callers.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::yield_now;
use std::time::Duration;

use bb8::Pool;
use tokio::task::spawn_blocking;

use super::file::{Handle, Manager};
use super::work::{Verdict, Work};

/// The most work that waits in a lane. What is beyond it is refused at once.
const MOST_WAITING: usize = 4096;

/// How often a connection that finds no work lets other threads run, and looks again, before it rests. On a busy machine
/// they bring some, and it need not be woken for that.
const LOOKS: usize = 8;

/// What a connection does with the work of a lane, until there is none or the connection is spent.
type Serve = fn(&Lane, &mut Handle);

pub(super) struct Lane {
    pool: Pool<Manager>,
    /// How many connections may be at it.
    at_once: usize,
    serve: Serve,
    state: Mutex<State>,
    /// How much work took a connection over from the work before it.
    followed: AtomicU64,
    /// How long that waited in all, in microseconds.
    waited: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Box<dyn Work>>,
    /// How many connections are at it, or are being waited for.
    serving: usize,
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("at_once", &self.at_once).finish_non_exhaustive()
    }
}

impl Lane {
    pub(super) fn new(pool: Pool<Manager>, at_once: usize, serve: Serve) -> Arc<Self> {
        Arc::new(Self {
            pool,
            at_once,
            serve,
            state: Mutex::default(),
            followed: AtomicU64::new(0),
            waited: AtomicU64::new(0),
        })
    }

    /// How much work took a connection over from the work before it, which the pool does not see, and how long that
    /// waited in all.
    pub(super) fn followed(&self) -> (u64, Duration) {
        let waited = Duration::from_micros(self.waited.load(Ordering::Relaxed));
        (self.followed.load(Ordering::Relaxed), waited)
    }

    /// Queues a piece of work. `false`: too much waits already.
    pub(super) fn push(self: &Arc<Self>, work: Box<dyn Work>) -> bool {
        let mut state = self.state();
        if state.waiting.len() >= MOST_WAITING {
            return false;
        }
        state.waiting.push_back(work);
        if state.serving < self.at_once {
            state.serving += 1;
            drop(state);
            tokio::spawn(Arc::clone(self).drive());
        }
        true
    }

    /// The next piece that somebody still waits for. Its turn has begun.
    pub(super) fn next(&self) -> Option<Box<dyn Work>> {
        loop {
            // Not held while a turn begins.
            let work = self.state().waiting.pop_front()?;
            if work.begin() {
                return Some(work);
            }
        }
    }

    /// The next piece for a connection that may rest if there is none, and has `done` so many already.
    pub(super) fn next_after(&self, done: usize) -> Option<Box<dyn Work>> {
        let looks = if done == 0 { 1 } else { LOOKS };
        let work = (0..looks).find_map(|look| {
            if look > 0 {
                yield_now();
            }
            self.next()
        })?;
        if done > 0 {
            self.note_followed(work.as_ref());
        }
        Some(work)
    }

    /// Counts work that takes a connection over from the work before it.
    pub(super) fn note_followed(&self, work: &dyn Work) {
        let waited = u64::try_from(work.waited().as_micros()).unwrap_or(u64::MAX);
        self.followed.fetch_add(1, Ordering::Relaxed);
        self.waited.fetch_add(waited, Ordering::Relaxed);
    }

    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Answers those who waited the longest that there is nothing to be had.
    pub(super) fn refuse(&self, most: usize, cause: &str) {
        for _ in 0..most {
            let Some(work) = self.state().waiting.pop_front() else { return };
            work.answer(Some(cause));
        }
    }

    /// Gets a connection for what waits, and another one where that was lost, until nothing waits any more.
    async fn drive(self: Arc<Self>) {
        while !self.is_done() {
            match self.pool.get_owned().await {
                Ok(mut handle) => {
                    let lane = Arc::clone(&self);
                    // Whoever waits for work that panics sees that by itself.
                    let _ = spawn_blocking(move || (lane.serve)(&lane, &mut handle)).await;
                }
                Err(bb8::RunError::User(cause)) => self.refuse(self.waiting(), &cause.to_string()),
                // Who has waited for as long is gone. Who came later still hopes.
                Err(bb8::RunError::TimedOut) => self.state().waiting.retain(|work| work.is_wanted()),
            }
        }
    }

    fn is_done(&self) -> bool {
        let mut state = self.state();
        let is_done = state.waiting.is_empty();
        state.serving -= usize::from(is_done);
        is_done
    }

    /// Nothing panics while it is locked.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves reads, each for itself.
pub(super) fn reads(lane: &Lane, handle: &mut Handle) {
    let mut done = 0;
    while !handle.is_spent
        && let Some(mut work) = lane.next_after(done)
    {
        // It stays so where the work panics.
        handle.is_spent = true;
        let verdict = work.run(&mut handle.connection);
        handle.is_spent = matches!(verdict, Verdict::Lost(_));
        work.answer(None);
        done += 1;
    }
}
