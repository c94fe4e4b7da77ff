//! Times as databases and files write them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::clock::Timestamp;

/// Reads `2026-01-09 10:00:00.123456`, with a `T` or without, with an offset or without: without one it is in UTC, as
/// backends that keep naive times mean them. What is finer than a microsecond is left out.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    // A zone's name would be passed over where there is no offset.
    if text.contains('[') {
        return None;
    }
    let micros = match text.parse::<jiff::Timestamp>() {
        Ok(instant) => instant.as_microsecond(),
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond(),
    };
    Timestamp::from_stored_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_databases_write_them() {
        let utc = "2026-01-09T10:00:00.123456Z";
        for text in [
            "2026-01-09 10:00:00.123456",
            "2026-01-09T10:00:00.123456",
            "2026-01-09 10:00:00.123456+00",
            "2026-01-09 12:00:00.123456+02",
            "2026-01-09 15:45:00.123456+05:45",
            "2026-01-09T10:00:00.123456789Z",
            " 2026-01-09T10:00:00.123456+00:00\n",
        ] {
            assert_eq!(parse(text).map(|at| at.to_string()).as_deref(), Some(utc), "{text}");
        }
        assert_eq!(parse("2026-01-09").unwrap().to_string(), "2026-01-09T00:00:00.000000Z");
        assert_eq!(parse("1969-12-31 23:59:59.999999").unwrap().as_micros(), -1);
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "now",
            "infinity",
            "-infinity",
            "1767952800",
            "2026-02-30 10:00:00",
            "10000-01-01 00:00:00",
            "0044-03-15 00:00:00 BC",
            "2026-01-09 10:00:00[Europe/Berlin]",
            "2026-01-09 25:00:00",
            "09.01.2026",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
