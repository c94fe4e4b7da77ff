//! What the tests share.

mod app;
pub mod caller;
pub mod checker;
pub mod cluster;
mod database;
mod graphql;
mod hold;
pub mod http;
pub mod leaks;
pub mod metrics;
mod openapi;
mod proxy;
pub mod wire;

pub use app::{Answer, BrokenClock, Call, Options, TestApp, start, start_on, start_with};
pub use database::Backend::{Postgres, Sqlite};
pub use database::{Backend, Database, all_tasks};
pub use graphql::{Failure, TASK};
pub use openapi::{Document, Operation, members};
pub use proxy::Proxy;
