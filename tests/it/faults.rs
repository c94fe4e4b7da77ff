//! What callers and operators see while the database is away, or wrong, or slow.

#![allow(clippy::print_stdout, reason = "figures for whoever runs it with --nocapture")]

use crate::process::Service;
use crate::support::caller::Caller;

mod absent;
pub mod pooler;
mod postgres;
mod sqlite;
mod tls;

/// A service on a database that is ready.
async fn serve<const N: usize>(database: &str, settings: [(&str, &str); N]) -> (Service, Caller) {
    let child = Service::serve(database).envs(settings).spawn().unwrap();
    let (service, caller) = (Service::wait(child), Caller::new());
    caller.until(&service.address, "/readyz", 200).await;
    (service, caller)
}
