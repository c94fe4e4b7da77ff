//! `taskgate check`: what `serve` would run with, and whether it would work.

use std::sync::Arc;

use http::HeaderValue;
use secrecy::ExposeSecret as _;

use super::{Failure, print, service};
use crate::clock::SystemClock;
use crate::config::settings::{self, Setting};
use crate::config::{Config, LogFormat, Sources, TracesConfig, time_text};
use crate::database_url::DatabaseUrl;
use crate::graphql::TrustMode;
use crate::server::Limits;
use crate::store::{self, migrate};
use crate::telemetry::{self, Traces};

/// What is printed for a setting that has neither a value nor a default.
const NOT_SET: &str = "not set";

pub(super) async fn run(sources: &Sources) -> Result<(), Failure> {
    let config = Config::for_serve(sources).map_err(Failure::Usage)?;
    let _log = telemetry::init(&config.log, &Traces::off());
    let trusted = service::trusted_documents(&config.trusted_documents).await?;
    for (setting, value) in resolved(&config, sources) {
        let origin = if value == NOT_SET { String::new() } else { format!(" ({})", sources.origin(setting)) };
        print(&format!("{:<32} {value}{origin}\n", setting.variable))?;
    }
    print("\n")?;
    let mut trials = vec![("database", try_database(&config.database.url).await)];
    if let Some(url) = &config.database.direct_url {
        trials.push(("direct database", try_database(url).await));
    }
    trials.push(("keys", try_keys(&config).await));
    if let Some(documents) = trusted {
        trials.push(("trusted documents", Ok(documents.count().to_string())));
    }
    print(&report(&trials))?;
    verdict(&trials)
}

/// Connects and reads, and changes nothing.
async fn try_database(url: &DatabaseUrl) -> Result<String, String> {
    store::check_route(url).await.map_err(|error| error.to_string())?;
    migrate::status(url).await.map(|lines| lines.join("; ")).map_err(|error| error.to_string())
}

/// Fetches what `serve` would fetch.
async fn try_keys(config: &Config) -> Result<String, String> {
    let verifier =
        service::verifier(&config.tokens, Arc::new(SystemClock)).map_err(|error| error.sentence().to_owned())?;
    verifier.try_keys().await
}

fn report(trials: &[(&str, Result<String, String>)]) -> String {
    let line = |(what, outcome): &(&str, Result<String, String>)| match outcome {
        Ok(found) => format!("{what}: ok, {found}\n"),
        Err(reason) => format!("{what}: failed: {reason}\n"),
    };
    trials.iter().map(line).collect::<Vec<_>>().concat()
}

fn verdict(trials: &[(&str, Result<String, String>)]) -> Result<(), Failure> {
    let failed: Vec<&str> = trials.iter().filter(|(_, outcome)| outcome.is_err()).map(|(what, _)| *what).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Fault(format!("`taskgate serve` would not work: {} failed; see above.", failed.join(" and "))))
}

/// Every setting with its value, secrets and passwords masked.
fn resolved(config: &Config, sources: &Sources) -> Vec<(&'static Setting, String)> {
    let Config {
        database,
        tokens,
        http,
        limits,
        rate_limit,
        feed,
        trusted_documents,
        log,
        traces,
        explore,
        docs,
        hide_foreign_tasks,
        hsts,
        server_timing,
    } = config;
    let text = |value: Option<&str>| value.unwrap_or(NOT_SET).to_owned();
    let given = |setting: &Setting| sources.value(setting).is_some();
    // Kept in the order in which they are set: the current secret, then the previous one.
    let mut secrets = tokens.secrets.iter().map(|secret| format!("set ({} bytes)", secret.expose_secret().len()));
    let mut secret = |setting| if given(setting) { secrets.next() } else { None }.unwrap_or_else(|| text(None));
    let direct_url = match &database.direct_url {
        None if given(&settings::DATABASE_DIRECT_URL) => "not used with SQLite".to_owned(),
        url => text(url.as_ref().map(DatabaseUrl::to_string).as_deref()),
    };
    let origins: Vec<&str> = http.cors_origins.iter().filter_map(|origin| HeaderValue::to_str(origin).ok()).collect();
    let rate = rate_limit.per_minute.map_or_else(|| "off".to_owned(), |points| points.to_string());
    let proxies: Vec<String> = rate_limit.trusted_proxies.iter().map(ToString::to_string).collect();
    let mut lines = vec![
        (&settings::DATABASE_URL, database.url.to_string()),
        (&settings::DATABASE_DIRECT_URL, direct_url),
        (&settings::DATABASE_POOL_SIZE, database.pool_size.to_string()),
        (&settings::TASKGATE_STATEMENT_TIMEOUT, format!("{:?}", database.statement_timeout)),
        (&settings::BETTER_AUTH_SECRET, secret(&settings::BETTER_AUTH_SECRET)),
        (&settings::BETTER_AUTH_SECRET_PREVIOUS, secret(&settings::BETTER_AUTH_SECRET_PREVIOUS)),
        (&settings::JWKS_URL, tokens.jwks_url.clone().map_or_else(|| text(None), masked)),
        (&settings::JWT_ISSUER, text(tokens.issuer.as_deref())),
        (&settings::JWT_AUDIENCE, text(tokens.audience.as_deref())),
        (&settings::JWT_SUBJECT_CLAIM, tokens.subject_claim.clone()),
        (&settings::LISTEN, http.listen.to_string()),
        (
            &settings::TASKGATE_ADMIN_LISTEN,
            http.admin_listen.map_or_else(|| on_off(false), |address| address.to_string()),
        ),
        (&settings::CORS_ORIGINS, origins.join(",")),
        (&settings::TASKGATE_EXPLORE, on_off(*explore)),
        (&settings::TASKGATE_DOCS, on_off(*docs)),
        (&settings::TASKGATE_HIDE_FOREIGN_TASKS, on_off(*hide_foreign_tasks)),
        (&settings::TASKGATE_HSTS, on_off(*hsts)),
        (&settings::TASKGATE_SERVER_TIMING, on_off(*server_timing)),
    ];
    lines.extend(resolved_limits(limits));
    lines.extend([
        (&settings::TASKGATE_RATE_LIMIT, rate),
        (&settings::TASKGATE_TRUSTED_PROXIES, text(Some(proxies.join(",").as_str()).filter(|list| !list.is_empty()))),
        (&settings::TASKGATE_MAX_TASKS, rate_limit.max_tasks.to_string()),
        (&settings::TASKGATE_TOMBSTONE_RETENTION, feed.retention_text()),
        (
            &settings::TASKGATE_TRUSTED_DOCUMENTS,
            trusted_documents.file.as_ref().map_or_else(|| text(None), |file| file.display().to_string()),
        ),
        (&settings::TASKGATE_TRUSTED_DOCUMENTS_MODE, mode_name(trusted_documents.mode).to_owned()),
        (&settings::TASKGATE_LOG, log.filter.clone()),
        (&settings::TASKGATE_LOG_FORMAT, format_name(log.format).to_owned()),
    ]);
    lines.extend(resolved_traces(traces, sources));
    lines
}

fn resolved_traces(traces: &TracesConfig, sources: &Sources) -> [(&'static Setting, String); 8] {
    let given = |setting| sources.value(setting).unwrap_or(NOT_SET).to_owned();
    let headers =
        if traces.headers.is_empty() { NOT_SET.to_owned() } else { format!("set ({})", traces.headers.len()) };
    [
        (&settings::OTEL_EXPORTER_OTLP_ENDPOINT, endpoint(sources, &settings::OTEL_EXPORTER_OTLP_ENDPOINT)),
        (
            &settings::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
            endpoint(sources, &settings::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT),
        ),
        (&settings::OTEL_EXPORTER_OTLP_HEADERS, headers),
        (&settings::OTEL_SERVICE_NAME, traces.service_name.clone()),
        (&settings::OTEL_RESOURCE_ATTRIBUTES, given(&settings::OTEL_RESOURCE_ATTRIBUTES)),
        (&settings::OTEL_TRACES_SAMPLER, given(&settings::OTEL_TRACES_SAMPLER)),
        (&settings::OTEL_TRACES_SAMPLER_ARG, given(&settings::OTEL_TRACES_SAMPLER_ARG)),
        (&settings::OTEL_SDK_DISABLED, given(&settings::OTEL_SDK_DISABLED)),
    ]
}

/// As it was given, which is a URL.
fn endpoint(sources: &Sources, setting: &Setting) -> String {
    let url = sources.value(setting).and_then(|text| text.parse().ok());
    url.map_or_else(|| NOT_SET.to_owned(), masked)
}

fn resolved_limits(limits: &Limits) -> [(&'static Setting, String); 7] {
    [
        (&settings::TASKGATE_BODY_LIMIT, format!("{} bytes", limits.body_bytes)),
        (&settings::TASKGATE_HEADER_TIMEOUT, time_text(limits.header_timeout)),
        (&settings::TASKGATE_BODY_TIMEOUT, time_text(limits.body_timeout)),
        (&settings::TASKGATE_REQUEST_TIMEOUT, time_text(limits.request_timeout)),
        (&settings::TASKGATE_MAX_IN_FLIGHT, limits.in_flight.to_string()),
        (&settings::TASKGATE_MAX_CONNECTIONS, limits.connections.to_string()),
        (&settings::TASKGATE_DRAIN_TIME, time_text(limits.drain_time)),
    ]
}

/// Some services want a key of theirs in the query.
fn masked(mut url: url::Url) -> String {
    if url.query().is_some() {
        url.set_query(Some("***"));
    }
    url.into()
}

fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

const fn mode_name(mode: TrustMode) -> &'static str {
    match mode {
        TrustMode::Only => "only",
        TrustMode::Log => "log",
    }
}

const fn format_name(format: LogFormat) -> &'static str {
    match format {
        LogFormat::Auto => "auto",
        LogFormat::Pretty => "pretty",
        LogFormat::Json => "json",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines<const N: usize>(variables: [(&str, &str); N]) -> Vec<(&'static str, String)> {
        let sources = Sources::new([], variables, []);
        let config = Config::for_serve(&sources).unwrap();
        resolved(&config, &sources).into_iter().map(|(setting, value)| (setting.variable, value)).collect()
    }

    #[test]
    fn every_setting_is_printed_in_the_order_of_the_help() {
        let printed = lines([("JWKS_URL", "https://app.example/jwks")]);
        let all = settings::GROUPS.into_iter().flat_map(|group| group.settings).map(|setting| setting.variable);
        assert_eq!(printed.iter().map(|(variable, _)| *variable).collect::<Vec<_>>(), all.collect::<Vec<_>>());
    }

    #[test]
    fn secrets_and_passwords_are_masked() {
        let hidden = uuid::Uuid::new_v4().to_string();
        let url = format!("postgres://u:{hidden}@h/db");
        let jwks = format!("https://app.example/jwks?apikey={hidden}");
        let printed = lines([
            ("DATABASE_URL", &url),
            ("DATABASE_DIRECT_URL", &url),
            ("BETTER_AUTH_SECRET", &hidden),
            ("BETTER_AUTH_SECRET_PREVIOUS", &format!("{hidden}!")),
            ("JWKS_URL", &jwks),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &jwks),
            ("OTEL_EXPORTER_OTLP_HEADERS", &format!("api-key={hidden}")),
        ]);
        assert!(printed.iter().all(|(_, value)| !value.contains(&hidden)), "{printed:?}");
        for (variable, value) in [
            ("DATABASE_URL", "postgres://u:***@h/db"),
            ("BETTER_AUTH_SECRET", "set (36 bytes)"),
            ("BETTER_AUTH_SECRET_PREVIOUS", "set (37 bytes)"),
            ("JWKS_URL", "https://app.example/jwks?***"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "set (1)"),
        ] {
            assert!(printed.contains(&(variable, value.to_owned())), "{printed:?}");
        }
    }

    #[test]
    fn a_previous_secret_alone_is_not_taken_for_the_current_one() {
        let printed = lines([("BETTER_AUTH_SECRET_PREVIOUS", &"p".repeat(40)), ("JWKS_URL", "https://a.example/j")]);
        assert!(printed.contains(&("BETTER_AUTH_SECRET", NOT_SET.to_owned())), "{printed:?}");
        assert!(printed.contains(&("BETTER_AUTH_SECRET_PREVIOUS", "set (40 bytes)".to_owned())), "{printed:?}");
    }

    #[test]
    fn one_failed_trial_is_a_fault() {
        let trials = [("database", Ok("no migrations pending".to_owned())), ("keys", Err("it is away.".to_owned()))];
        assert_eq!(report(&trials), "database: ok, no migrations pending\nkeys: failed: it is away.\n");
        assert_eq!(verdict(&trials[..1]), Ok(()));
        let failure = verdict(&trials).unwrap_err();
        assert_eq!(failure.status(), 1);
        assert!(failure.sentence().contains("keys failed"), "{failure:?}");
    }
}
