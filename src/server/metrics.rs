//! What operators watch, in the text format of OpenMetrics.
//!
//! What happens is counted where it happens: here for requests, in `graphql` for operations. What a part of the service
//! knows of itself is asked when somebody looks ([`figures`]). Every label has a bounded number of values, whatever
//! callers send.

use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::MatchedPath;
use http::{Extensions, Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

mod figures;

pub(super) use figures::Figures;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::graphql::Graphql;

/// The upper bounds of the buckets of durations, in seconds: from a read by its id to the request timeout.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The metrics of a service. A clone is another handle to the same.
#[derive(Debug, Clone)]
pub(super) struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<OfRoute, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    shed: Family<Shed, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: Route,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: Route,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Shed {
    what: &'static str,
}

/// What a request or a connection is refused for that the service has no room for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Load {
    Request,
    Connection,
}

/// The template of a route, such as `/api/tasks/{id}`; what callers put in its place is no label.
#[derive(Debug, Clone)]
pub(super) struct Route(Option<MatchedPath>);

impl Route {
    pub(super) fn of(request: &Extensions) -> Self {
        Self(request.get().cloned())
    }

    /// `None` where no route fits.
    pub(super) fn template(&self) -> Option<&str> {
        self.0.as_ref().map(MatchedPath::as_str)
    }

    pub(super) fn as_str(&self) -> &str {
        self.template().unwrap_or("unknown")
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Route {}

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.write_str(self.as_str())
    }
}

/// A request that runs, until this is dropped.
#[derive(Debug)]
pub(super) struct Running(Gauge);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Metrics of a service that started at `started`, beside what the schema counts and what `figures` tells.
    pub(super) fn new(started: Timestamp, graphql: &Graphql, figures: Figures) -> Self {
        let mut registry = Registry::with_prefix("taskgate");
        let durations: fn() -> Histogram = || Histogram::new(BUCKETS);
        let (requests, durations) = (Family::default(), Family::new_with_constructor(durations));
        let (in_flight, shed) = (Gauge::default(), Family::default());
        registry.register("build", "The version of the service", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let started = ConstGauge::new(started.as_seconds());
        registry.register_with_unit("start_time", "When the service started, since 1970", Unit::Seconds, started);
        registry.register("http_requests", "Requests that were answered", Family::clone(&requests));
        let help = "From the header of a request to its answer";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, Family::clone(&durations));
        registry.register("http_requests_in_flight", "Requests that run", in_flight.clone());
        registry.register("shed", "What was refused because there was no room for it", Family::clone(&shed));
        graphql.register(&mut registry);
        registry.register_collector(Box::new(figures));
        Self(Arc::new(Inner { registry, requests, durations, in_flight, shed }))
    }

    /// Counts a request among those that run.
    pub(super) fn begin(&self) -> Running {
        self.0.in_flight.inc();
        Running(self.0.in_flight.clone())
    }

    /// Counts an answer.
    pub(super) fn answered(&self, method: &Method, route: Route, status: StatusCode, took: Duration) {
        let answered = Answered { method: name(method), route, status: status.as_u16() };
        self.0.requests.get_or_create(&answered).inc();
        self.0.durations.get_or_create(&OfRoute { route: answered.route }).observe(took.as_secs_f64());
    }

    /// Counts what was refused unread.
    pub(super) fn shed(&self, load: Load) {
        let what = match load {
            Load::Request => "request",
            Load::Connection => "connection",
        };
        self.0.shed.get_or_create(&Shed { what }).inc();
    }

    /// All of it, in the text format of OpenMetrics 1.0.
    pub(super) fn text(&self) -> Result<String> {
        let mut text = String::new();
        text::encode(&mut text, &self.0.registry).map_err(Error::internal)?;
        Ok(text)
    }
}

/// The name of a method, of which callers may invent others.
pub(super) fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}
