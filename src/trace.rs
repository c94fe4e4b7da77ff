//! Traces: what is done for a request, as spans that OpenTelemetry can export. Their names and attributes are those of
//! its semantic conventions, their context travels as W3C Trace Context.
//!
//! The spans are `tracing`'s, all of the target [`TARGET`], which the log leaves out. Where nothing is exported nobody is
//! interested in them, and each costs a look at a flag. What is private stays out: queries of URLs, statements, tokens,
//! and whatever else callers write.

use http::{HeaderMap, HeaderName, StatusCode};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{TraceContextExt as _, TraceId};
use opentelemetry_http::HeaderInjector;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing::field::{Empty, display};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use url::Url;

use crate::error::Code;

/// The target of every span.
pub const TARGET: &str = module_path!();

/// The most bytes that are kept of what a caller wrote: of a path, and of `tracestate`, of which W3C Trace Context wants
/// that many passed on. Spans wait in memory.
const MOST_BYTES: usize = 512;

/// A request that is answered: a part of the caller's trace, where its `headers` name one.
#[must_use]
pub fn request(method: &'static str, route: Option<&str>, path: &str, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.kind = "server",
        otel.name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}")),
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        url.path = &path[..path.floor_char_boundary(MOST_BYTES)],
        url.scheme = "http",
        error.r#type = Empty,
    );
    if !span.is_disabled() {
        // It has just been made, so it can still be given a parent.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&Received(headers)));
    }
    span
}

/// A GraphQL operation, by the kind and the name that it has in the figures.
#[must_use]
pub fn operation(kind: &'static str, name: Option<&str>) -> Span {
    tracing::info_span!(
        "operation",
        otel.name = name.map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}")),
        otel.status_code = Empty,
        graphql.operation.r#type = kind,
        graphql.operation.name = name,
        error.r#type = Empty,
    )
}

/// A statement, or a transaction of several, that a database works on.
#[must_use]
pub fn statement(system: &'static str) -> Span {
    tracing::info_span!(
        "statement",
        otel.kind = "client",
        otel.name = system,
        otel.status_code = Empty,
        db.system.name = system,
        error.r#type = Empty,
    )
}

/// A `GET` of ours. What it is a part of is written into `headers`.
#[must_use]
pub fn fetch(url: &Url, headers: &mut HeaderMap) -> Span {
    let span = tracing::info_span!(
        "fetch",
        otel.kind = "client",
        otel.name = "GET",
        otel.status_code = Empty,
        http.request.method = "GET",
        http.response.status_code = Empty,
        server.address = url.host_str(),
        server.port = url.port_or_known_default(),
        url.full = format!("{}{}", url.origin().ascii_serialization(), url.path()),
        error.r#type = Empty,
    );
    if !span.is_disabled() {
        TraceContextPropagator::new().inject_context(&span.context(), &mut HeaderInjector(headers));
    }
    span
}

/// Notes the answer to a request that we were sent. Only a fault of ours is an error.
pub fn answered(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        failed(span, status.as_str());
    }
}

/// Notes the code of an operation's first error. Only a fault of ours is an error.
pub fn refused(span: &Span, code: Code) {
    if code.status().is_server_error() {
        failed(span, code.as_str());
    }
}

/// Notes that it failed, and of which kind the failure is.
pub fn failed(span: &Span, kind: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", kind);
}

/// The trace that a span is a part of, as 32 hexadecimal digits; `None` where there are no traces.
#[must_use]
pub fn id(span: &Span) -> Option<impl tracing::Value + use<>> {
    if span.is_disabled() {
        return None;
    }
    let id = span.context().span().span_context().trace_id();
    (id != TraceId::INVALID).then(|| display(id))
}

/// The headers of a caller, without values that are too long.
struct Received<'a>(&'a HeaderMap);

impl Extractor for Received<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.to_str().ok()).filter(|text| text.len() <= MOST_BYTES)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
