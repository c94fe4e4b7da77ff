//! Tasks on their way in from another program or a file, and out into a file.
//!
//! What comes in is text from a table or a file ([`Cells`]); [`record`] holds it against the rules of [`task`](crate::task),
//! and the store takes it a batch at a time. A row that breaks a rule is told of and left out, never mended.

use std::path::Path;

mod columns;
mod csv;
mod import;
mod input;
mod jsonl;
mod output;
mod record;
mod time;

pub use self::columns::{Names, choose};
pub use self::import::{ImportError, Observer, Tally, import};
pub use self::input::{Input, Raw};
pub use self::output::Writer;

/// What a file of tasks looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// JSON Lines: an object a line
    Jsonl,
    /// CSV with a line of names first (RFC 4180)
    Csv,
}

impl Format {
    /// What the name of a file says.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
