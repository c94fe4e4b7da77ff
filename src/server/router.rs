//! Which route is whose, and the layers around all of them.

use axum::Router;
use axum::routing::get;
use tower::{Layer as _, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::normalize_path::{NormalizePath, NormalizePathLayer};

use super::around::Around;
use super::boundary::{self, Boundary};
use super::compression::Compressed;
use super::guard::{Authenticated, LoopbackOnly};
use super::{App, docs, explorer, graphql_http, health, home};
use crate::error::Error;
use crate::rest;

/// What answers requests, with and without a trailing slash.
pub type Gateway = NormalizePath<Router>;

/// The whole service.
pub fn router(app: &App) -> Gateway {
    let settings = &app.settings;
    let guard = Around(Authenticated(app.clone()));
    let (rest, _) = rest::router(move |routes| routes.route_layer(guard.clone())).split_for_parts();
    let mut routes = Router::new()
        .route("/", get(home::page))
        .route("/graphql", graphql_http::routes())
        .merge(Router::from(health::routes()))
        .merge(rest.with_state(app.rest.clone()));
    if settings.explore {
        routes = routes.merge(explorer::routes(app)).route("/schema.graphql", get(|| async { crate::graphql::sdl() }));
    }
    if settings.docs {
        routes = routes.merge(docs::routes());
    }
    let routes = routes
        .fallback(|| async { Error::NoSuchRoute })
        .method_not_allowed_fallback(|| async { Error::MethodNotAllowed })
        .with_state(app.clone());
    let routes = if settings.loopback_only { routes.layer(Around(LoopbackOnly)) } else { routes };
    // One layer to axum, which boxes and clones each: from the outermost to the innermost.
    let layers = ServiceBuilder::new()
        // Whoever refuses a request is inside: here it is named, measured and logged, whatever its answer is.
        .layer(Around(Boundary(app.clone())))
        .layer(Compressed)
        .layer(Around(app.gate.clone()))
        .layer(CatchPanicLayer::custom(boundary::panicked));
    gateway(routes.layer(layers))
}

/// The same routes for paths that end with a slash.
pub(super) fn gateway(routes: Router) -> Gateway {
    NormalizePathLayer::trim_trailing_slash().layer(routes)
}
