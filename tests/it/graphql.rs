//! The GraphQL door: what can be asked and changed, how it fails, and how it travels over HTTP.

mod bulk;
mod errors;
mod http;
mod mutations;
mod queries;
mod schema;
