//! taskgate: a task backend with two front doors and one brain.
//!
//! A request flows one way: `server` → `auth` → `rest` | GraphQL over HTTP → `graphql` (the resolvers, the only way
//! to a task) → `store`. A module knows what stands to its right, never to its left. See `ARCHITECTURE.md`.

pub mod auth;
pub mod budget;
pub mod cli;
pub mod clock;
pub mod config;
pub mod database_url;
pub mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod graphql;
pub mod idempotency;
pub mod rest;
pub mod server;
pub mod store;
pub mod task;
pub mod telemetry;
pub mod timing;
pub mod tls;
pub mod trace;
pub mod transfer;
pub mod user;
