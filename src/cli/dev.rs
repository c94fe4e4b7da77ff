//! `taskgate dev`: everything at once for somebody who wants to see it work.
//!
//! It is not for the network: it listens on a loopback address only, because it hands out a token to anybody who
//! opens GraphiQL.

mod banner;
pub(super) mod secret;

use std::path::Path;
use std::sync::Arc;

use self::banner::banner;
use super::{Failure, bind, print, service, token};
use crate::clock::{SharedClock, SystemClock};
use crate::config::{Config, Sources};
use crate::database_url::DatabaseUrl;
use crate::telemetry::{self, Traces};

/// The user of the token that is printed.
const USER: &str = "dev";

/// How long that token is valid: a day, so that nobody has to fetch another one before they go home.
const TTL_SECONDS: i64 = 24 * 60 * 60;

pub(super) async fn run(sources: &Sources) -> Result<(), Failure> {
    let mut config = Config::for_dev(sources).map_err(Failure::Usage)?;
    let database = local(&config)?.to_owned();
    let traces = Traces::new(&config.traces).map_err(Failure::Fault)?;
    let _log = telemetry::init(&config.log, &traces);
    let trusted = service::trusted_documents(&config.trusted_documents).await?;
    let clock: SharedClock = Arc::new(SystemClock);
    // The port first: a second `dev` stops here, before it touches the first one's files.
    let listeners = bind(&config).await?;
    let address = listeners.callers.local_addr().map_err(|error| Failure::Fault(format!("Cannot listen: {error}.")))?;
    service::migrate(&config.database).await?;
    let secret = secret::read_or_make(&database)?;
    let token = token::issue(&config.tokens, &secret, &token::user(USER)?, clock.now(), TTL_SECONDS)?;
    config.tokens.secrets.insert(0, secret);
    print(&banner(&config, address, &token))?;
    let served = service::run(config, clock, listeners, trusted, Some(token)).await;
    service::finish(traces, served).await
}

/// The SQLite file, when the configuration is one for this machine alone.
fn local(config: &Config) -> Result<&Path, Failure> {
    if !config.http.listen.ip().is_loopback() {
        let listen = config.http.listen;
        return Err(Failure::Usage(format!(
            "`taskgate dev` gives a token to whoever reaches it, so it does not listen on {listen}; set LISTEN to \
             127.0.0.1:8000, or use `taskgate serve`."
        )));
    }
    match &config.database.url {
        DatabaseUrl::Sqlite(path) => Ok(path),
        DatabaseUrl::Postgres(_) => Err(Failure::Usage(
            "`taskgate dev` keeps its tasks in SQLite; for PostgreSQL use `taskgate serve`, or set DATABASE_URL to \
             sqlite://taskgate.db."
                .to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const N: usize>(variables: [(&str, &str); N]) -> Result<String, Failure> {
        let config = Config::for_dev(&Sources::new([], variables, [])).unwrap();
        local(&config).map(|path| path.display().to_string())
    }

    #[test]
    fn dev_is_for_this_machine_and_sqlite() {
        for listen in ["127.0.0.1:8000", "127.1.2.3:0", "[::1]:8000"] {
            assert_eq!(check([("LISTEN", listen)]), Ok("taskgate.db".to_owned()), "{listen}");
        }
        for listen in ["0.0.0.0:8000", "[::]:8000", "192.168.0.7:8000", "[::ffff:127.0.0.1]:8000"] {
            let failure = check([("LISTEN", listen)]).unwrap_err();
            assert_eq!(failure.status(), 2);
            assert!(failure.sentence().contains("127.0.0.1:8000"), "{failure:?}");
        }
        let failure = check([("DATABASE_URL", "postgres://u:hunter2@h/db")]).unwrap_err();
        assert_eq!(failure.status(), 2);
        assert!(failure.sentence().contains("taskgate serve") && !failure.sentence().contains("hunter2"));
    }
}
