//! The suite: requests through the real router, on both databases, each test with a database of its own.
#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "that is how a test fails")]

mod architecture;
mod checker;
mod coverage;
mod deploy;
mod differential;
mod docs;
mod explorer;
mod faults;
mod feed;
mod graphql;
mod home;
mod idempotency;
mod leaks;
mod limits;
mod live;
mod metrics;
mod openapi;
mod pagination;
mod persisted;
mod process;
mod quota;
mod rate_limit;
mod rest;
mod revisions;
mod sockets;
mod stop;
mod store;
mod support;
mod traces;
mod transfer;
mod trash;
