//! What the tests share.

mod app;
mod database;
mod graphql;
mod hold;
mod openapi;
mod proxy;

pub use app::{Answer, Call, Options, TestApp, start, start_on, start_with};
pub use database::Backend::{Postgres, Sqlite};
pub use database::{Backend, Database};
pub use graphql::{Failure, TASK};
pub use openapi::{Document, Operation, members};
pub use proxy::Proxy;
