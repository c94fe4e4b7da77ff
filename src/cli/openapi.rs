//! `taskgate openapi`: the same text as `GET /openapi.json`.

use super::{Failure, print};
use crate::rest::openapi;

pub(super) fn run() -> Result<(), Failure> {
    print(&openapi::document())
}
