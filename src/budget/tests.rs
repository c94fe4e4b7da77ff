use super::*;
use crate::clock::{ManualClock, Timestamp};

fn budget(per_minute: u32) -> (Arc<ManualClock>, Budget) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_767_952_800_000_000)));
    (clock.clone(), Budget::new(NonZeroU32::new(per_minute), clock))
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn retry_after(result: Result<()>) -> Option<u32> {
    match result {
        Err(Error::RateLimited { retry_after }) => Some(retry_after),
        other => {
            other.unwrap();
            None
        }
    }
}

#[test]
fn a_bucket_holds_a_tenth_and_at_least_the_dearest_request() {
    for (per_minute, points, seconds) in
        [(3000, 300, 6), (600, 60, 6), (510, 51, 6), (509, 51, 7), (60, 51, 51), (1, 51, 3060), (1_000_000, 100_000, 6)]
    {
        assert_eq!(budget(per_minute).1.policy(), Some(Allowance { points, seconds }), "{per_minute}");
    }
}

#[test]
fn a_point_is_taken_at_the_door_and_one_for_each_hundred() {
    let (_, budget) = budget(3000);
    let ann = user("ann");
    let left = || budget.left(&ann).unwrap().points;
    budget.admit(&ann).unwrap();
    assert_eq!(left(), 299);
    for (complexity, now) in [(0, 299), (99, 299), (100, 298), (199, 297), (MAX_COMPLEXITY, 247)] {
        budget.charge(&ann, complexity).unwrap();
        assert_eq!(left(), now, "{complexity}");
    }
    assert_eq!(budget.left(&user("bob")), budget.policy());
}

#[test]
fn what_is_left_lasts_as_long_as_it_takes_to_refill() {
    let (_, budget) = budget(3000);
    let ann = user("ann");
    for (points, seconds) in [(250, 5), (200, 4), (150, 3), (100, 2), (50, 1), (0, 1)] {
        budget.charge(&ann, MAX_COMPLEXITY).unwrap();
        assert_eq!(budget.left(&ann), Some(Allowance { points, seconds }));
    }
}

#[test]
fn whoever_comes_again_when_told_to_is_let_in_and_served() {
    for per_minute in [1, 7, 60, 3000] {
        let (clock, budget) = budget(per_minute);
        let ann = user("ann");
        let ask = || budget.admit(&ann).and_then(|()| budget.charge(&ann, MAX_COMPLEXITY));
        while ask().is_ok() {}
        let wait = retry_after(ask()).unwrap();
        clock.advance_seconds(wait.into());
        // Told at the door, it is served there; what comes after is told anew.
        if let Some(wait) = retry_after(ask()) {
            clock.advance_seconds(wait.into());
            assert_eq!(retry_after(ask()), None, "{per_minute}");
        }
    }
}

#[test]
fn without_a_rate_nobody_is_limited() {
    let (_, budget) = budget(0);
    let ann = user("ann");
    for _ in 0..1000 {
        budget.admit(&ann).unwrap();
        budget.charge(&ann, MAX_COMPLEXITY).unwrap();
    }
    assert_eq!((budget.policy(), budget.left(&ann)), (None, None));
}
