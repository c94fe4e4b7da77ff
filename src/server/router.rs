//! Which route is whose, and the layers around all of them.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use http::{HeaderName, Method, header};
use tower::Layer as _;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::normalize_path::NormalizePathLayer;

use super::{App, Settings, boundary, docs, door, graphiql, graphql_http, guard, health, limits};
use crate::error::Error;
use crate::rest;

/// How long browsers need not ask again what a page may call.
const PREFLIGHT: Duration = Duration::from_mins(10);

/// The whole service. Every route answers with and without a trailing slash.
pub fn router(app: &App) -> Router {
    let settings = app.settings.clone();
    let guarded = app.clone();
    let (rest, _) =
        rest::router(move |routes| routes.route_layer(from_fn_with_state(guarded.clone(), guard::authenticate)))
            .split_for_parts();
    let mut routes = Router::new()
        .route("/graphql", graphql_http::routes())
        .merge(Router::from(health::routes()))
        .merge(rest.with_state(app.rest.clone()));
    if settings.explore {
        routes = routes
            .route("/graphiql", get(graphiql::page))
            .route("/schema.graphql", get(|| async { crate::graphql::sdl() }));
    }
    if settings.docs {
        routes = routes.merge(docs::routes());
    }
    let routes = routes
        .fallback(|| async { Error::NoSuchRoute })
        .method_not_allowed_fallback(|| async { Error::MethodNotAllowed })
        .with_state(app.clone())
        // Bodies are bounded where they are read.
        .layer(DefaultBodyLimit::disable());
    let routes = if settings.loopback_only { routes.layer(from_fn(guard::loopback_only)) } else { routes };
    let routes = routes
        .layer(CatchPanicLayer::custom(boundary::panicked))
        .layer(from_fn_with_state(app.gate.clone(), limits::bounded))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(from_fn_with_state(app.clone(), door::tell_what_is_left))
        .layer(from_fn(boundary::render_errors))
        .layer(cors(&settings))
        // Whoever refuses a request is inside: here it is named, measured and logged, whatever its answer is.
        .layer(from_fn_with_state((settings, app.metrics.clone()), boundary::boundary));
    Router::new().fallback_service(NormalizePathLayer::trim_trailing_slash().layer(routes))
}

fn cors(settings: &Settings) -> CorsLayer {
    let own = HeaderName::from_static;
    CorsLayer::new()
        .allow_origin(settings.cors_origins.clone())
        .allow_credentials(true)
        .max_age(PREFLIGHT)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            own("idempotency-key"),
            own("last-event-id"),
            own("x-request-id"),
            own("traceparent"),
            own("tracestate"),
        ])
        .expose_headers([
            header::ETAG,
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
            own("x-request-id"),
            header::WWW_AUTHENTICATE,
            header::ALLOW,
            own("ratelimit"),
            own("ratelimit-policy"),
            own("idempotency-replayed"),
            own("server-timing"),
        ])
}
