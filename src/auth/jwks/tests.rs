mod fetching;
mod sets;

use serde_json::Value;

use super::*;
use crate::auth::testing::{FakeSource, clock};
use crate::clock::ManualClock;

fn jwks(set: &Value) -> (Jwks, Arc<FakeSource>, Arc<ManualClock>) {
    let (source, clock) = (FakeSource::new(set), clock());
    (Jwks::new(Box::new(Arc::clone(&source)), clock.clone()), source, clock)
}
