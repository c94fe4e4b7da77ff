//! `taskgate migrate`: what `serve` does by itself at start, by hand, and back.

use clap::Subcommand;

use super::{Failure, print};
use crate::config::{DatabaseConfig, LogConfig, Sources};
use crate::store::migrate;
use crate::telemetry::{self, Traces};

#[derive(Debug, Clone, Copy, Subcommand)]
pub(super) enum Action {
    /// Run the migrations that the database lacks
    Run,
    /// Undo the last migration
    Revert,
    /// List the migrations, and which the database has
    Status,
}

pub(super) async fn run(action: Action, sources: &Sources) -> Result<(), Failure> {
    let database = DatabaseConfig::resolve(sources).map_err(Failure::Usage)?;
    let _log = telemetry::init(&LogConfig::resolve(sources).map_err(Failure::Usage)?, &Traces::off());
    let url = database.direct();
    let done = match action {
        Action::Run => migrate::run(url).await,
        Action::Revert => migrate::revert(url).await,
        Action::Status => migrate::status(url).await,
    };
    done.map_err(|error| Failure::Fault(error.to_string()))?.iter().try_for_each(|line| print(&format!("{line}\n")))
}
