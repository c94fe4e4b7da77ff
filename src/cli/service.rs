//! Putting the service together: what `serve` and `dev` share.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::{Failure, Listeners};
use crate::auth::{TokenRules, Verifier};
use crate::clock::SharedClock;
use crate::config::{Config, DatabaseConfig, TrustedConfig};
use crate::database_url::DatabaseUrl;
use crate::graphql::TrustedDocuments;
use crate::server::{self, App, Settings};
use crate::store::Store;
use crate::store::migrate::{self, MigrateError};
use crate::telemetry::Traces;

/// How long a database gets to be there before the service answers without it.
const HEAD_START: Duration = Duration::from_millis(500);

/// Brings the tables up to date.
pub(super) async fn migrate(database: &DatabaseConfig) -> Result<(), Failure> {
    let applied = migrate::run(database.direct()).await.map_err(|error| Failure::Fault(error.to_string()))?;
    for name in applied {
        tracing::info!(name, "applied a migration");
    }
    Ok(())
}

/// Whether the tables are there and up to date; nothing is made where they are not.
pub(super) async fn has_tables(url: &DatabaseUrl) -> Result<bool, Failure> {
    let steps = migrate::status(url).await.map_err(|error| Failure::Fault(error.to_string()))?;
    Ok(steps.iter().all(|step| step.starts_with("applied")))
}

/// Makes sure that there is something to work on.
pub(super) async fn check_tables(url: &DatabaseUrl) -> Result<(), Failure> {
    if has_tables(url).await? {
        return Ok(());
    }
    let advice = "The database has not all tables of this taskgate; check DATABASE_URL, or run `taskgate migrate run`.";
    Err(Failure::Fault(advice.to_owned()))
}

/// What verifies tokens, before it has fetched a key.
pub(super) fn verifier(rules: &TokenRules, clock: SharedClock) -> Result<Verifier, Failure> {
    Verifier::new(rules.clone(), clock).map_err(|error| Failure::Usage(error.to_string()))
}

/// Reads and validates the trusted documents, where there is a manifest of them.
pub(super) async fn trusted_documents(config: &TrustedConfig) -> Result<Option<TrustedDocuments>, Failure> {
    let Some(file) = &config.file else { return Ok(None) };
    let loaded = match tokio::fs::read_to_string(file).await {
        Ok(manifest) => TrustedDocuments::load(&manifest, config.mode)
            .await
            .map_err(|reason| format!("{reason}; build the manifest anew for the schema of this version")),
        Err(error) => Err(format!("it cannot be read: {error}; name the file that the front ends' build writes")),
    };
    let refuse = |reason| Failure::Usage(format!("TASKGATE_TRUSTED_DOCUMENTS: {}: {reason}.", file.display()));
    loaded.map(Some).map_err(refuse)
}

/// Sends the last traces of a service that has ended, within what is left of its drain time.
pub(super) async fn finish(traces: Traces, served: Result<Instant, Failure>) -> Result<(), Failure> {
    let deadline = served?;
    traces.finish(deadline).await;
    Ok(())
}

/// Serves on `listeners` until the process is told to stop, and tells when its drain time is over. A token for explorers makes it `dev`: it is filled in where
/// people try things, and the service answers to names of this machine only.
pub(super) async fn run(
    config: Config,
    clock: SharedClock,
    listeners: Listeners,
    trusted_documents: Option<TrustedDocuments>,
    explorer_token: Option<String>,
) -> Result<Instant, Failure> {
    let store = Store::new(&config.database.url, config.database.pool_size, clock.clone())
        .hiding_foreign_tasks(config.hide_foreign_tasks)
        .with_max_tasks(config.rate_limit.max_tasks)
        .with_tombstone_retention(config.feed.tombstone_retention)
        .with_statement_timeout(config.database.statement_timeout)
        .closed();
    let verifier = verifier(&config.tokens, clock.clone())?;
    verifier.start();
    let settings = Settings {
        cors_origins: config.http.cors_origins,
        explore: config.explore,
        docs: config.docs,
        hsts: config.hsts,
        server_timing: config.server_timing,
        limits: config.limits,
        loopback_only: explorer_token.is_some(),
        explorer_token,
        trusted_documents,
        rate_limit: config.rate_limit.per_minute,
        trusted_proxies: config.rate_limit.trusted_proxies,
    };
    let app = App::new(store.clone(), verifier, clock, settings).map_err(|error| Failure::Fault(error.to_string()))?;
    serve(app, listeners, &store, &config.database).await
}

/// Serves while the store is still made ready: a database that is away is for `/readyz` to tell, and may come. One that
/// can never do ends the process.
async fn serve(app: App, listeners: Listeners, store: &Store, database: &DatabaseConfig) -> Result<Instant, Failure> {
    let wrong = |error: MigrateError| Failure::Fault(error.to_string());
    let serving = async {
        let served = server::serve(app, listeners.callers, listeners.operators).await;
        served.map_err(|error| Failure::Fault(format!("The server failed: {error}.")))
    };
    let (mut preparing, mut serving) = (pin!(store.prepare(database.direct())), pin!(serving));
    // Where it is there, or wrong, at once, nothing is served before that is known.
    if let Ok(outcome) = timeout(HEAD_START, &mut preparing).await {
        outcome.map_err(wrong)?;
    } else {
        tokio::select! {
            outcome = &mut serving => return outcome,
            outcome = preparing => outcome.map_err(wrong)?,
        }
    }
    let outcome = tokio::select! {
        outcome = serving => outcome,
        never = store.keep_swept() => match never {},
        never = Box::pin(store.keep_in_step(database.direct_url.as_ref())) => match never {},
    };
    let deadline = outcome?;
    // Late, other nodes find out by themselves.
    let _ = timeout_at(deadline, Box::pin(store.tell_nodes())).await;
    Ok(deadline)
}
