//! What operators ask, on a listener of its own: it takes no token, and its callers are those who can reach it.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::CONTENT_TYPE;

use super::metrics::Metrics;
use super::{App, boundary, health};
use crate::error::{Error, Result};

/// `GET /metrics` and `GET /livez`.
pub fn admin_router(app: &App) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(health::livez))
        .fallback(|| async { Error::NoSuchRoute })
        .method_not_allowed_fallback(|| async { Error::MethodNotAllowed })
        .layer(axum::middleware::from_fn(boundary::render_errors))
        .with_state(app.metrics.clone())
}

async fn metrics(State(metrics): State<Metrics>) -> Result<impl IntoResponse> {
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], metrics.text()?))
}
