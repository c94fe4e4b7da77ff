//! Tokens that were verified a moment ago.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use quick_cache::sync::Cache;

use super::claims::Accepted;
use super::verifier::Verified;
use crate::clock::Timestamp;

/// How many tokens are remembered: about 2 MB.
const CAPACITY: usize = 10_000;

/// The SHA-256 of a token: what is kept in memory is good for nothing else.
type Hash = [u8; SHA256_OUTPUT_LEN];

/// Tokens that were accepted, by their hash, with what they say and when that counts.
///
/// An entry is good under the generation of keys that it was verified with and no other, so a change of keys drops
/// all of them at once. Tokens that were refused are not remembered: there is no end of them.
#[derive(Debug)]
pub(super) struct TokenCache {
    entries: Cache<Hash, Entry>,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Debug, Clone)]
struct Entry {
    generation: u64,
    accepted: Accepted,
}

/// What a cache of verified tokens has done since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheFigures {
    /// Tokens that were remembered.
    pub hits: u64,
    /// Tokens that had to be verified, the refused ones among them.
    pub misses: u64,
    /// Tokens in memory now.
    pub entries: usize,
}

impl Default for TokenCache {
    fn default() -> Self {
        Self { entries: Cache::new(CAPACITY), hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }
}

impl TokenCache {
    /// What `token` says, if it was verified with the keys of `generation` and counts at `now`.
    pub(super) fn get(&self, token: &str, generation: u64, now: Timestamp) -> Option<Verified> {
        let entry = self.entries.get(&hash(token)).filter(|entry| entry.is_good(generation, now));
        let counter = if entry.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        entry.map(|entry| entry.accepted.verified)
    }

    /// Remembers that `token` was accepted with the keys of `generation`.
    pub(super) fn insert(&self, token: &str, generation: u64, accepted: Accepted) {
        self.entries.insert(hash(token), Entry { generation, accepted });
    }

    pub(super) fn figures(&self) -> CacheFigures {
        CacheFigures {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            entries: self.entries.len(),
        }
    }
}

impl Entry {
    /// The clock may have been set back, so the beginning counts too.
    fn is_good(&self, generation: u64, now: Timestamp) -> bool {
        self.generation == generation && (self.accepted.from..self.accepted.until).contains(&now)
    }
}

fn hash(token: &str) -> Hash {
    let mut hash = [0; SHA256_OUTPUT_LEN];
    // Both are 32 bytes, so that this cannot panic.
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::UserId;

    fn accepted(user: &str, from: i64, until: i64) -> Accepted {
        let verified = Verified { user: UserId::parse(user).unwrap(), expires_at: 0 };
        Accepted { verified, from: Timestamp::from_micros(from), until: Timestamp::from_micros(until) }
    }

    #[test]
    fn an_entry_counts_for_its_token_its_keys_and_its_time() {
        let cache = TokenCache::default();
        cache.insert("token", 7, accepted("ada", 100, 200));
        let get = |token, generation, now| {
            let verified = cache.get(token, generation, Timestamp::from_micros(now));
            verified.map(|verified| verified.user.as_str().to_owned())
        };
        for now in [100, 199] {
            assert_eq!(get("token", 7, now).as_deref(), Some("ada"), "{now}");
        }
        for (token, generation, now) in
            [("token", 7, 99), ("token", 7, 200), ("token", 6, 150), ("token", 8, 150), ("Token", 7, 150), ("", 7, 150)]
        {
            assert_eq!(get(token, generation, now), None, "{token} {generation} {now}");
        }
        cache.insert("token", 8, accepted("ada", 100, 200));
        assert_eq!(get("token", 8, 150).as_deref(), Some("ada"));
        assert_eq!(get("token", 7, 150), None, "one generation at a time");
        assert_eq!(cache.figures(), CacheFigures { hits: 3, misses: 7, entries: 1 });
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = TokenCache::default();
        for n in 0..3 * CAPACITY {
            cache.insert(&format!("token {n}"), 0, accepted("ada", 0, 1));
        }
        let entries = cache.figures().entries;
        assert!(entries <= CAPACITY, "{entries}");
    }
}
