//! Whether the process lives, and whether it can serve.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use crate::error::{Error, Result};

/// The front ends' own health check.
pub(super) async fn health() -> Json<Value> {
    Json(json!({ "status": "healthy" }))
}

/// The process answers.
pub(super) async fn livez() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// The database answers, and the server is not about to stop.
pub(super) async fn readyz(State(app): State<App>) -> Result<Json<Value>> {
    if app.is_draining() {
        return Err(Error::unavailable("the server is stopping"));
    }
    app.store.ping().await?;
    Ok(Json(json!({ "status": "ready" })))
}
