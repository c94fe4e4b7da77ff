//! What operators ask, on a listener of its own: it takes no token, and its callers are those who can reach it.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::CONTENT_TYPE;

use super::around::Around;
use super::boundary::ErrorsOnly;
use super::metrics::Metrics;
use super::router::{self, Gateway};
use super::{App, health};
use crate::error::{Error, Result};

/// `GET /metrics` and `GET /livez`.
pub fn admin_router(app: &App) -> Gateway {
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(health::livez))
        .fallback(|| async { Error::NoSuchRoute })
        .method_not_allowed_fallback(|| async { Error::MethodNotAllowed })
        .layer(Around(ErrorsOnly))
        .with_state(app.metrics.clone());
    router::gateway(routes)
}

async fn metrics(State(metrics): State<Metrics>) -> Result<impl IntoResponse> {
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], metrics.text()?))
}
