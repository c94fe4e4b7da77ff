//! Whether the store can be used, without keeping a database awake that nobody uses.

use std::time::Duration;

use diesel::QueryDsl;
use tokio::time::timeout;

use super::Store;
use super::health::State;
use super::schema::owners;
use crate::error::{Error, Result};

/// How long the database may take to show that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

impl Store {
    /// Whether the last work on the database succeeded. Only where it failed, or there was none yet, is the database
    /// asked for an answer.
    ///
    /// # Errors
    /// `Unavailable`, with what was found.
    pub async fn check(&self) -> Result<()> {
        match self.health.state() {
            State::Well => Ok(()),
            State::Closed => self.health.is_open(),
            State::Untried | State::Ill => {
                let late = |_| Error::unavailable(format!("the database did not answer within {PATIENCE:?}"));
                match timeout(PATIENCE, self.ping()).await.map_err(late)? {
                    Err(Error::Timeout(cause)) => Err(Error::Unavailable(cause)),
                    outcome => outcome,
                }
            }
        }
    }

    /// Reads a row, if there is one.
    async fn ping(&self) -> Result<()> {
        on_connection!(self, shared, |connection| owners::table
            .select(owners::revision)
            .limit(1)
            .load::<i64>(connection))
        .map(drop)
    }
}
