//! What the last piece of work found the database to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::error::{Error, Result};

/// Shared by the pools of a store, which tell it what they find.
#[derive(Debug, Clone)]
pub(super) struct Health(Arc<Findings>);

#[derive(Debug)]
struct Findings {
    state: AtomicU8,
    is_used: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The tables are not known to be there yet, so nothing is asked of the database.
    Closed,
    /// Nothing was asked of it yet.
    Untried,
    /// It answered.
    Well,
    /// It could not be reached, or did not answer in time.
    Ill,
}

impl Health {
    pub(super) fn new() -> Self {
        let state = AtomicU8::new(State::Untried as u8);
        Self(Arc::new(Findings { state, is_used: AtomicBool::new(false) }))
    }

    pub(super) fn set(&self, state: State) {
        self.0.state.store(state as u8, Ordering::Relaxed);
        if state == State::Well {
            self.0.is_used.store(true, Ordering::Relaxed);
        }
    }

    /// # Errors
    /// `Unavailable` while the tables are not known to be there.
    pub(super) fn is_open(&self) -> Result<()> {
        if self.state() == State::Closed { Err(Error::unavailable("the tables are not ready yet")) } else { Ok(()) }
    }

    /// Whether it answered since [`Health::forget_use`].
    pub(super) fn was_used(&self) -> bool {
        self.0.is_used.load(Ordering::Relaxed)
    }

    pub(super) fn forget_use(&self) {
        self.0.is_used.store(false, Ordering::Relaxed);
    }

    pub(super) fn state(&self) -> State {
        let stored = self.0.state.load(Ordering::Relaxed);
        [State::Closed, State::Untried, State::Well]
            .into_iter()
            .find(|state| *state as u8 == stored)
            .unwrap_or(State::Ill)
    }
}
