//! HTTP: the router and everything around the two doors.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

mod address;
mod boundary;
mod docs;
mod door;
mod graphiql;
mod graphql_http;
mod guard;
mod health;
mod listen;
mod render;
mod router;

use address::Failures;
pub use docs::openapi_document;
pub use listen::serve;
pub use router::router;

/// What the server shows and to whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Origins whose pages may call (CORS).
    pub cors_origins: Vec<HeaderValue>,
    /// GraphiQL, introspection and `/schema.graphql`.
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
}

/// Everything that a request can need.
#[derive(Debug, Clone)]
pub struct App {
    graphql: Graphql,
    rest: Rest,
    store: Store,
    verifier: Verifier,
    budget: Budget,
    failures: Arc<Failures>,
    settings: Arc<Settings>,
    draining: Arc<AtomicBool>,
}

impl App {
    /// # Errors
    /// `Internal` when the program was built wrong; a test rules it out.
    pub fn new(store: Store, verifier: Verifier, clock: SharedClock, settings: Settings) -> Result<Self> {
        let graphql = Graphql::new(&store, settings.explore, settings.trusted_documents.clone())?;
        let budget = Budget::new(settings.rate_limit, Arc::clone(&clock));
        Ok(Self {
            rest: Rest::new(graphql.clone(), budget.clone())?,
            graphql,
            store,
            verifier,
            budget,
            failures: Arc::new(Failures::new(settings.rate_limit.is_some(), clock)),
            settings: Arc::new(settings),
            draining: Arc::new(AtomicBool::new(false)),
        })
    }

    /// From now on `/readyz` tells balancers to send nothing more.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

impl FromRef<App> for Rest {
    fn from_ref(app: &App) -> Self {
        app.rest.clone()
    }
}
