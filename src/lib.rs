//! taskgate: a task backend with two front doors and one brain.
//!
//! A request flows one way: `server` → `auth` → `rest` | GraphQL over HTTP → `graphql` (the resolvers, the only way
//! to a task) → `store`. A module knows what stands to its right, never to its left. See `ARCHITECTURE.md`.

pub mod auth;
pub mod clock;
pub mod error;
pub mod task;
pub mod user;
