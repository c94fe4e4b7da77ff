//! Whether the process lives, and whether it can serve.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use crate::error::{Error, Result};
use crate::rest::openapi::schemas::Health;

/// The paths of [`routes`].
pub(super) const PATHS: [&str; 3] = ["/health", "/livez", "/readyz"];

/// The health checks. They take no token.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(livez)).routes(routes!(readyz))
}

/// The front ends' own health check
#[utoipa::path(
    get, path = "/health", tag = "health", operation_id = "health",
    responses((status = 200, description = "The process answers.", body = Health,
        example = json!({ "status": "healthy" }))),
)]
async fn health() -> Json<Value> {
    Json(json!({ "status": "healthy" }))
}

/// Does the process answer?
#[utoipa::path(
    get, path = "/livez", tag = "health", operation_id = "livez",
    responses((status = 200, description = "It does.", body = Health, example = json!({ "status": "alive" }))),
)]
pub(super) async fn livez() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// Can the service take requests?
#[utoipa::path(
    get, path = "/readyz", tag = "health", operation_id = "readyz",
    responses(
        (status = 200, description = "The database answers.", body = Health, example = json!({ "status": "ready" })),
        (status = 500, description = "The database answers with an error."),
        (status = 503, description = "The database cannot be reached, or the server is about to stop."),
    ),
)]
async fn readyz(State(app): State<App>) -> Result<Json<Value>> {
    if app.stop.has_begun() {
        return Err(Error::unavailable("the server is stopping"));
    }
    app.store.check().await?;
    Ok(Json(json!({ "status": "ready" })))
}
