//! HTTP: the router and everything around the two doors.

use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;
use http::HeaderValue;
use ipnet::IpNet;

use crate::auth::Verifier;
use crate::budget::Budget;
use crate::clock::SharedClock;
use crate::error::Result;
use crate::graphql::{Graphql, TrustedDocuments};
use crate::rest::Rest;
use crate::store::Store;

use cors::Cors;
use metrics::{Figures, Metrics};
use stop::Stop;

mod address;
mod admin;
mod around;
mod assets;
mod boundary;
mod compression;
mod connection;
mod cors;
mod docs;
mod door;
mod explorer;
mod files;
mod graphql_http;
mod graphql_sse;
mod graphql_ws;
mod guard;
mod health;
mod home;
mod limits;
mod listen;
mod live;
mod metrics;
mod render;
mod router;
mod stop;

use address::Failures;
pub use admin::admin_router;
pub use docs::openapi_document;
pub use explorer::is_embedded as has_explorer;
use limits::Gate;
pub use limits::{Limits, SocketBounds};
pub use listen::serve;
use live::Sockets;
pub use router::{Gateway, router};

/// What the server shows and to whom, and how much it bears.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that people turn on and off")]
pub struct Settings {
    /// Origins whose pages may call (CORS).
    pub cors_origins: Vec<HeaderValue>,
    /// The explorer, introspection and `/schema.graphql`.
    pub explore: bool,
    /// `/docs` and `/openapi.json`.
    pub docs: bool,
    /// Refuse requests whose `Host` is not a loopback name: a foreign page must not reach a service on this machine
    /// through a name of its own that resolves to it.
    pub loopback_only: bool,
    /// A token to fill in for people who explore.
    pub explorer_token: Option<String>,
    /// The documents of callers that are trusted, where some are.
    pub trusted_documents: Option<TrustedDocuments>,
    /// How many points a minute a user may spend. Without, nobody is limited, and neither are addresses.
    pub rate_limit: Option<NonZeroU32>,
    /// Proxies whose `X-Forwarded-For` says who is calling.
    pub trusted_proxies: Vec<IpNet>,
    /// Tell browsers to use https alone.
    pub hsts: bool,
    /// Tell callers where the time went.
    pub server_timing: bool,
    pub limits: Limits,
}

/// Everything that a request can need. A clone is another handle to the same.
#[derive(Debug, Clone)]
pub struct App(Arc<Services>);

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct Services {
    graphql: Graphql,
    rest: Rest,
    store: Store,
    verifier: Verifier,
    cors: Cors,
    budget: Budget,
    /// The header that tells every user of the budget.
    policy: Option<HeaderValue>,
    failures: Arc<Failures>,
    settings: Settings,
    gate: Gate,
    sockets: Arc<Sockets>,
    clock: SharedClock,
    metrics: Metrics,
    stop: Stop,
}

impl App {
    /// # Errors
    /// `Internal` when the program was built wrong; a test rules it out.
    pub fn new(store: Store, verifier: Verifier, clock: SharedClock, settings: Settings) -> Result<Self> {
        let graphql = Graphql::new(&store, settings.explore, settings.trusted_documents.clone())?;
        let budget = Budget::new(settings.rate_limit, Arc::clone(&clock));
        let started = clock.now();
        let failures = Arc::new(Failures::new(settings.rate_limit.is_some(), Arc::clone(&clock)));
        let sockets = Arc::default();
        let figures = Figures {
            store: store.clone(),
            verifier: verifier.clone(),
            budget: budget.clone(),
            failures: Arc::clone(&failures),
            sockets: Arc::clone(&sockets),
        };
        let metrics = Metrics::new(started, &graphql, figures);
        Ok(Self(Arc::new(Services {
            rest: Rest::new(graphql.clone(), budget.clone(), settings.limits.body())?,
            graphql,
            store,
            verifier,
            cors: Cors::new(&settings.cors_origins),
            policy: door::policy(&budget),
            budget,
            failures,
            gate: Gate::new(&settings.limits, metrics.clone()),
            metrics,
            sockets,
            clock,
            settings,
            stop: Stop::new(),
        })))
    }

    /// From now on `/readyz` tells balancers to send nothing more; what arrives is still served.
    pub fn drain(&self) {
        self.stop.drain();
    }
}

impl Deref for App {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

impl FromRef<App> for Rest {
    fn from_ref(app: &App) -> Self {
        app.rest.clone()
    }
}
