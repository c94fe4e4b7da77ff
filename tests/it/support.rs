//! What the tests share.

mod app;
mod database;

pub use app::{Answer, TestApp, start, start_with};
pub use database::Backend::{Postgres, Sqlite};
pub use database::{Backend, Database};
