//! The log: lines for a person on a terminal, JSON for everything else, always on standard error.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogConfig, LogFormat};

/// Starts to log, for the rest of the process.
pub fn init(config: &LogConfig) {
    let terminal = io::stderr().is_terminal();
    // What PostgreSQL remarks on (a table is there already) is not for operators, unless they ask.
    let filter = EnvFilter::new(format!("tokio_postgres=warn,{}", config.filter));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A second start, in one process of tests, keeps the first log.
    let _ = match config.format {
        LogFormat::Auto | LogFormat::Pretty if terminal => lines.compact().finish().try_init(),
        LogFormat::Pretty => lines.compact().with_ansi(false).finish().try_init(),
        LogFormat::Auto | LogFormat::Json => lines.json().flatten_event(true).finish().try_init(),
    };
}
