//! How many sockets a user has open, and in which order sockets leave.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::user::UserId;

/// The open sockets.
#[derive(Debug, Default)]
pub(in crate::server) struct Sockets {
    by_user: Mutex<HashMap<UserId, u32>>,
    opened: AtomicU32,
}

/// A place among the sockets of a user, free again when this is dropped.
#[derive(Debug)]
pub(in crate::server) struct Place {
    sockets: Arc<Sockets>,
    user: UserId,
}

impl Sockets {
    /// When the next socket leaves at a stop: a part, from 0 to 1, of the time for all of them. The parts of sockets that
    /// were opened one after the other are spread evenly, however many of them are left (a Weyl sequence by the golden
    /// ratio).
    pub(in crate::server) fn turn(&self) -> f64 {
        const STEP: u32 = 0x9e37_79b9;
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        f64::from(number.wrapping_mul(STEP)) / f64::from(u32::MAX)
    }

    /// How many there are.
    pub(in crate::server) fn open(&self) -> u64 {
        self.by_user().values().map(|open| u64::from(*open)).sum()
    }

    /// A place for one more socket of a user, unless there are `most`.
    pub(in crate::server) fn take(self: &Arc<Self>, user: &UserId, most: u32) -> Option<Place> {
        let mut by_user = self.by_user();
        let open = by_user.get(user).copied().unwrap_or(0);
        if open >= most {
            return None;
        }
        by_user.insert(user.clone(), open + 1);
        Some(Place { sockets: Arc::clone(self), user: user.clone() })
    }

    fn by_user(&self) -> MutexGuard<'_, HashMap<UserId, u32>> {
        // No code that could panic runs under the lock.
        self.by_user.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_user = self.sockets.by_user();
        match by_user.get_mut(&self.user) {
            Some(open) if *open > 1 => *open -= 1,
            _ => {
                by_user.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_so_many_places_and_no_other_users() {
        let sockets = Arc::new(Sockets::default());
        let (ann, bob) = (UserId::parse("ann").unwrap(), UserId::parse("bob").unwrap());
        let first = sockets.take(&ann, 2);
        let _second = sockets.take(&ann, 2).unwrap();
        assert!(sockets.take(&ann, 2).is_none());
        drop(sockets.take(&bob, 2).unwrap());
        drop(first);
        let _third = sockets.take(&ann, 2).unwrap();
        assert!(sockets.take(&ann, 2).is_none());
        assert_eq!(sockets.by_user().len(), 1, "who has none is forgotten");
    }

    #[test]
    fn turns_are_spread_evenly() {
        let sockets = Sockets::default();
        for number in [7, 100, 1000] {
            let mut turns: Vec<f64> = (0..number).map(|_| sockets.turn()).collect();
            turns.sort_by(f64::total_cmp);
            let widest = turns.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
            assert!(widest < 3.0 / f64::from(number), "{number}: {widest}");
        }
    }
}
