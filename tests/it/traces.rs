//! Traces: what is sent to a collector, and whose trace it is a part of.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use prost::Message as _;
use rstest::rstest;
use serde_json::Value;

use crate::process::Service;
use crate::support::http::{Asked, Server};
use crate::support::{Backend, Database, Postgres, Sqlite};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A service whose log is kept.
struct Traced {
    child: Child,
    log: BufReader<ChildStderr>,
    address: String,
}

impl Traced {
    fn start(database: &str, settings: &[(&str, &str)]) -> Self {
        let mut command: Command = Service::serve(database);
        let mut child = command.envs(settings.iter().copied()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended before it listened");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "listening" {
                break line["address"].as_str().unwrap().to_owned();
            }
        };
        Self { child, log, address }
    }

    /// Sends a request with these lines in its header, and answers the status.
    fn ask(&self, line: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    }

    /// Stops it and answers the lines of its log.
    fn stop(mut self) -> Vec<Value> {
        // SIGINT does not wait for balancers.
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let lines = self.log.by_ref().lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        assert!(self.child.wait().unwrap().success());
        lines
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The line of a request in a log.
fn line<'a>(log: &'a [Value], route: &str) -> &'a Value {
    log.iter().find(|line| line["route"] == route).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from_digit(digit.into(), 16).unwrap()).collect()
}

fn text(attributes: &[KeyValue], name: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => panic!("{name}: {other:?}"),
    }
}

fn spans(asked: &[Asked]) -> Vec<Span> {
    let requests = asked.iter().map(|asked| ExportTraceServiceRequest::decode(asked.body.as_slice()).unwrap());
    let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|spans| spans.scope_spans);
    scopes.flat_map(|spans| spans.spans).collect()
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let names = || spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} is not among {:?}", names()))
}

#[rstest]
#[tokio::test]
async fn a_request_is_a_part_of_its_callers_trace(#[values(Sqlite, Postgres)] backend: Backend) {
    let database = Database::migrated(backend).await;
    let collector = Server::start(Some(""));
    let url = format!("http://{}", collector.address);
    let service = Traced::start(
        &database.text,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=of%20ours"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        ],
    );
    let headers = format!("Authorization: Bearer {}\r\ntraceparent: 00-{TRACE}-{PARENT}-01\r\n", Service::token("ann"));
    assert_eq!(service.ask("POST /api/tasks", &headers, r#"{"title": "milk"}"#), "201");
    // Its flags say that nobody keeps this one.
    assert_eq!(service.ask("GET /livez", &format!("traceparent: 00-{}-{PARENT}-00\r\n", "a".repeat(32)), ""), "200");
    assert_eq!(service.ask("GET /nothing?private=1", "traceparent: 00-nonsense\r\n", ""), "404");
    // Spans wait in memory, and callers write long things.
    let long = "x".repeat(10_000);
    let headers = format!("traceparent: 00-{}-{PARENT}-01\r\ntracestate: a={long}\r\n", "b".repeat(32));
    assert_eq!(service.ask(&format!("DELETE /{long}"), &headers, ""), "404");
    let log = service.stop();

    let asked = collector.asked();
    assert!(asked.iter().all(|asked| asked.line == "POST /v1/traces HTTP/1.1"), "{asked:?}");
    assert!(asked.iter().all(|asked| asked.headers["api-key"] == "of ours"), "{asked:?}");
    let first = ExportTraceServiceRequest::decode(asked[0].body.as_slice()).unwrap();
    let resource = &first.resource_spans[0].resource.as_ref().unwrap().attributes;
    assert_eq!(text(resource, "service.name"), "taskgate");
    assert_eq!(text(resource, "deployment.environment.name"), "test");

    let spans = spans(&asked);
    let system = if backend == Sqlite { "sqlite" } else { "postgresql" };
    let request = named(&spans, "POST /api/tasks");
    let operation = named(&spans, "mutation create_task");
    let statement = spans.iter().find(|span| span.parent_span_id == operation.span_id).unwrap();
    assert_eq!(statement.name, system);
    assert_eq!((hex(&request.trace_id), hex(&request.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
    assert_eq!((hex(&operation.trace_id), hex(&statement.trace_id)), (TRACE.to_owned(), TRACE.to_owned()));
    assert_eq!(operation.parent_span_id, request.span_id);
    assert_eq!((request.kind, statement.kind), (SpanKind::Server as i32, SpanKind::Client as i32));
    for (span, name, value) in [
        (request, "http.request.method", "POST"),
        (request, "http.route", "/api/tasks"),
        (request, "url.path", "/api/tasks"),
        (request, "http.response.status_code", "201"),
        (operation, "graphql.operation.type", "mutation"),
        (operation, "graphql.operation.name", "create_task"),
        (statement, "db.system.name", system),
    ] {
        assert_eq!(text(&span.attributes, name), value);
    }
    let own = named(&spans, "GET");
    assert!(own.parent_span_id.is_empty() && hex(&own.trace_id) != TRACE, "{own:?}");
    assert!(!format!("{own:?}").contains("private"), "{own:?}");
    let long = named(&spans, "DELETE");
    assert_eq!((hex(&long.trace_id), long.trace_state.as_str()), ("b".repeat(32), ""));
    assert!(long.encoded_len() < 1_000, "{long:?}");
    assert!(spans.iter().all(|span| span.name != "GET /livez"));
    assert_eq!(line(&log, "/api/tasks")["trace_id"], TRACE);
    assert_eq!(line(&log, "/livez")["trace_id"], "a".repeat(32));
    assert_eq!(line(&log, "unknown")["trace_id"], hex(&own.trace_id));
}

#[tokio::test]
async fn faults_are_errors_and_refusals_are_none() {
    let database = Database::migrated(Sqlite).await;
    let collector = Server::start(Some(""));
    let url = format!("http://{}/v1/traces", collector.address);
    let service = Traced::start(
        &database.text,
        &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &url), ("TASKGATE_STATEMENT_TIMEOUT", "200ms")],
    );
    let authorization = format!("Authorization: Bearer {}\r\n", Service::token("ann"));
    let held = database.hold().await;
    assert_eq!(service.ask("POST /api/tasks", &authorization, r#"{"title": "late"}"#), "504");
    held.release().await;
    assert_eq!(service.ask("GET /api/tasks/9", &authorization, ""), "404");
    service.stop();
    let spans = spans(&collector.asked());
    let status = |name: &str| named(&spans, name).status.as_ref().map_or(0, |status| status.code);
    for (name, kind) in [("POST /api/tasks", "504"), ("mutation create_task", "TIMEOUT")] {
        assert_eq!(status(name), StatusCode::Error as i32, "{name}");
        assert_eq!(text(&named(&spans, name).attributes, "error.type"), kind);
    }
    for name in ["GET /api/tasks/{id}", "query get_task"] {
        assert_eq!(status(name), StatusCode::Unset as i32, "{name}");
    }
}

#[tokio::test]
async fn what_is_asked_of_others_is_a_part_of_the_trace() {
    let database = Database::migrated(Sqlite).await;
    let (collector, keys) = (Server::start(Some("")), Server::start(Some(r#"{"keys":[]}"#)));
    let jwks = format!("http://{}/jwks?key=private", keys.address);
    let url = format!("http://{}", collector.address);
    let service = Traced::start(&database.text, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("JWKS_URL", &jwks)]);
    let at_start = keys.wait(1)[0].clone();
    let context = format!("traceparent: 00-{TRACE}-{PARENT}-01\r\ntracestate: vendor=value\r\n");
    // {"alg":"EdDSA","kid":"new"}.{}
    let token = format!("eyJhbGciOiJFZERTQSIsImtpZCI6Im5ldyJ9.e30.{}", "A".repeat(86));
    assert_eq!(service.ask("GET /api/tasks", &format!("{context}Authorization: Bearer {token}\r\n"), ""), "401");
    let for_caller = keys.wait(2)[1].clone();
    service.stop();

    let spans = spans(&collector.asked());
    let fetches: Vec<&Span> = spans.iter().filter(|span| span.name == "GET").collect();
    for asked in [&at_start, &for_caller] {
        let parts: Vec<&str> = asked.headers["traceparent"].split('-').collect();
        let span = fetches.iter().find(|span| hex(&span.span_id) == parts[2]).unwrap();
        assert_eq!((hex(&span.trace_id).as_str(), parts[3]), (parts[1], "01"));
        assert_eq!(text(&span.attributes, "url.full"), format!("http://{}/jwks", keys.address));
    }
    assert!(for_caller.headers["traceparent"].contains(TRACE) && !at_start.headers["traceparent"].contains(TRACE));
    assert_eq!(for_caller.headers["tracestate"], "vendor=value");
    assert!(!format!("{spans:?}").contains("private"));
}

#[tokio::test]
async fn without_a_collector_there_are_no_traces() {
    let database = Database::migrated(Sqlite).await;
    let (collector, keys) = (Server::start(Some("")), Server::start(Some(r#"{"keys":[]}"#)));
    let url = format!("http://{}", collector.address);
    let jwks = format!("http://{}/jwks", keys.address);
    for settings in [vec![], vec![("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()), ("OTEL_SDK_DISABLED", "true")]] {
        let settings: Vec<_> = settings.into_iter().chain([("JWKS_URL", jwks.as_str())]).collect();
        let before = keys.asked().len();
        let service = Traced::start(&database.text, &settings);
        assert_eq!(service.ask("GET /livez", &format!("traceparent: 00-{TRACE}-{PARENT}-01\r\n"), ""), "200");
        assert!(!keys.wait(before + 1)[before].headers.contains_key("traceparent"));
        assert!(line(&service.stop(), "/livez").get("trace_id").is_none());
    }
    assert_eq!(collector.asked().len(), 0);
}

#[rstest]
#[case::hangs(true)]
#[case::is_away(false)]
#[tokio::test]
async fn a_collector_that_does_not_answer_holds_nothing_up(#[case] hangs: bool) {
    let database = Database::migrated(Sqlite).await;
    let collector = Server::start(None);
    let address = if hangs { collector.address.to_string() } else { "127.0.0.1:9".to_owned() };
    let url = format!("http://{address}");
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("TASKGATE_DRAIN_TIME", "1s"),
        // A batch is on its way, and another one waits, when the service ends.
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "16"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8"),
    ];
    let service = Traced::start(&database.text, &settings);
    let begun = Instant::now();
    for _ in 0..100 {
        assert_eq!(service.ask("GET /livez", "", ""), "200");
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let told = Instant::now();
    let log = service.stop();
    assert!(told.elapsed() < Duration::from_millis(1900), "{:?}", told.elapsed());
    let is_told = |line: &Value| line["level"] == "WARN" || line["level"] == "ERROR";
    assert!(log.iter().any(|line| is_told(line) && line.to_string().contains("trac")), "{log:?}");
    assert!(line(&log, "/livez")["trace_id"].is_string());
}
