//! The REST routes for people and tools: `/docs` and `/openapi.json`.

use axum::Router;
use axum::routing::get;
use http::{HeaderValue, header};

use super::App;
use crate::rest::openapi;

pub(super) fn routes() -> Router<App> {
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Router::new().route("/openapi.json", get(|| async { (json, openapi::document()) }))
}
