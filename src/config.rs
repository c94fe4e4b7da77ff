//! The configuration: flags, environment and `.env`, resolved and validated once, before anything starts.
//!
//! To add a setting: a row in [`settings`], a field in the struct of its concern with the line that reads it, and a
//! line in `cli/check.rs`, whose test fails where it is missing.

mod database;
mod feed;
mod http;
mod limits;
mod log;
mod rate_limit;
pub mod settings;
mod sources;
mod tokens;
mod traces;
mod trusted;

pub use self::database::DatabaseConfig;
pub use self::feed::FeedConfig;
pub use self::http::HttpConfig;
pub use self::limits::{limits, time_text};
pub use self::log::{LogConfig, LogFormat};
pub use self::rate_limit::RateLimitConfig;
pub use self::sources::Sources;
pub use self::tokens::token_rules;
pub use self::traces::{Sampling, TracesConfig};
pub use self::trusted::TrustedConfig;
use crate::auth::TokenRules;
use crate::server::Limits;

/// All that a server has to know.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that people turn on and off")]
pub struct Config {
    pub database: DatabaseConfig,
    pub tokens: TokenRules,
    pub http: HttpConfig,
    pub rate_limit: RateLimitConfig,
    pub feed: FeedConfig,
    pub trusted_documents: TrustedConfig,
    pub limits: Limits,
    pub log: LogConfig,
    pub traces: TracesConfig,
    /// Whether callers may explore: GraphiQL, introspection, suggestions, `/schema.graphql`.
    pub explore: bool,
    /// Whether `/docs` and `/openapi.json` are there.
    pub docs: bool,
    /// Whether another user's task looks like one that does not exist.
    pub hide_foreign_tasks: bool,
    /// Whether browsers are told to use https alone.
    pub hsts: bool,
    /// Whether callers are told where the time went.
    pub server_timing: bool,
}

impl Config {
    /// The configuration of `serve`: there is a key for tokens, and exploring is off unless it is asked for.
    ///
    /// # Errors
    /// A sentence that names the first wrong setting and says what to write.
    pub fn for_serve(sources: &Sources) -> Result<Self, String> {
        let config = Self::resolve(sources, false)?;
        if sources.value(&settings::BETTER_AUTH_SECRET).is_none() && config.tokens.jwks_url.is_none() {
            return Err("There is no key to verify tokens with; set BETTER_AUTH_SECRET (at least 32 bytes) or \
                        JWKS_URL, or try taskgate out with `taskgate dev`."
                .to_owned());
        }
        Ok(config)
    }

    /// The configuration of `dev`, which brings its own key: exploring is on unless it is turned off.
    ///
    /// # Errors
    /// As [`Config::for_serve`].
    pub fn for_dev(sources: &Sources) -> Result<Self, String> {
        Self::resolve(sources, true)
    }

    fn resolve(sources: &Sources, is_dev: bool) -> Result<Self, String> {
        Ok(Self {
            database: DatabaseConfig::resolve(sources)?,
            tokens: token_rules(sources)?,
            http: HttpConfig::resolve(sources)?,
            rate_limit: RateLimitConfig::resolve(sources)?,
            feed: FeedConfig::resolve(sources)?,
            trusted_documents: TrustedConfig::resolve(sources)?,
            limits: limits(sources)?,
            log: LogConfig::resolve(sources)?,
            traces: TracesConfig::resolve(sources)?,
            explore: sources.switch(&settings::TASKGATE_EXPLORE)?.unwrap_or(is_dev),
            docs: sources.switch(&settings::TASKGATE_DOCS)?.unwrap_or(true),
            hide_foreign_tasks: sources.switch(&settings::TASKGATE_HIDE_FOREIGN_TASKS)?.unwrap_or(false),
            hsts: sources.switch(&settings::TASKGATE_HSTS)?.unwrap_or(false),
            server_timing: sources.switch(&settings::TASKGATE_SERVER_TIMING)?.unwrap_or(is_dev),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: (&str, &str) = ("BETTER_AUTH_SECRET", "a secret of the test, 32 bytes or more");

    fn environment<const N: usize>(variables: [(&str, &str); N]) -> Sources {
        Sources::new([], variables, [])
    }

    #[test]
    fn the_defaults_are_those_of_the_help() {
        let config = Config::for_dev(&environment([])).unwrap();
        assert_eq!(config.database.url.to_string(), "sqlite://taskgate.db");
        assert_eq!(config.database.pool_size, 10);
        assert!(config.database.direct_url.is_none());
        assert!(config.tokens.secrets.is_empty() && config.tokens.jwks_url.is_none());
        assert_eq!(config.tokens.subject_claim, "sub");
        assert_eq!(config.http.listen.to_string(), "127.0.0.1:8000");
        assert_eq!(config.http.cors_origins, ["http://localhost:3000"]);
        assert_eq!(config.rate_limit.per_minute.map(std::num::NonZeroU32::get), Some(3000));
        assert!(config.rate_limit.trusted_proxies.is_empty());
        assert_eq!(config.rate_limit.max_tasks, 50_000);
        assert!(config.docs && !config.hide_foreign_tasks && !config.hsts && config.server_timing);
    }

    #[test]
    fn exploring_is_on_under_dev_and_off_under_serve_unless_it_is_set() {
        let explore = |set| [SECRET, ("TASKGATE_EXPLORE", set)];
        for (set, dev, serve) in [("", true, false), ("on", true, true), ("off", false, false)] {
            assert_eq!(Config::for_dev(&environment(explore(set))).unwrap().explore, dev, "{set}");
            assert_eq!(Config::for_serve(&environment(explore(set))).unwrap().explore, serve, "{set}");
        }
    }

    #[test]
    fn serve_needs_a_key() {
        for variables in [[("BETTER_AUTH_SECRET", "")], [("BETTER_AUTH_SECRET_PREVIOUS", SECRET.1)]] {
            let sentence = Config::for_serve(&environment(variables)).unwrap_err();
            assert!(sentence.contains("BETTER_AUTH_SECRET") && sentence.contains("JWKS_URL"), "{sentence}");
        }
        assert!(Config::for_serve(&environment([SECRET])).is_ok());
        assert!(Config::for_serve(&environment([("JWKS_URL", "https://app.example/api/auth/jwks")])).is_ok());
    }

    #[test]
    fn a_printed_configuration_holds_no_secret() {
        let password = uuid::Uuid::new_v4().to_string();
        let url = format!("postgres://u:{password}@h/db");
        let secret = uuid::Uuid::new_v4().to_string();
        let sources = environment([("DATABASE_URL", &url), ("BETTER_AUTH_SECRET", &secret)]);
        let printed = format!("{:?} {sources:?}", Config::for_serve(&sources).unwrap());
        assert!(!printed.contains(&password) && !printed.contains(&secret), "{printed}");
    }
}
