//! How far back the feed of changes reaches.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::limits::time_text;
use super::settings::TASKGATE_TOMBSTONE_RETENTION;
use super::sources::Sources;

const DAY: Duration = Duration::from_hours(24);

/// The bounds of the retention: a client that reads page by page needs minutes; beyond ten years it is for ever.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
const LONGEST: SignedDuration = SignedDuration::from_hours(3_650 * 24);

/// The feed of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedConfig {
    /// `TASKGATE_TOMBSTONE_RETENTION`: how long the tombstone of a deleted task is kept.
    pub tombstone_retention: Duration,
}

impl FeedConfig {
    /// Reads and checks the settings of the group [`FEED`](super::settings::FEED).
    ///
    /// # Errors
    /// A sentence that names the first wrong setting and says what to write.
    pub fn resolve(sources: &Sources) -> Result<Self, String> {
        let given = sources.value(&TASKGATE_TOMBSTONE_RETENTION).and_then(|text| text.parse::<Span>().ok());
        let given = given.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        let good = given.filter(|time| (SHORTEST..=LONGEST).contains(time));
        let advice = "write a time with its unit, from 1m to 3650d, such as 30d, 12h or 1d 12h";
        let tombstone_retention = good
            .and_then(|time| Duration::try_from(time).ok())
            .ok_or_else(|| sources.refuse(&TASKGATE_TOMBSTONE_RETENTION, advice))?;
        Ok(Self { tombstone_retention })
    }

    /// The retention as [`FeedConfig::resolve`] reads it.
    #[must_use]
    pub fn retention_text(&self) -> String {
        let days = self.tombstone_retention.as_secs() / DAY.as_secs();
        if Duration::from_secs(days * DAY.as_secs()) == self.tombstone_retention {
            format!("{days}d")
        } else {
            time_text(self.tombstone_retention)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve<const N: usize>(variables: [(&str, &str); N]) -> Result<FeedConfig, String> {
        FeedConfig::resolve(&Sources::new([], variables, []))
    }

    #[test]
    fn a_retention_is_a_time_that_may_be_in_days() {
        assert_eq!(resolve([]).unwrap().tombstone_retention, 30 * DAY);
        for (text, seconds, printed) in [
            ("30d", 2_592_000, "30d"),
            ("720h", 2_592_000, "30d"),
            ("1d 12h", 129_600, "36h"),
            ("P1DT12H", 129_600, "36h"),
            ("2w", 1_209_600, "14d"),
            ("1m", 60, "1m"),
            ("3650d", 315_360_000, "3650d"),
        ] {
            let config = resolve([("TASKGATE_TOMBSTONE_RETENTION", text)]).unwrap();
            assert_eq!(config.tombstone_retention, Duration::from_secs(seconds), "{text}");
            assert_eq!(config.retention_text(), printed, "{text}");
            assert_eq!(resolve([("TASKGATE_TOMBSTONE_RETENTION", printed)]), Ok(config));
        }
        for text in ["0", "0d", "30", "-30d", "59s", "3651d", "1y", "1mo", "always", "off", "9999999999999999999d"] {
            let sentence = resolve([("TASKGATE_TOMBSTONE_RETENTION", text)]).unwrap_err();
            assert!(sentence.starts_with("TASKGATE_TOMBSTONE_RETENTION: ") && sentence.contains("30d"), "{sentence}");
        }
    }
}
