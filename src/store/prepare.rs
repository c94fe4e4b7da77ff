//! Getting a database ready for use, however long it stays away.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use super::health::State;
use super::migrate::{self, MigrateError};
use super::{Database, Store, postgres};
use crate::database_url::DatabaseUrl;

/// How long to wait after the first attempt that failed; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The most that is waited, and so how late the return of the database may be noticed.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

impl Store {
    /// The same store, which answers `Unavailable` until [`Store::prepare`] has succeeded.
    #[must_use]
    pub fn closed(self) -> Self {
        self.health.set(State::Closed);
        self
    }

    /// Brings the tables up to date by way of `direct`, which no pooler serves, and opens the store. Where the database
    /// is away, it is tried until it comes.
    ///
    /// # Errors
    /// Where trying again cannot help.
    pub async fn prepare(&self, direct: &DatabaseUrl) -> Result<(), MigrateError> {
        let mut wait = FIRST_WAIT;
        loop {
            match self.try_to_prepare(direct).await {
                Ok(applied) => {
                    for name in applied {
                        tracing::info!(name, "applied a migration");
                    }
                    self.health.set(State::Untried);
                    return Ok(());
                }
                Err(MigrateError::Unreachable(cause)) => {
                    tracing::warn!(%cause, "the database cannot be reached yet");
                    tokio::time::sleep(jittered(wait)).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_to_prepare(&self, direct: &DatabaseUrl) -> Result<Vec<String>, MigrateError> {
        if let Database::Postgres(postgres) = &self.database {
            let route = postgres.find_route().await?;
            tracing::debug!(?route, "reached the database");
        }
        migrate::run(direct).await
    }
}

/// Looks whether the way to `url` carries what the store sends. There is nothing to look at with SQLite.
///
/// # Errors
/// When it cannot be reached, or does not.
pub async fn check_route(url: &DatabaseUrl) -> Result<(), MigrateError> {
    match url {
        DatabaseUrl::Postgres(url) => Ok(postgres::probe(url).await.map(drop)?),
        DatabaseUrl::Sqlite(_) => Ok(()),
    }
}

/// Between half of `wait` and all of it, so that nodes that lost their database together do not return together.
pub(super) fn jittered(wait: Duration) -> Duration {
    // Seeded at random; there is nothing here to guess.
    let [random, ..] = RandomState::new().build_hasher().finish().to_le_bytes();
    wait / 2 + wait / 2 * u32::from(random) / u32::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_differ_and_stay_within_their_bounds() {
        let waits: Vec<Duration> = (0..20).map(|_| jittered(LONGEST_WAIT)).collect();
        assert!(waits.iter().all(|wait| (LONGEST_WAIT / 2..=LONGEST_WAIT).contains(wait)), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    }
}
