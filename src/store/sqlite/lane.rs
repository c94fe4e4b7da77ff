//! A lane: work that waits for connections to a file, which take it on on a blocking thread.

use std::fmt;
use std::sync::Arc;
use std::thread::yield_now;

use bb8::Pool;
use tokio::task::spawn_blocking;

use super::file::{Handle, Manager};
use super::work::{Verdict, Work};
use crate::store::queue::{Queue, QueueFigures};

/// How often a connection that finds no work lets other threads run, and looks again, before it rests. On a busy machine
/// they bring some, and it need not be woken for that.
const LOOKS: usize = 8;

/// What a connection does with the work of a lane, until there is none or the connection is spent.
type Serve = fn(&Lane, &mut Handle);

pub(super) struct Lane {
    pool: Pool<Manager>,
    serve: Serve,
    queue: Queue<dyn Work>,
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl Lane {
    pub(super) fn new(pool: Pool<Manager>, at_once: usize, serve: Serve) -> Arc<Self> {
        Arc::new(Self { pool, serve, queue: Queue::new(at_once) })
    }

    pub(super) fn figures(&self) -> QueueFigures {
        self.queue.figures()
    }

    /// Queues a piece of work. `false`: too much waits already.
    pub(super) fn push(self: &Arc<Self>, work: Box<dyn Work>) -> bool {
        self.queue.push(work, || drop(tokio::spawn(Arc::clone(self).drive())))
    }

    /// The next piece for a connection that may rest if there is none, and has `done` so many already.
    pub(super) fn next_after(&self, done: usize) -> Option<Box<dyn Work>> {
        let looks = if done == 0 { 1 } else { LOOKS };
        let work = (0..looks).find_map(|look| {
            if look > 0 {
                yield_now();
            }
            self.queue.next()
        })?;
        if done > 0 {
            self.queue.note_followed(work.as_ref());
        }
        Some(work)
    }

    /// The next piece for a connection that has just done another.
    pub(super) fn follower(&self) -> Option<Box<dyn Work>> {
        self.queue.next().inspect(|work| self.queue.note_followed(work.as_ref()))
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// Answers those who waited the longest that there is nothing to be had.
    pub(super) fn refuse(&self, most: usize, cause: &str) {
        for work in self.queue.refused(most) {
            work.answer(Some(cause));
        }
    }

    /// Gets a connection for what waits, and another one where that was lost, until nothing waits any more.
    async fn drive(self: Arc<Self>) {
        while !self.queue.is_done() {
            match self.pool.get_owned().await {
                Ok(mut handle) => {
                    let lane = Arc::clone(&self);
                    // Whoever waits for work that panics sees that by itself.
                    let _ = spawn_blocking(move || (lane.serve)(&lane, &mut handle)).await;
                }
                Err(bb8::RunError::User(cause)) => self.refuse(self.waiting(), &cause.to_string()),
                // Who has waited for as long is gone. Who came later still hopes.
                Err(bb8::RunError::TimedOut) => self.queue.forget_unwanted(),
            }
        }
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
