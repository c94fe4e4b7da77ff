//! The floor: a task service written by hand for nothing but speed, which taskgate is measured against.
//!
//! It verifies the signature and `exp` of every token, speaks to PostgreSQL through prepared statements on pipelined
//! connections, and answers REST's JSON. One connection is for reads, and as many as in taskgate's pool are for changes, of
//! which each goes to the idlest: on a single one, each commit would wait for the one before. A change has the same effect
//! on the same two rows as taskgate's. There is nothing else: no schema, entity tags, limits, log, metrics, deadlines, nor
//! connections that come back.
//!
//! Environment: `DATABASE_URL`, `LISTEN`, `BETTER_AUTH_SECRET` for HS256, `FLOOR_ED25519` for EdDSA (the public key,
//! base64url).

mod auth;
mod tasks;

use std::env;
use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, patch};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

use crate::auth::Keys;
use crate::tasks::Database;

/// What every handler has.
pub struct App {
    keys: Keys,
    database: Database,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let keys = Keys::new(&env::var("BETTER_AUTH_SECRET")?, env::var("FLOOR_ED25519").ok().as_deref())?;
    let database = Database::connect(&env::var("DATABASE_URL")?).await?;
    let router = Router::new()
        .route("/readyz", get(async || "ready"))
        .route("/api/tasks", get(tasks::list).post(tasks::create))
        .route("/api/tasks/{id}", get(tasks::one))
        .route("/api/tasks/{id}/complete", patch(tasks::toggle))
        .with_state(Arc::new(App { keys, database }));
    let listener = TcpListener::bind(env::var("LISTEN")?).await?.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
    });
    // What `scripts/profiled` counts is written when a program ends by itself.
    let stopped = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, router).with_graceful_shutdown(stopped).await?;
    Ok(())
}
