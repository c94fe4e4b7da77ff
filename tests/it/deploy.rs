//! What operators are given names what is there: metrics in dashboards and alerts, settings, probes, ports and times.

mod promql;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use http::Method;
use regex::Regex;
use serde_json::{Value, json};
use taskgate::config::settings::{self, GROUPS};
use taskgate::error::Code;

use self::promql::Query;
use crate::support::metrics::{Metrics, shed_one};
use crate::support::{Sqlite, start, start_with};

/// A file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What `pattern` captures in `text`, each time.
fn captures(pattern: &str, text: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The one thing that `pattern` captures.
#[track_caller]
fn capture(pattern: &str, text: &str) -> String {
    let [found] = captures(pattern, text).try_into().unwrap_or_else(|all| panic!("{pattern}: {all:?}"));
    found
}

/// The expressions of a dashboard, its variables and annotations included.
fn of_dashboard(part: &Value, found: &mut Vec<String>) {
    for (name, inner) in part.as_object().into_iter().flatten() {
        match inner.as_str() {
            Some(query) if name == "expr" || name == "definition" => found.push(query.to_owned()),
            _ => of_dashboard(inner, found),
        }
    }
    part.as_array().into_iter().flatten().for_each(|inner| of_dashboard(inner, found));
}

/// The expressions of the rules, which are on a line or below one.
fn of_rules(rules: &str) -> Vec<String> {
    captures(r"(?m)^ +expr: ((?:>-\n(?: {10}.*\n)+)|.*\n)", rules)
}

/// What an operator sees of a service to which everything happened that is counted apart.
async fn everything() -> Metrics {
    let app = start_with(Sqlite, |options| options.settings.limits.in_flight = 1).await;
    app.create("ann", "milk").await;
    app.post("ann", "/graphql", json!({ "query": "{ nothing }" })).await;
    shed_one(&app).await;
    app.metrics().await
}

#[tokio::test]
async fn dashboards_and_alerts_ask_for_metrics_that_there_are() {
    let metrics = everything().await;
    let mut queries = Vec::new();
    of_dashboard(&serde_json::from_str(&read("deploy/grafana/taskgate.json")).unwrap(), &mut queries);
    assert!(queries.len() > 30, "the dashboard was read: {queries:?}");
    let rules = read("deploy/prometheus/alerts.yml");
    let alerts = of_rules(&rules);
    for part in ["- alert: ", " severity: ", " summary: ", " description: "] {
        assert_eq!(rules.matches(part).count(), alerts.len(), "each alert has{part}");
    }
    let mut wrong = Vec::new();
    for text in queries.iter().chain(&alerts) {
        wrong.extend(unknown(&Query::read(text), &metrics).into_iter().map(|what| format!("{what} in {text}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What a query names and the service does not have.
fn unknown(query: &Query, metrics: &Metrics) -> Vec<String> {
    // What Prometheus adds itself.
    let of_target = ["job", "instance"];
    let mut wrong = Vec::new();
    let mut labels: BTreeSet<&str> = of_target.into();
    for selector in &query.selectors {
        if selector.metric == "up" {
            continue;
        }
        let name = selector.metric.strip_prefix("taskgate_").unwrap_or("no metric of ours");
        let known = metrics.labels(name);
        if known.is_none() {
            wrong.push(selector.metric.clone());
        }
        let known = known.unwrap_or_default();
        labels.extend(known.keys());
        for (label, value) in &selector.matchers {
            let values = known.get(label.as_str());
            let is_value = match (label.as_str(), value) {
                ("job" | "instance", _) => continue,
                // An expression matches what may not have happened yet.
                (_, None) | ("status", _) => values.is_some(),
                ("code", Some(code)) => values.is_some() && (code == "OK" || Code::parse(code).is_some()),
                (_, Some(value)) => values.is_some_and(|values| values.contains(value.as_str())),
            };
            if !is_value {
                wrong.push(format!("{}{{{label}={value:?}}}", selector.metric));
            }
        }
    }
    wrong.extend(query.grouped.iter().filter(|label| !labels.contains(label.as_str())).cloned());
    wrong
}

#[tokio::test]
async fn a_name_that_is_none_is_found() {
    let metrics = everything().await;
    for (query, what) in [
        ("rate(taskgate_http_request_total[5m])", "taskgate_http_request_total"),
        ("sum by (path) (rate(taskgate_http_requests_total[5m]))", "path"),
        ("taskgate_shed_total{what=\"user\"}", "taskgate_shed_total{what=Some(\"user\")}"),
        ("taskgate_shed_total{reason=~\"a|b\"} > 0", "taskgate_shed_total{reason=None}"),
        ("x / on (job) up", "x"),
        (
            "rate(taskgate_graphql_operations_total{code=\"BROKEN\"}[5m] offset 10m)",
            "taskgate_graphql_operations_total{code=Some(\"BROKEN\")}",
        ),
        ("label_values(taskgate_build_info, node)", "node"),
        (
            "histogram_quantile(0.9, rate(taskgate_http_request_duration_seconds[5m]))",
            "taskgate_http_request_duration_seconds",
        ),
    ] {
        assert_eq!(unknown(&Query::read(query), &metrics), [what], "{query}");
    }
}

/// Every file that operators are given, by its path.
fn files() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("deploy")];
    let mut files = vec![(root.join("Dockerfile"), read("Dockerfile"))];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let text = fs::read_to_string(&entry).unwrap();
                files.push((entry, text));
            }
        }
    }
    files
}

#[test]
fn files_for_operators_name_settings_that_there_are() {
    let known: BTreeSet<&str> =
        GROUPS.into_iter().flat_map(|group| group.settings).map(|setting| setting.variable).collect();
    let named = r"\b((?:TASKGATE|DATABASE|BETTER_AUTH|JWKS|JWT|CORS|OTEL)_[A-Z_]+|LISTEN)\b";
    let mut found = BTreeSet::new();
    for (path, text) in files() {
        for name in captures(named, &text) {
            assert!(known.contains(name.as_str()), "{name} in {}", path.display());
            found.insert(name);
        }
    }
    assert!(found.len() > 10, "the files were read: {found:?}");
}

#[tokio::test]
async fn probes_ask_what_answers() {
    let app = start(Sqlite).await;
    let probes = captures(r"httpGet: \{ path: (\S+), port: http \}", &read("deploy/kubernetes.yaml"));
    assert_eq!(probes, ["/livez", "/readyz"]);
    for path in probes {
        assert_eq!(app.anonymous(Method::GET, &path).send().await.status, 200, "{path}");
    }
}

#[test]
fn ports_are_those_that_are_listened_on() {
    let port = |name: &str, text: &str| capture(&format!("{name}[:=] ?\"?0.0.0.0:([0-9]+)"), text);
    let pods = read("deploy/kubernetes.yaml").replace(", value:", ":");
    assert_eq!(port("name: LISTEN", &pods), capture("name: http, containerPort: ([0-9]+)", &pods));
    assert_eq!(port("name: TASKGATE_ADMIN_LISTEN", &pods), capture("name: metrics, containerPort: ([0-9]+)", &pods));
    let image = read("Dockerfile");
    assert_eq!(port("LISTEN", &image), capture("(?m)^EXPOSE ([0-9]+)", &image));
    assert_eq!(port("LISTEN", &image), capture("- 127.0.0.1:8000:([0-9]+)", &read("deploy/compose.yaml")));
}

#[test]
fn nobody_is_killed_who_still_drains() {
    let seconds = |text: String| text.trim_end_matches('s').parse::<u32>().unwrap();
    let drain = seconds(settings::TASKGATE_DRAIN_TIME.default.unwrap().to_owned());
    assert!(seconds(capture("(?m)^TimeoutStopSec=(.*)", &read("deploy/systemd/taskgate.service"))) > drain);
    assert!(seconds(capture("stop_grace_period: (.*)", &read("deploy/compose.yaml"))) > drain);
    assert!(seconds(capture("--stop-timeout ([0-9]+)", &read("Dockerfile"))) > drain);
    let pods = read("deploy/kubernetes.yaml");
    let drain = seconds(capture("TASKGATE_DRAIN_TIME, value: \"(.*)\"", &pods));
    assert!(seconds(capture("terminationGracePeriodSeconds: (.*)", &pods)) > drain);
}

#[test]
fn as_many_connections_as_are_taken_can_be_open() {
    let files: u32 = capture("(?m)^LimitNOFILE=(.*)", &read("deploy/systemd/taskgate.service")).parse().unwrap();
    assert!(files > settings::TASKGATE_MAX_CONNECTIONS.default.unwrap().parse().unwrap());
}
