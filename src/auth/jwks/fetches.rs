//! When keys may be fetched, and what a fetch has settled.

use std::collections::HashSet;

use crate::clock::Timestamp;

/// At least that long, in microseconds, is between the starts of two fetches for callers, and between a fetch of any
/// kind and the next one on schedule.
pub(super) const COOL_DOWN: i64 = 30_000_000;

/// How many keys that are not there are remembered. Whoever names more of them is told to come again.
const MAX_ASKED: usize = 1_000;

/// The fetches so far. Whoever fetches keeps it locked, so that there is one at a time.
///
/// The schedule does not use up the fetch that callers have in 30 s: a rotation just after a scheduled fetch is
/// noticed at once.
#[derive(Debug, Default)]
pub(super) struct Fetches {
    last: Option<Timestamp>,
    last_for_callers: Option<Timestamp>,
    /// The keys that callers named in vain since the last fetch that succeeded.
    asked: HashSet<u64>,
    /// Those that they had named before it. A token is signed after its key was published, so what that fetch did not
    /// bring is no key.
    missing: HashSet<u64>,
}

/// What to tell a caller whose token names a key that is not there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The keys are to be fetched, as was noted.
    Fetch,
    /// There is no such key.
    Missing,
    /// Nobody knows before the next fetch, and it is too early for that.
    Later,
}

impl Fetches {
    /// Notes a fetch on schedule, if it is time for one.
    pub(super) fn begin_scheduled(&mut self, now: Timestamp) -> bool {
        let is_due = !is_recent(self.last, now);
        if is_due {
            self.last = Some(now);
        }
        is_due
    }

    /// Notes that a caller named `key`, which is not there, and a fetch if callers may have one.
    pub(super) fn ask(&mut self, key: u64, now: Timestamp) -> Reply {
        if self.asked.len() < MAX_ASKED {
            self.asked.insert(key);
        }
        if !is_recent(self.last_for_callers, now) {
            (self.last, self.last_for_callers) = (Some(now), Some(now));
            Reply::Fetch
        } else if self.missing.contains(&key) {
            Reply::Missing
        } else {
            Reply::Later
        }
    }

    /// Notes that the fetch which was begun last brought a set.
    pub(super) fn succeeded(&mut self) {
        if self.missing.len() + self.asked.len() > MAX_ASKED {
            self.missing.clear();
        }
        self.missing.extend(self.asked.drain());
    }
}

/// A clock that was set back must not keep us from fetching until it is where it was.
fn is_recent(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_some_and(|last| (0..COOL_DOWN).contains(&now.as_micros().saturating_sub(last.as_micros())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn callers_get_one_fetch_in_thirty_seconds_and_the_schedule_its_own() {
        let mut fetches = Fetches::default();
        assert!(fetches.begin_scheduled(at(0)));
        assert_eq!(fetches.ask(1, at(0)), Reply::Fetch, "the schedule takes nothing from callers");
        assert_eq!(fetches.ask(1, at(29)), Reply::Later);
        assert!(!fetches.begin_scheduled(at(29)), "a caller's fetch is as good");
        assert_eq!(fetches.ask(1, at(30)), Reply::Fetch);
        assert!(!fetches.begin_scheduled(at(59)));
        assert!(fetches.begin_scheduled(at(60)));
        assert_eq!(fetches.ask(1, at(-3600)), Reply::Fetch, "a clock that was set back");
        assert!(fetches.begin_scheduled(at(-7200)), "and again");
    }

    #[test]
    fn a_key_is_missing_once_it_was_asked_for_before_a_fetch() {
        let mut fetches = Fetches::default();
        assert_eq!(fetches.ask(1, at(0)), Reply::Fetch);
        fetches.succeeded();
        for (key, reply) in [(1, Reply::Missing), (2, Reply::Later), (2, Reply::Later), (1, Reply::Missing)] {
            assert_eq!(fetches.ask(key, at(1)), reply, "{key}");
        }
        assert!(fetches.begin_scheduled(at(30)));
        fetches.succeeded();
        assert_eq!(fetches.ask(3, at(30)), Reply::Fetch);
        // That one fails, and so settles nothing.
        for (key, reply) in [(1, Reply::Missing), (2, Reply::Missing), (3, Reply::Later)] {
            assert_eq!(fetches.ask(key, at(31)), reply, "{key}");
        }
        fetches.succeeded();
        assert_eq!(fetches.ask(1, at(60)), Reply::Fetch, "a missing key is looked for again");
        fetches.succeeded();
        for key in [1, 2, 3] {
            assert_eq!(fetches.ask(key, at(61)), Reply::Missing, "{key}");
        }
    }

    #[test]
    fn callers_cannot_fill_the_memory() {
        let mut fetches = Fetches::default();
        for key in 0..10_000 {
            fetches.ask(key, at(0));
        }
        assert_eq!(fetches.asked.len(), MAX_ASKED);
        fetches.succeeded();
        for (key, reply) in [(0, Reply::Missing), (9_999, Reply::Later)] {
            assert_eq!(fetches.ask(key, at(1)), reply, "{key}");
        }
        fetches.succeeded();
        for (key, reply) in [(0, Reply::Missing), (1, Reply::Later), (9_999, Reply::Missing)] {
            assert_eq!(fetches.ask(key, at(1)), reply, "the oldest are forgotten: {key}");
        }
    }
}
