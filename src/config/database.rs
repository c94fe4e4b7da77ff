//! Where the tasks are kept, and how many connections there are to it.

use std::time::Duration;

use jiff::SignedDuration;

use super::settings::{DATABASE_DIRECT_URL, DATABASE_POOL_SIZE, DATABASE_URL, Setting, TASKGATE_STATEMENT_TIMEOUT};
use super::sources::Sources;
use crate::database_url::DatabaseUrl;

/// The bounds of `TASKGATE_STATEMENT_TIMEOUT`.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);
const LONGEST_TIMEOUT: Duration = Duration::from_hours(1);

/// The database, and how to connect.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`.
    pub url: DatabaseUrl,
    /// `DATABASE_DIRECT_URL`: a PostgreSQL database without its pooler, to migrate and to listen. `None` with SQLite, which has none.
    pub direct_url: Option<DatabaseUrl>,
    /// `DATABASE_POOL_SIZE`: at least 1.
    pub pool_size: u32,
    /// `TASKGATE_STATEMENT_TIMEOUT`: at least a millisecond.
    pub statement_timeout: Duration,
}

impl DatabaseConfig {
    /// Reads and checks the settings of the group [`DATABASE`](super::settings::DATABASE).
    ///
    /// # Errors
    /// A sentence that names the first wrong setting and says what to write.
    pub fn resolve(sources: &Sources) -> Result<Self, String> {
        let url = database_url(sources, &DATABASE_URL)?.ok_or("DATABASE_URL is not set.")?;
        let direct_url = match (&url, database_url(sources, &DATABASE_DIRECT_URL)?) {
            (DatabaseUrl::Postgres(_), Some(DatabaseUrl::Sqlite(_))) => {
                let advice = "DATABASE_URL is PostgreSQL, so write the postgres:// URL of the same database";
                return Err(sources.refuse(&DATABASE_DIRECT_URL, advice));
            }
            (DatabaseUrl::Postgres(_), direct_url) => direct_url,
            // A `.env` with both URLs of a PostgreSQL database stays usable with `--database-url sqlite://…`.
            (DatabaseUrl::Sqlite(_), _) => None,
        };
        Ok(Self { url, direct_url, pool_size: pool_size(sources)?, statement_timeout: statement_timeout(sources)? })
    }

    /// The URL for what does not work through a pooler, such as migrations.
    #[must_use]
    pub fn direct(&self) -> &DatabaseUrl {
        self.direct_url.as_ref().unwrap_or(&self.url)
    }
}

fn database_url(sources: &Sources, setting: &Setting) -> Result<Option<DatabaseUrl>, String> {
    let url = sources.value(setting).map(DatabaseUrl::parse).transpose();
    url.map_err(|reason| sources.refuse(setting, reason))
}

fn pool_size(sources: &Sources) -> Result<u32, String> {
    let size = sources.value(&DATABASE_POOL_SIZE).and_then(|text| text.parse().ok()).filter(|size| *size > 0);
    size.ok_or_else(|| sources.refuse(&DATABASE_POOL_SIZE, "write a whole number of connections, at least 1"))
}

fn statement_timeout(sources: &Sources) -> Result<Duration, String> {
    let timeout = sources.value(&TASKGATE_STATEMENT_TIMEOUT).and_then(|text| text.parse::<SignedDuration>().ok());
    let timeout = timeout.and_then(|timeout| Duration::try_from(timeout).ok());
    timeout
        .filter(|timeout| (SHORTEST_TIMEOUT..=LONGEST_TIMEOUT).contains(timeout))
        .ok_or_else(|| sources.refuse(&TASKGATE_STATEMENT_TIMEOUT, "write a time from 1ms to 1h, such as 500ms or 5s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve<const N: usize>(variables: [(&str, &str); N]) -> Result<DatabaseConfig, String> {
        DatabaseConfig::resolve(&Sources::new([], variables, []))
    }

    #[test]
    fn migrations_go_past_the_pooler_where_there_is_one() {
        let pooled = ("DATABASE_URL", "postgres://u@pooler/db");
        let direct = ("DATABASE_DIRECT_URL", "postgres://u@direct/db");
        assert_eq!(resolve([pooled]).unwrap().direct().to_string(), pooled.1);
        assert_eq!(resolve([pooled, direct]).unwrap().direct().to_string(), direct.1);
        assert_eq!(resolve([direct]).unwrap().direct().to_string(), "sqlite://taskgate.db");
        let sentence = resolve([pooled, ("DATABASE_DIRECT_URL", "sqlite://a.db")]).unwrap_err();
        assert!(sentence.starts_with("DATABASE_DIRECT_URL: "), "{sentence}");
    }

    #[test]
    fn wrong_urls_are_named_and_not_repeated() {
        for variable in ["DATABASE_URL", "DATABASE_DIRECT_URL"] {
            for url in ["mysql://root:hunter2@db/tasks", "postgres://u:hunter2@h:port/db", "sqlite://hunter2?"] {
                let sentence = resolve([(variable, url)]).unwrap_err();
                assert!(sentence.starts_with(variable) && sentence.ends_with('.'), "{sentence}");
                assert!(!sentence.contains("hunter2"), "{sentence}");
            }
        }
    }

    #[test]
    fn a_pool_has_at_least_one_connection() {
        assert_eq!(resolve([("DATABASE_POOL_SIZE", "1")]).unwrap().pool_size, 1);
        for size in ["0", "-1", "ten", "1.5", "4294967296"] {
            let sentence = resolve([("DATABASE_POOL_SIZE", size)]).unwrap_err();
            assert!(sentence.starts_with("DATABASE_POOL_SIZE: ") && sentence.contains("at least 1"), "{sentence}");
        }
    }

    #[test]
    fn a_statement_timeout_is_a_time_as_people_write_it() {
        let timeout = |text| resolve([("TASKGATE_STATEMENT_TIMEOUT", text)]).map(|config| config.statement_timeout);
        for (text, milliseconds) in [("", 5_000), ("500ms", 500), ("5s", 5_000), ("1m 30s", 90_000), ("1h", 3_600_000)]
        {
            assert_eq!(timeout(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["0s", "5", "-1s", "soon", "2h", "1us"] {
            let sentence = timeout(text).unwrap_err();
            assert!(sentence.starts_with("TASKGATE_STATEMENT_TIMEOUT: ") && sentence.contains("5s"), "{sentence}");
        }
    }
}
