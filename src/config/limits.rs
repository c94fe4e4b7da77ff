//! What the service bears before it refuses.

use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

use super::settings::{
    Setting, TASKGATE_BODY_LIMIT, TASKGATE_BODY_TIMEOUT, TASKGATE_DRAIN_TIME, TASKGATE_HEADER_TIMEOUT,
    TASKGATE_MAX_CONNECTIONS, TASKGATE_MAX_IN_FLIGHT, TASKGATE_REQUEST_TIMEOUT,
};
use super::sources::Sources;
use crate::server::{Limits, SocketBounds};

/// The largest body that can be allowed: 1 GiB. It is read into memory.
const MOST_BYTES: usize = 1024 * 1024 * 1024;

/// The most requests or connections that can be allowed.
const MOST_AT_ONCE: u32 = 1_000_000;

/// The longest time that can be set: a day.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// Reads and checks the settings of the group [`LIMITS`](super::settings::LIMITS).
///
/// # Errors
/// A sentence that names the first wrong setting and says what to write.
pub fn limits(sources: &Sources) -> Result<Limits, String> {
    Ok(Limits {
        body_bytes: size(sources, &TASKGATE_BODY_LIMIT)?,
        header_timeout: time(sources, &TASKGATE_HEADER_TIMEOUT)?,
        body_timeout: time(sources, &TASKGATE_BODY_TIMEOUT)?,
        request_timeout: time(sources, &TASKGATE_REQUEST_TIMEOUT)?,
        in_flight: number(sources, &TASKGATE_MAX_IN_FLIGHT)?,
        connections: number(sources, &TASKGATE_MAX_CONNECTIONS)?,
        drain_time: time(sources, &TASKGATE_DRAIN_TIME)?,
        sockets: SocketBounds::default(),
    })
}

/// A time as [`limits`] reads it.
#[must_use]
pub fn time_text(time: Duration) -> String {
    SignedDuration::try_from(time).map_or_else(|_| format!("{time:?}"), |time| format!("{time:#}"))
}

fn time(sources: &Sources, setting: &Setting) -> Result<Duration, String> {
    let given = sources.value(setting).and_then(|text| SignedDuration::from_str(text).ok());
    let good = given.filter(|time| (SignedDuration::from_millis(1)..=LONGEST).contains(time));
    let advice = "write a time with its unit, from 1ms to 24h, such as 500ms, 10s or 1m 30s";
    good.and_then(|time| Duration::try_from(time).ok()).ok_or_else(|| sources.refuse(setting, advice))
}

fn number(sources: &Sources, setting: &Setting) -> Result<u32, String> {
    let given = sources.value(setting).and_then(|text| text.parse().ok());
    let advice = "write a whole number from 1 to 1000000";
    given.filter(|number| (1..=MOST_AT_ONCE).contains(number)).ok_or_else(|| sources.refuse(setting, advice))
}

fn size(sources: &Sources, setting: &Setting) -> Result<usize, String> {
    let bytes = sources.value(setting).and_then(bytes).filter(|bytes| (1..=MOST_BYTES).contains(bytes));
    let advice = "write a size from 1 byte to 1024MiB, in bytes or with its unit, such as 65536, 512KiB or 1MiB";
    bytes.ok_or_else(|| sources.refuse(setting, advice))
}

fn bytes(text: &str) -> Option<usize> {
    let (number, unit) = match text.split_at_checked(text.len().saturating_sub(3)) {
        Some((number, "KiB")) => (number, 1024),
        Some((number, "MiB")) => (number, 1024 * 1024),
        _ => (text, 1),
    };
    number.trim_end().parse::<usize>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::super::settings::LIMITS;
    use super::*;

    fn resolve<const N: usize>(variables: [(&str, &str); N]) -> Result<Limits, String> {
        limits(&Sources::new([], variables, []))
    }

    #[test]
    fn the_defaults_of_the_help_are_those_of_the_server() {
        assert_eq!(resolve([]).unwrap(), Limits::default());
    }

    #[test]
    fn each_setting_sets_its_own_limit() {
        let limits = resolve([
            ("TASKGATE_BODY_LIMIT", "2KiB"),
            ("TASKGATE_HEADER_TIMEOUT", "1s"),
            ("TASKGATE_BODY_TIMEOUT", "2s"),
            ("TASKGATE_REQUEST_TIMEOUT", "3s"),
            ("TASKGATE_MAX_IN_FLIGHT", "4"),
            ("TASKGATE_MAX_CONNECTIONS", "5"),
            ("TASKGATE_DRAIN_TIME", "6s"),
        ]);
        let expected = Limits {
            body_bytes: 2048,
            header_timeout: Duration::from_secs(1),
            body_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(3),
            in_flight: 4,
            connections: 5,
            drain_time: Duration::from_secs(6),
            sockets: SocketBounds::default(),
        };
        assert_eq!(limits, Ok(expected));
    }

    #[test]
    fn times_have_a_unit() {
        for (text, milliseconds) in [("1ms", 1), ("500ms", 500), ("10s", 10_000), ("1m 30s", 90_000), ("PT1M", 60_000)]
        {
            let time = resolve([("TASKGATE_REQUEST_TIMEOUT", text)]).unwrap().request_timeout;
            assert_eq!(time, Duration::from_millis(milliseconds), "{text}");
            assert_eq!(resolve([("TASKGATE_REQUEST_TIMEOUT", &time_text(time))]).unwrap().request_timeout, time);
        }
        assert_eq!(time_text(Duration::from_secs(10)), "10s");
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, bytes) in [("1", 1), ("65536", 65_536), ("512KiB", 524_288), ("1 MiB", 1_048_576)] {
            assert_eq!(resolve([("TASKGATE_BODY_LIMIT", text)]).unwrap().body_bytes, bytes, "{text}");
        }
    }

    #[test]
    fn zero_and_nonsense_are_refused() {
        for setting in LIMITS.settings {
            for text in ["0", "0s", "0MiB", "-1", "-1s", "much", "1e3", "∞", "9999999999999999999999", "25h", "2048MiB"]
            {
                let sentence = resolve([(setting.variable, text)]).unwrap_err();
                assert!(sentence.starts_with(setting.variable), "{text}: {sentence}");
                assert!(sentence.contains("write a") && sentence.ends_with('.'), "{text}: {sentence}");
            }
        }
        for (variable, text) in [("TASKGATE_DRAIN_TIME", "10"), ("TASKGATE_MAX_IN_FLIGHT", "10s")] {
            assert!(resolve([(variable, text)]).is_err(), "{variable}={text}");
        }
    }
}
