//! `taskgate openapi`: the same text as `GET /openapi.json`.

use super::{Failure, print};

pub(super) fn run() -> Result<(), Failure> {
    print(crate::server::openapi_document().map_err(|error| Failure::Fault(error.to_string()))?)
}
