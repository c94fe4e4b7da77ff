//! For how long a token lets its user stay.

use crate::clock::Timestamp;

/// How many seconds before its end the peer is told.
const WARNING: i64 = 60;

/// The end of a token, in whole seconds since 1970-01-01T00:00:00Z, and whether the peer knows that it is near.
#[derive(Debug)]
pub(in crate::server) struct Lease {
    expires_at: i64,
    is_told: bool,
}

/// What the time asks for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) enum Due {
    Nothing,
    /// Tell the peer, once, that so many seconds are left.
    Warning(i64),
    End,
}

impl Lease {
    /// Until a token's `exp`. No leeway: who is here could have sent another one.
    pub(in crate::server) const fn until(expires_at: i64) -> Self {
        Self { expires_at, is_told: false }
    }

    /// How many seconds are left.
    pub(in crate::server) const fn left(&self, now: Timestamp) -> i64 {
        self.expires_at.saturating_sub(now.as_seconds())
    }

    pub(in crate::server) fn due(&mut self, now: Timestamp) -> Due {
        match self.left(now) {
            ..=0 => Due::End,
            left @ ..=WARNING if !self.is_told => {
                self.is_told = true;
                Due::Warning(left)
            }
            _ => Due::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_told_once_a_minute_before() {
        let mut lease = Lease::until(1000);
        let mut due = |seconds: i64| lease.due(Timestamp::from_micros(seconds * 1_000_000));
        assert_eq!(due(939), Due::Nothing);
        assert_eq!(due(940), Due::Warning(60));
        assert_eq!(due(941), Due::Nothing);
        assert_eq!(due(999), Due::Nothing);
        assert_eq!(due(1000), Due::End);
        assert_eq!(Lease::until(1000).due(Timestamp::from_micros(993_000_000)), Due::Warning(7));
        assert_eq!(Lease::until(i64::MIN).due(Timestamp::from_micros(0)), Due::End);
    }
}
