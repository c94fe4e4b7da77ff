//! What the last piece of work found the database to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::{Error, Result};

/// Shared by the pools of a store, which tell it what they find.
#[derive(Debug, Clone)]
pub(super) struct Health(Arc<AtomicU8>);

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
        Self(Arc::new(AtomicU8::new(State::Untried as u8)))
    }

    pub(super) fn set(&self, state: State) {
        self.0.store(state as u8, Ordering::Relaxed);
    }

    /// # Errors
    /// `Unavailable` while the tables are not known to be there.
    pub(super) fn is_open(&self) -> Result<()> {
        if self.state() == State::Closed { Err(Error::unavailable("the tables are not ready yet")) } else { Ok(()) }
    }

    pub(super) fn state(&self) -> State {
        let stored = self.0.load(Ordering::Relaxed);
        [State::Closed, State::Untried, State::Well]
            .into_iter()
            .find(|state| *state as u8 == stored)
            .unwrap_or(State::Ill)
    }
}
