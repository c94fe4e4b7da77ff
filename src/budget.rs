//! What a user may ask for: points, one budget for both doors.
//!
//! A request costs a point at the door, and what it runs one more for each whole 100 of its complexity. The points of a
//! user are a bucket: it is full at first, each request takes from it, and it refills at an even rate. See
//! `docs/adr/0025-rate-limit.md`.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::SharedClock;
use crate::error::{Error, Result};
use crate::graphql::MAX_COMPLEXITY;
use crate::user::UserId;

mod buckets;

pub use buckets::Buckets;

/// How much complexity a point stands for.
const COMPLEXITY_PER_POINT: u32 = 100;

/// What the dearest request costs. A bucket holds at least that, or nobody could ever send it.
const DEAREST: u32 = 1 + MAX_COMPLEXITY / COMPLEXITY_PER_POINT;

/// The budgets of all users. A clone is another handle to the same.
#[derive(Clone)]
pub struct Budget(Option<Arc<Buckets<UserId>>>);

/// So many points in any so many seconds are never refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    pub points: u32,
    /// At least 1.
    pub seconds: u32,
}

impl Budget {
    /// Budgets that refill at that many points a minute and hold a tenth of them, or what the dearest request costs if
    /// that is more. Without a rate, nobody is limited.
    #[must_use]
    pub fn new(per_minute: Option<NonZeroU32>, clock: SharedClock) -> Self {
        Self(per_minute.map(|rate| Arc::new(Buckets::new(rate.get(), (rate.get() / 10).max(DEAREST), clock))))
    }

    /// Takes the point that every request costs.
    ///
    /// # Errors
    /// `RateLimited` when there is none.
    pub fn admit(&self, user: &UserId) -> Result<()> {
        let Some(buckets) = &self.0 else { return Ok(()) };
        buckets.take(user, 1).map_err(refused)
    }

    /// Takes what an operation of that complexity costs, before it runs.
    ///
    /// # Errors
    /// `RateLimited` when there is less than that; then nothing is taken.
    pub fn charge(&self, user: &UserId, complexity: u32) -> Result<()> {
        let Some(buckets) = &self.0 else { return Ok(()) };
        // To come again costs the point at the door again.
        buckets.take(user, complexity / COMPLEXITY_PER_POINT).map_err(|wait| refused(wait + buckets.refill(1)))
    }

    /// How many requests were refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.0.as_ref().map_or(0, |buckets| buckets.refused())
    }

    /// What a user may count on at any time: a full bucket, and how long it takes to refill.
    #[must_use]
    pub fn policy(&self) -> Option<Allowance> {
        self.0.as_ref().map(|buckets| buckets.spread(buckets.holds()))
    }

    /// What the user has left, and how long it lasts if it is spent as fast as it refills.
    #[must_use]
    pub fn left(&self, user: &UserId) -> Option<Allowance> {
        self.0.as_ref().map(|buckets| buckets.spread(buckets.left(user)))
    }
}

impl Buckets<UserId> {
    fn spread(&self, points: u32) -> Allowance {
        Allowance { points, seconds: whole_seconds(self.refill(points)) }
    }
}

/// The error of somebody who has to wait that long.
#[must_use]
pub fn refused(wait: Duration) -> Error {
    Error::RateLimited { retry_after: whole_seconds(wait) }
}

/// Rounded up, so that nobody comes too early, and at least 1.
fn whole_seconds(time: Duration) -> u32 {
    let seconds = time.as_nanos().div_ceil(1_000_000_000);
    u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Budget").field(&self.policy()).finish()
    }
}

#[cfg(test)]
mod tests;
