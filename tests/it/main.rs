//! The suite: requests through the real router, on both databases, each test with a database of its own.

mod coverage;
mod process;
mod rest;
mod support;
