//! Buckets by key, over `governor`: its cells are our points, and a bucket is the time at which it will be full again.

use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use quick_cache::sync::Cache;

use crate::clock::{SharedClock, Timestamp};

/// The most buckets that are kept. Beyond it the one that was used least is forgotten, which makes it a full one; those
/// that are used again and again stay, so that a flood of keys that come once does not push them out.
const MOST: usize = 100_000;

/// A bucket for each key: full at first, refilled at an even rate.
pub struct Buckets<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, Store<K>, Elapsed, NoOpMiddleware<Nanos>>,
    store: Store<K>,
    quota: Quota,
    refused: AtomicU64,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Buckets that hold so many points and refill at so many a minute, each at least 1.
    pub fn new(per_minute: u32, holds: u32, clock: SharedClock) -> Self {
        let at_least_1 = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(at_least_1(per_minute)).allow_burst(at_least_1(holds));
        let store = Store(Arc::new(Cache::new(MOST)));
        let limiter = RateLimiter::new(quota, store.clone(), Elapsed { clock, since: Mutex::default() });
        Self { limiter, store, quota, refused: AtomicU64::new(0) }
    }

    /// Takes points, all of them or none.
    ///
    /// # Errors
    /// How long it takes until there are as many.
    pub fn take(&self, key: &K, points: u32) -> Result<(), Duration> {
        let Some(points) = NonZeroU32::new(points) else { return Ok(()) };
        let wait = match self.limiter.check_key_n(key, points) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(not_until)) => not_until.wait_time_from(self.limiter.clock().now()),
            // More than a bucket holds: it will never be, and a full one is the best there is.
            Err(_) => self.refill(self.holds()),
        };
        self.refused.fetch_add(1, Ordering::Relaxed);
        Err(wait)
    }

    /// How often there were too few points.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How many points there are.
    pub fn left(&self, key: &K) -> u32 {
        let Some(full_at) = self.store.full_at(key) else { return self.holds() };
        let missing = full_at.saturating_sub(self.limiter.clock().now()).as_u64();
        let missing = missing.div_ceil(self.refill(1).as_nanos().try_into().unwrap_or(u64::MAX));
        self.holds().saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    /// How many points a bucket holds.
    pub const fn holds(&self) -> u32 {
        self.quota.burst_size().get()
    }

    /// How long it takes until so many points are refilled.
    pub const fn refill(&self, points: u32) -> Duration {
        self.quota.replenish_interval().saturating_mul(points)
    }
}

impl<K: Hash + Eq + Clone> fmt::Debug for Buckets<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets").field("quota", &self.quota).finish_non_exhaustive()
    }
}

/// The buckets themselves, as many as fit.
struct Store<K>(Arc<Cache<K, Arc<InMemoryState>>>);

impl<K> Clone for Store<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Hash + Eq + Clone> Store<K> {
    /// When the bucket will be full, if it was used.
    fn full_at(&self, key: &K) -> Option<Nanos> {
        let bucket = self.0.peek(key)?;
        // A refusal changes nothing, and so is a way to read.
        bucket.measure_and_replace(&NotKeyed::NonKey, Err::<((), Nanos), _>).err().flatten()
    }
}

impl<K: Hash + Eq + Clone> StateStore for Store<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let bucket = self.0.get_or_insert_with(key, || Ok(Arc::default()))?;
        bucket.measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

/// The time that has passed since it was first asked. Where the clock is set back it goes on from where it was: else
/// every bucket that was used would stay empty for as long.
struct Elapsed {
    clock: SharedClock,
    since: Mutex<(Option<Timestamp>, u64)>,
}

impl governor::clock::Clock for Elapsed {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, micros) = &mut *since;
        // Read under the lock: only a clock that was set back is behind the last reading.
        let now = self.clock.now();
        let passed = last.map_or(0, |last| now.as_micros().saturating_sub(last.as_micros()));
        *micros = micros.saturating_add(u64::try_from(passed).unwrap_or(0));
        *last = Some(now);
        Nanos::from(micros.saturating_mul(1_000))
    }
}

#[cfg(test)]
mod tests;
