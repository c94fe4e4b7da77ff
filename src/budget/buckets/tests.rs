use proptest::prelude::*;

use super::*;
use crate::clock::ManualClock;

const START: Timestamp = Timestamp::from_micros(1_767_952_800_000_000);

fn buckets(per_minute: u32, holds: u32) -> (Arc<ManualClock>, Buckets<u32>) {
    let clock = Arc::new(ManualClock::new(START));
    (clock.clone(), Buckets::new(per_minute, holds, clock))
}

#[test]
fn a_bucket_is_full_at_first_empties_and_refills() {
    let (clock, buckets) = buckets(60, 5);
    assert_eq!(buckets.left(&1), 5);
    for left in [3, 1] {
        assert_eq!(buckets.take(&1, 2), Ok(()));
        assert_eq!(buckets.left(&1), left);
    }
    assert_eq!(buckets.take(&1, 2), Err(Duration::from_secs(1)));
    assert_eq!(buckets.left(&1), 1, "all or none");
    assert_eq!(buckets.take(&2, 5), Ok(()), "another key has a bucket of its own");
    clock.advance_seconds(1);
    assert_eq!(buckets.left(&1), 2);
    assert_eq!(buckets.take(&1, 2), Ok(()));
    clock.advance_seconds(1000);
    assert_eq!(buckets.left(&1), 5, "never more than it holds");
    assert_eq!(buckets.take(&1, 0), Ok(()));
    assert_eq!(buckets.take(&1, 6), Err(Duration::from_secs(5)), "more than it holds never passes");
}

#[test]
fn a_clock_that_is_set_back_takes_nothing_away() {
    let (clock, buckets) = buckets(60, 5);
    assert_eq!(buckets.take(&1, 5), Ok(()));
    clock.advance_seconds(2);
    assert_eq!(buckets.left(&1), 2);
    clock.advance_seconds(-100_000);
    assert_eq!(buckets.left(&1), 2);
    clock.advance_seconds(2);
    assert_eq!(buckets.left(&1), 4);
}

#[test]
fn a_flood_of_keys_is_forgotten_and_those_that_come_again_are_not() {
    let (_, buckets) = buckets(1, 1000);
    assert_eq!(buckets.take(&0, 1), Ok(()));
    for key in 1..=200_000 {
        assert_eq!(buckets.take(&key, 1), Ok(()));
        if key % 1000 == 0 {
            assert_eq!(buckets.take(&0, 1), Ok(()));
        }
    }
    assert!(buckets.store.0.len() <= MOST);
    assert_eq!(buckets.left(&0), 1000 - 201);
}

proptest! {
    /// In no stretch of time does more pass than a full bucket and what refills meanwhile, and what may pass does.
    #[test]
    fn no_more_passes_than_the_bucket_holds_and_refills(
        per_minute in 1_u32..=1_000_000,
        holds in 1_u32..=1_000,
        steps in prop::collection::vec((0_i64..=20, 1_u32..=60), 1..60),
    ) {
        let (clock, buckets) = buckets(per_minute, holds);
        let refill = buckets.refill(1).as_nanos();
        let mut passed: Vec<(i64, u32)> = Vec::new();
        let mut now = 0;
        for (seconds, points) in steps {
            clock.advance_seconds(seconds);
            now += seconds;
            let left = buckets.left(&1);
            let took = buckets.take(&1, points).is_ok();
            prop_assert_eq!(took, points <= left);
            prop_assert_eq!(buckets.left(&1), if took { left - points } else { left });
            if took {
                passed.push((now, points));
            }
            for (i, (since, _)) in passed.iter().enumerate() {
                let points: u64 = passed[i..].iter().map(|(_, points)| u64::from(*points)).sum();
                let refilled = u128::from((now - since).unsigned_abs()) * 1_000_000_000 / refill;
                prop_assert!(u128::from(points) <= u128::from(holds) + refilled);
            }
        }
    }

    /// Whoever comes again when told to gets what was refused, and not a moment too late.
    #[test]
    fn the_time_to_wait_is_exact(per_minute in 1_u32..=1_000_000, taken in 1_u32..=50, points in 1_u32..=50) {
        let (clock, buckets) = buckets(per_minute, 50);
        prop_assert_eq!(buckets.take(&1, taken), Ok(()));
        if let Err(wait) = buckets.take(&1, points) {
            prop_assert_eq!(wait, buckets.refill(taken + points - 50));
            clock.advance_seconds(i64::try_from(wait.as_nanos().div_ceil(1_000_000_000)).unwrap());
            prop_assert_eq!(buckets.take(&1, points), Ok(()));
        } else {
            prop_assert!(taken + points <= 50);
        }
    }
}
