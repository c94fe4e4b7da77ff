//! The log: lines for a person on a terminal, JSON for everything else, always on standard error. And traces, where they
//! are wanted.

use std::io::{self, IsTerminal as _, Stderr};

use opentelemetry::trace::TracerProvider as _;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt as _;

mod json;
mod lines;
mod traces;

pub use traces::Traces;

use crate::config::{LogConfig, LogFormat};
use crate::trace;
use json::JsonLines;
use lines::Lines;

/// The log. What still waits to be written is written when it is dropped.
#[derive(Debug)]
#[must_use = "the last lines are written when it is dropped"]
pub struct Log(Option<Lines<Stderr>>);

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(lines) = &self.0 {
            lines.write_out();
        }
    }
}

/// Starts to log, and to collect spans where there are traces, for the rest of the process.
pub fn init(config: &LogConfig, traces: &Traces) -> Log {
    let terminal = io::stderr().is_terminal();
    // Who looks on sees each line when it is written.
    let waiting = if terminal { None } else { Lines::to(io::stderr()).ok() };
    let writer = waiting.clone().map_or_else(|| BoxMakeWriter::new(io::stderr), BoxMakeWriter::new);
    // What PostgreSQL remarks on (a table is there already) is not for operators, unless they ask.
    let filter = EnvFilter::new(format!("tokio_postgres=warn,opentelemetry=warn,{}", config.filter));
    let no_span = filter_fn(|metadata| metadata.target() != trace::TARGET).with_max_level_hint(LevelFilter::TRACE);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match config.format {
        LogFormat::Auto | LogFormat::Pretty if terminal => lines.compact().boxed(),
        LogFormat::Pretty => lines.compact().with_ansi(false).boxed(),
        LogFormat::Auto | LogFormat::Json => lines.event_format(JsonLines).boxed(),
    };
    let spans = traces.0.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("taskgate"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
    });
    // Filtered also where it is none: a layer without a filter takes an interest in every span.
    let is_on = spans.is_some();
    // Where nothing is collected, what nobody wants is known before anybody is asked.
    let of_traces = filter_fn(move |metadata| is_on && metadata.is_span() && metadata.target() == trace::TARGET)
        .with_max_level_hint(if is_on { LevelFilter::TRACE } else { LevelFilter::OFF });
    let spans = spans.with_filter(of_traces);
    // A second start, in one process of tests, keeps the first log.
    let _ = registry().with(lines.with_filter(filter.and(no_span))).with(spans).try_init();
    Log(waiting)
}
