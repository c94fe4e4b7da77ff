//! `taskgate serve`: the service.

use std::sync::Arc;

use super::{Failure, bind, service};
use crate::clock::{SharedClock, SystemClock};
use crate::config::{Config, Sources};
use crate::telemetry::{self, Traces};

pub(super) async fn run(sources: &Sources) -> Result<(), Failure> {
    let config = Config::for_serve(sources).map_err(Failure::Usage)?;
    let traces = Traces::new(&config.traces).map_err(Failure::Fault)?;
    let _log = telemetry::init(&config.log, &traces);
    let trusted = service::trusted_documents(&config.trusted_documents).await?;
    let clock: SharedClock = Arc::new(SystemClock);
    let listeners = bind(&config).await?;
    let served = service::run(config, clock, listeners, trusted, None).await;
    service::finish(traces, served).await
}
