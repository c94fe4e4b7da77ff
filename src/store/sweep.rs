//! Forgetting what is past its time, off the path of requests.

use std::convert::Infallible;
use std::time::Duration;

use super::Store;
use crate::error::Result;

/// How long to wait from one sweep to the next.
const PERIOD: Duration = Duration::from_mins(10);

/// How long to wait from one batch to the next, so that changes come in between.
const PAUSE: Duration = Duration::from_millis(100);

/// How much was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Idempotency keys.
    pub keys: usize,
    /// Tombstones of deleted tasks.
    pub tombstones: usize,
}

impl Store {
    /// Sweeps every ten minutes for as long as it is polled. A database that this node did not use since the last time is
    /// left alone: one that is billed by the hour sleeps then, and what is in it can wait.
    pub async fn keep_swept(&self) -> Infallible {
        loop {
            tokio::time::sleep(PERIOD).await;
            if self.health.was_used() {
                // The next time finds what this one did not reach.
                match self.sweep().await {
                    Ok(Swept { keys: 0, tombstones: 0 }) => {}
                    Ok(Swept { keys, tombstones }) => tracing::info!(keys, tombstones, "forgot what is past its time"),
                    Err(error) => tracing::warn!(cause = error.cause(), "could not sweep"),
                }
                self.health.forget_use();
            }
        }
    }

    /// Forgets all that is past its time; answers how much that was.
    pub async fn sweep(&self) -> Result<Swept> {
        let mut swept = Swept::default();
        loop {
            match self.sweep_keys().await? {
                0 => break,
                keys => swept.keys += keys,
            }
            tokio::time::sleep(PAUSE).await;
        }
        while let Some(tombstones) = self.sweep_tombstones().await? {
            swept.tombstones += tombstones;
            tokio::time::sleep(PAUSE).await;
        }
        Ok(swept)
    }
}
