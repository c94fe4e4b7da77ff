//! How often keys are fetched on schedule.

use std::time::Duration;

use super::fetches::COOL_DOWN;

/// How long the schedule waits between two fetches. Up to a fifth more is added by chance, so that the nodes of a
/// service do not ask together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// After a fetch that succeeded.
    pub(super) every: Duration,
    /// After one that failed.
    pub(super) again: Duration,
}

pub(super) const PACE: Pace =
    Pace { every: Duration::from_mins(5), again: Duration::from_micros(COOL_DOWN.unsigned_abs()) };

impl Pace {
    pub(super) fn pause(self, failed: bool) -> Duration {
        lengthened(if failed { self.again } else { self.every }, chance())
    }
}

fn lengthened(pause: Duration, chance: u8) -> Duration {
    pause + pause * u32::from(chance) / (5 * 255)
}

/// Any of the 256, or 0 when there is no chance to be had.
fn chance() -> u8 {
    let mut byte = [0];
    let filled = aws_lc_rs::rand::fill(&mut byte);
    filled.map_or(0, |()| byte[0])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_pause_is_minutes_and_a_little_more() {
        for (failed, seconds) in [(false, 300), (true, 30)] {
            let (least, most) = (Duration::from_secs(seconds), Duration::from_secs(seconds / 5 * 6));
            assert_eq!((lengthened(least, 0), lengthened(least, 255)), (least, most));
            let pauses: HashSet<Duration> = (0..100).map(|_| PACE.pause(failed)).collect();
            assert!(pauses.iter().all(|pause| (least..=most).contains(pause)), "{pauses:?}");
            assert!(pauses.len() > 10, "{pauses:?}");
        }
    }
}
