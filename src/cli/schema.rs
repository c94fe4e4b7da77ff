//! `taskgate schema`: the same text as `schema.graphql` and `GET /schema.graphql`.

use super::{Failure, print};
use crate::graphql;

pub(super) fn run() -> Result<(), Failure> {
    print(&graphql::sdl())
}
