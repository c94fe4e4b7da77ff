//! Forgetting what is past its time, off the path of requests.

use std::convert::Infallible;
use std::time::Duration;

use super::Store;
use crate::error::Result;

/// How long to wait from one sweep to the next.
const PERIOD: Duration = Duration::from_mins(10);

/// How long to wait from one batch to the next, so that changes come in between.
const PAUSE: Duration = Duration::from_millis(100);

impl Store {
    /// Sweeps every ten minutes for as long as it is polled. A database that this node did not use since the last time is
    /// left alone: one that is billed by the hour sleeps then, and what is in it can wait.
    pub async fn keep_swept(&self) -> Infallible {
        loop {
            tokio::time::sleep(PERIOD).await;
            if self.health.was_used() {
                // The next time finds what this one did not reach.
                match self.sweep().await {
                    Ok(0) => {}
                    Ok(keys) => tracing::info!(keys, "forgot idempotency keys that are past their time"),
                    Err(error) => tracing::warn!(cause = error.cause(), "could not sweep"),
                }
                self.health.forget_use();
            }
        }
    }

    /// Forgets all that is past its time; answers how much that was.
    async fn sweep(&self) -> Result<usize> {
        let mut swept = 0;
        loop {
            match self.sweep_keys().await? {
                0 => return Ok(swept),
                keys => swept += keys,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
