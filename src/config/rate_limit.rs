//! How much callers may ask for and keep, and whose word counts on where they are.

use std::net::IpAddr;
use std::num::NonZeroU32;

use ipnet::IpNet;

use super::settings::{TASKGATE_MAX_TASKS, TASKGATE_RATE_LIMIT, TASKGATE_TRUSTED_PROXIES};
use super::sources::Sources;

/// The most points a minute that can be told from no limit.
const MOST: u32 = 1_000_000;

/// The most tasks that a user can be allowed.
const MOST_TASKS: i64 = 1_000_000_000;

/// The limits of users and of addresses.
#[derive(Debug, Clone)]
pub struct RateLimitConfig {
    /// `TASKGATE_RATE_LIMIT`: points a minute for each user, or `None` where nobody is limited.
    pub per_minute: Option<NonZeroU32>,
    /// `TASKGATE_TRUSTED_PROXIES`: whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// `TASKGATE_MAX_TASKS`: how many tasks a user may have, at least one.
    pub max_tasks: i64,
}

impl RateLimitConfig {
    /// Reads and checks the settings.
    ///
    /// # Errors
    /// A sentence that names the first wrong setting and says what to write.
    pub fn resolve(sources: &Sources) -> Result<Self, String> {
        Ok(Self {
            per_minute: per_minute(sources)?,
            trusted_proxies: trusted_proxies(sources)?,
            max_tasks: max_tasks(sources)?,
        })
    }
}

fn per_minute(sources: &Sources) -> Result<Option<NonZeroU32>, String> {
    let text = sources.value(&TASKGATE_RATE_LIMIT).unwrap_or_default();
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    let points = text.parse().ok().filter(|points| *points <= MOST).map(NonZeroU32::new);
    points.ok_or_else(|| {
        let advice = format!("write how many points a user may spend in a minute, at most {MOST}, or off");
        sources.refuse(&TASKGATE_RATE_LIMIT, advice)
    })
}

fn max_tasks(sources: &Sources) -> Result<i64, String> {
    let number = sources.value(&TASKGATE_MAX_TASKS).and_then(|text| text.parse().ok());
    let advice = format!("write how many tasks a user may have, from 1 to {MOST_TASKS}");
    number.filter(|number| (1..=MOST_TASKS).contains(number)).ok_or_else(|| sources.refuse(&TASKGATE_MAX_TASKS, advice))
}

fn trusted_proxies(sources: &Sources) -> Result<Vec<IpNet>, String> {
    let list = sources.value(&TASKGATE_TRUSTED_PROXIES).unwrap_or_default();
    let networks = list.split(',').map(str::trim).filter(|text| !text.is_empty()).map(network);
    networks.collect::<Option<_>>().ok_or_else(|| {
        let advice = "write IP addresses or networks, separated by commas, such as 10.0.0.0/8,fd00::/8";
        sources.refuse(&TASKGATE_TRUSTED_PROXIES, advice)
    })
}

fn network(text: &str) -> Option<IpNet> {
    let address = text.parse().map(|address: IpAddr| IpNet::from(address.to_canonical()));
    address.ok().or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(variable: &str, value: &str) -> Result<RateLimitConfig, String> {
        RateLimitConfig::resolve(&Sources::new([], [(variable, value)], []))
    }

    #[test]
    fn points_are_a_whole_number_or_off() {
        for (text, points) in
            [("", Some(3000)), ("1", Some(1)), ("1000000", Some(MOST)), ("off", None), ("OFF", None), ("0", None)]
        {
            let resolved = resolve("TASKGATE_RATE_LIMIT", text).unwrap().per_minute;
            assert_eq!(resolved.map(NonZeroU32::get), points, "{text}");
        }
        for text in ["-1", "1000001", "1.5", "3000/min", "on", "unlimited"] {
            let sentence = resolve("TASKGATE_RATE_LIMIT", text).unwrap_err();
            assert!(sentence.starts_with("TASKGATE_RATE_LIMIT: ") && sentence.ends_with("or off."), "{sentence}");
        }
    }

    #[test]
    fn a_quota_is_a_whole_number_of_tasks() {
        for (text, number) in [("", 50_000), ("1", 1), ("1000000000", MOST_TASKS)] {
            assert_eq!(resolve("TASKGATE_MAX_TASKS", text).unwrap().max_tasks, number, "{text}");
        }
        for text in ["0", "-1", "1000000001", "9223372036854775808", "1.5", "off", "many"] {
            let sentence = resolve("TASKGATE_MAX_TASKS", text).unwrap_err();
            assert!(sentence.starts_with("TASKGATE_MAX_TASKS: ") && sentence.ends_with('.'), "{sentence}");
        }
    }

    #[test]
    fn proxies_are_addresses_or_networks() {
        for (text, networks) in [
            ("", &[][..]),
            ("10.0.0.1", &["10.0.0.1/32"]),
            (" 10.0.0.0/8 , ::1,", &["10.0.0.0/8", "::1/128"]),
            ("::ffff:10.0.0.1", &["10.0.0.1/32"]),
        ] {
            let resolved = resolve("TASKGATE_TRUSTED_PROXIES", text).unwrap().trusted_proxies;
            assert_eq!(resolved.iter().map(ToString::to_string).collect::<Vec<_>>(), networks, "{text}");
        }
        for text in ["proxy.example", "10.0.0.0/33", "10.0.0", "*", "10.0.0.1:80", "10.0.0.1;10.0.0.2"] {
            let sentence = resolve("TASKGATE_TRUSTED_PROXIES", text).unwrap_err();
            assert!(
                sentence.starts_with("TASKGATE_TRUSTED_PROXIES: ") && sentence.contains("10.0.0.0/8"),
                "{sentence}"
            );
        }
    }
}
