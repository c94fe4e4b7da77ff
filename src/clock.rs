//! Time, to the microsecond, from a clock that is passed in, so that expiry and order can be tested without sleeping.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// An instant in UTC, in whole microseconds: what both databases can store exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant that many microseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The instant that many microseconds after 1970-01-01T00:00:00Z, if both databases and RFC 3339 can write it: its
    /// year has four digits.
    #[must_use]
    pub fn from_stored_micros(micros: i64) -> Option<Self> {
        /// 0000-01-01T00:00:00Z
        const FIRST: i64 = -62_167_219_200_000_000;
        (micros >= FIRST && jiff::Timestamp::from_microsecond(micros).is_ok()).then_some(Self(micros))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Seconds since 1970-01-01T00:00:00Z, as a token's `exp` counts them (RFC 7519, `NumericDate`).
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// RFC 3339 in UTC, with six digits of a second and `Z`. `None` for what has no year of four digits.
    ///
    /// An answer can have two of them for each of a hundred tasks, so the digits are written without a formatter.
    #[must_use]
    pub fn rfc3339(self) -> Option<Rfc3339> {
        let instant = jiff::Timestamp::from_microsecond(self.0).ok()?;
        let at = jiff::tz::Offset::UTC.to_datetime(instant);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        digits(&mut text[0..4], u32::try_from(at.year()).ok()?);
        let parts = [at.month(), at.day(), at.hour(), at.minute(), at.second()];
        for (place, part) in [5, 8, 11, 14, 17].into_iter().zip(parts) {
            digits(&mut text[place..place + 2], u32::try_from(part).ok()?);
        }
        digits(&mut text[20..26], u32::try_from(at.subsec_nanosecond()).ok()? / 1_000);
        Some(Rfc3339(text))
    }
}

/// Fills `place` with the last digits of `number`.
fn digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789"[(number % 10) as usize];
        number /= 10;
    }
}

/// A [`Timestamp`] as text.
#[derive(Debug, Clone, Copy)]
pub struct Rfc3339([u8; 27]);

impl Rfc3339 {
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// In ASCII.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// RFC 3339 in UTC, with six digits of a second and `Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rfc3339().ok_or(fmt::Error)?.as_str())
    }
}

/// Where the time comes from.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now, truncated to the microsecond.
    fn now(&self) -> Timestamp;
}

/// A clock that any part of the program may hold.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
        let now = jiff::Timestamp::now();
        Timestamp::from_micros(now.as_microsecond())
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub const fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.as_micros()))
    }

    /// Moves the clock on, or back with a negative number.
    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_six_digits_and_z() {
        assert_eq!(Timestamp::from_micros(0).to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::from_micros(1_767_952_800_123_456).to_string(), "2026-01-09T10:00:00.123456Z");
        assert_eq!(Timestamp::from_micros(-1).to_string(), "1969-12-31T23:59:59.999999Z");
    }

    #[test]
    fn prints_what_jiff_prints() {
        let printer = jiff::fmt::temporal::DateTimePrinter::new().precision(Some(6));
        let strategy = -62_167_219_200_000_000..=253_402_207_199_999_999_i64;
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let outcome = runner.run(&strategy, |micros| {
            let expected = printer.timestamp_to_string(&jiff::Timestamp::from_microsecond(micros).unwrap());
            proptest::prop_assert_eq!(Timestamp::from_micros(micros).to_string(), expected);
            Ok(())
        });
        outcome.unwrap();
    }

    #[test]
    fn what_is_stored_has_a_year_of_four_digits() {
        let text = |micros| Timestamp::from_stored_micros(micros).map(|instant| instant.to_string());
        assert_eq!(text(-62_167_219_200_000_000).unwrap(), "0000-01-01T00:00:00.000000Z");
        assert_eq!(text(253_402_207_199_999_999).unwrap(), "9999-12-30T21:59:59.999999Z");
        for micros in [-62_167_219_200_000_001, 253_402_300_800_000_000, i64::MIN, i64::MAX] {
            assert_eq!(text(micros), None, "{micros}");
        }
    }
}
