//! Work in the order in which it came, for connections that take it on and go on with the next piece by themselves: under
//! load nobody is woken but the callers.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::turn::Waits;

/// The most work that waits in a queue. What is beyond it is refused at once.
const MOST_WAITING: usize = 4096;

pub(super) struct Queue<W: ?Sized> {
    /// How many connections may be at it.
    at_once: usize,
    state: Mutex<State<W>>,
    followed: AtomicU64,
    waited: AtomicU64,
    /// In microseconds.
    wait_time: AtomicU64,
}

/// What the pool of the connections does not see.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueFigures {
    /// How much work had no connection got for it.
    pub(super) followed: u64,
    /// How much work had to wait for others.
    pub(super) waited: u64,
    /// How long it waited in all.
    pub(super) wait_time: Duration,
}

struct State<W: ?Sized> {
    waiting: VecDeque<Box<W>>,
    /// How many connections are at it, or are being waited for.
    serving: usize,
}

impl<W: ?Sized> fmt::Debug for Queue<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("at_once", &self.at_once).finish_non_exhaustive()
    }
}

impl<W: Waits + ?Sized> Queue<W> {
    pub(super) const fn new(at_once: usize) -> Self {
        Self {
            at_once,
            state: Mutex::new(State { waiting: VecDeque::new(), serving: 0 }),
            followed: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            wait_time: AtomicU64::new(0),
        }
    }

    /// Queues a piece of work, and calls `serve` where another connection may be at it. `false`: too much waits already.
    pub(super) fn push(&self, work: Box<W>, serve: impl FnOnce()) -> bool {
        let mut state = self.state();
        if state.waiting.len() >= MOST_WAITING {
            return false;
        }
        state.waiting.push_back(work);
        let has_room = state.serving < self.at_once;
        state.serving += usize::from(has_room);
        drop(state);
        if has_room {
            serve();
        }
        true
    }

    /// The next piece that somebody still waits for. Its turn has begun.
    pub(super) fn next(&self) -> Option<Box<W>> {
        loop {
            // Not held while a turn begins.
            let work = self.state().waiting.pop_front()?;
            if work.begin() {
                return Some(work);
            }
        }
    }

    /// The next pieces that `is_next` chooses, which is asked in the order in which they came until there are `most`. Their
    /// turn has begun. The others stay where they are.
    pub(super) fn next_of(&self, most: usize, mut is_next: impl FnMut(&W) -> bool) -> Vec<Box<W>> {
        let mut taken = Vec::new();
        let mut state = self.state();
        let mut left = VecDeque::new();
        while taken.len() < most
            && let Some(work) = state.waiting.pop_front()
        {
            if is_next(&work) { taken.push(work) } else { left.push_back(work) }
        }
        left.append(&mut state.waiting);
        state.waiting = left;
        drop(state);
        taken.retain(|work| work.begin());
        taken
    }

    /// Counts work that has waited for others, and now has a connection that was got for it.
    pub(super) fn note_waited(&self, work: &W) {
        let waited = u64::try_from(work.waited().as_micros()).unwrap_or(u64::MAX);
        self.waited.fetch_add(1, Ordering::Relaxed);
        self.wait_time.fetch_add(waited, Ordering::Relaxed);
    }

    /// Counts work that has waited for others, and now shares their connection or takes it over.
    pub(super) fn note_followed(&self, work: &W) {
        self.followed.fetch_add(1, Ordering::Relaxed);
        self.note_waited(work);
    }

    pub(super) fn figures(&self) -> QueueFigures {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        QueueFigures {
            followed: count(&self.followed),
            waited: count(&self.waited),
            wait_time: Duration::from_micros(count(&self.wait_time)),
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// What has waited the longest, at most so much of it, to be told that there is nothing to be had.
    pub(super) fn refused(&self, most: usize) -> Vec<Box<W>> {
        let mut state = self.state();
        let most = most.min(state.waiting.len());
        state.waiting.drain(..most).collect()
    }

    /// Drops what nobody waits for any more.
    pub(super) fn forget_unwanted(&self) {
        self.state().waiting.retain(|work| work.is_wanted());
    }

    /// Whether nothing waits. Then one connection less is at it.
    pub(super) fn is_done(&self) -> bool {
        let mut state = self.state();
        let is_done = state.waiting.is_empty();
        state.serving -= usize::from(is_done);
        is_done
    }

    /// Nothing panics while it is locked.
    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
