//! Where rows come from: a table, or a file that is read line by line.

use std::io::{BufRead, BufReader, Read};

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::columns::Names;
use super::record;
use super::{Format, csv, jsonl};
use crate::error::Cause;
use crate::store::source::{Cells, Source};
use crate::store::{Incoming, MOST_AT_ONCE};

/// The most bytes of a line, or of a record of several: a file without line ends must not fill the memory.
pub(super) const LONGEST_LINE: u64 = 64 << 10;

/// How many batches may wait to be taken.
const AHEAD: usize = 2;

/// A row as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// The line that it begins at, in a file.
    pub(super) line: Option<u64>,
    /// Whether its id is a whole number that is to be kept.
    pub(super) keeps_id: bool,
    /// What it says, or why it says nothing.
    pub(super) cells: Result<Cells, String>,
}

impl Raw {
    /// The task, or why it is none.
    pub(super) fn check(&self) -> Result<Incoming, String> {
        record::check(self.cells.as_ref().map_err(Clone::clone)?, self.keeps_id)
    }

    /// What it is called in a report.
    pub(super) fn name(&self) -> String {
        match (self.line, &self.cells) {
            (Some(line), _) => format!("line {line}"),
            (None, Ok(cells)) => record::name(cells),
            (None, Err(_)) => "a row".to_owned(),
        }
    }
}

/// Rows, a batch at a time.
#[derive(Debug)]
pub enum Input {
    Table {
        source: Source,
        /// Whether ids are whole numbers.
        keeps_ids: bool,
    },
    File(mpsc::Receiver<Result<Vec<Raw>, Cause>>),
}

impl Input {
    /// The rows of a file.
    #[must_use]
    pub fn file(reader: impl Read + Send + 'static, format: Format, names: Names) -> Self {
        let (sender, receiver) = mpsc::channel(AHEAD);
        // It ends when all is read or the receiver is gone.
        spawn_blocking(move || {
            let reader = BufReader::new(reader);
            let mut batches = Batches { batch: Vec::new(), sender };
            let read = match format {
                Format::Jsonl => jsonl::read(reader, &names, |raw| batches.push(raw)),
                Format::Csv => csv::read(reader, &names, |raw| batches.push(raw)),
            };
            batches.finish(read);
        });
        Self::File(receiver)
    }

    /// How many rows there are, where that is known.
    #[must_use]
    pub const fn total(&self) -> Option<u64> {
        match self {
            Self::Table { source, .. } => Some(source.total),
            Self::File(_) => None,
        }
    }

    /// The greatest id that is to be kept, where that is known before all is read.
    pub(super) const fn highest_id(&self) -> Option<i64> {
        match self {
            Self::Table { source, .. } => source.highest_id,
            Self::File(_) => None,
        }
    }

    /// The next rows; none at the end.
    pub(super) async fn next(&mut self) -> Result<Vec<Raw>, Cause> {
        match self {
            Self::Table { source, keeps_ids } => {
                let keeps_id = *keeps_ids;
                let raw = |cells| Raw { line: None, keeps_id, cells: Ok(cells) };
                Ok(source.next().await?.into_iter().map(raw).collect())
            }
            Self::File(rows) => rows.recv().await.unwrap_or_else(|| Ok(Vec::new())),
        }
    }
}

/// Rows on their way to whoever takes them.
struct Batches {
    batch: Vec<Raw>,
    sender: mpsc::Sender<Result<Vec<Raw>, Cause>>,
}

impl Batches {
    /// Answers whether more is wanted.
    fn push(&mut self, raw: Raw) -> bool {
        self.batch.push(raw);
        self.batch.len() < MOST_AT_ONCE || self.sender.blocking_send(Ok(std::mem::take(&mut self.batch))).is_ok()
    }

    fn finish(self, read: Result<(), Cause>) {
        let rest = (!self.batch.is_empty()).then_some(Ok(self.batch));
        for last in rest.into_iter().chain(read.err().map(Err)) {
            // Whoever took the rows may be gone.
            let _ = self.sender.blocking_send(last);
        }
    }
}

/// Reads up to the end of a line, which is not part of what it answers. `None` at the end of the file, an error of its
/// own for a line that is too long, which is passed over.
pub(super) fn line(reader: &mut impl BufRead) -> Result<Option<Result<Vec<u8>, String>>, Cause> {
    let mut line = Vec::new();
    if reader.take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let is_whole = line.ends_with(b"\n") || u64::try_from(line.len())? < LONGEST_LINE;
    if is_whole {
        let end = line.len() - usize::from(line.ends_with(b"\n"));
        line.truncate(end);
        return Ok(Some(Ok(line)));
    }
    reader.skip_until(b'\n')?;
    Ok(Some(Err(format!("is longer than {LONGEST_LINE} bytes"))))
}
