//! What somebody who imports is told while it runs, and what is written down for them.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use crate::task::TaskId;
use crate::transfer::{Observer, Tally};

/// How many refused rows are printed where no file takes them.
const PRINTED: u64 = 20;

/// After how many rows a line says so where there is no terminal.
const EVERY: u64 = 100_000;

const BAR: &str = "{wide_bar} {pos} of {len} rows, {per_sec}, {eta} left";
const COUNTER: &str = "{spinner} {pos} rows, {per_sec}";

/// A progress bar on a terminal, a line now and then elsewhere; and the files that were asked for.
pub(super) struct Report {
    bar: Option<ProgressBar>,
    total: Option<u64>,
    said: u64,
    refusals: u64,
    refused: Option<Output>,
    id_map: Option<Output>,
}

/// A file that is written anew.
struct Output {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Report {
    pub(super) fn new(total: Option<u64>, id_map: Option<&Path>, refused: Option<&Path>) -> Result<Self, Failure> {
        let mut report = Self { bar: None, total, said: 0, refusals: 0, refused: None, id_map: None };
        report.id_map = id_map.map(Output::create).transpose()?;
        report.refused = refused.map(Output::create).transpose()?;
        if let Some(map) = &mut report.id_map {
            map.line("source_id,id").map_err(|error| map.failed(&error))?;
        }
        if io::stderr().is_terminal() {
            let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let template = if total.is_some() { BAR } else { COUNTER };
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            report.bar = Some(bar);
        }
        Ok(report)
    }

    /// Ends the bar and the files.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if self.refused.is_none() && self.refusals > PRINTED {
            self.say(&format!("and {} more; --refused FILE has them all", self.refusals - PRINTED));
        }
        for output in [&mut self.id_map, &mut self.refused].into_iter().flatten() {
            output.file.flush().map_err(|error| output.failed(&error))?;
        }
        Ok(())
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(line)),
            None => say(line),
        }
    }
}

/// Nothing can be done where standard error is closed.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

impl Observer for Report {
    fn moved(&mut self, tally: &Tally) {
        if let Some(bar) = &self.bar {
            bar.set_position(tally.rows);
        } else if tally.rows / EVERY > self.said {
            self.said = tally.rows / EVERY;
            let of = self.total.map_or_else(String::new, |total| format!(" of {total}"));
            self.say(&format!("{}{of} rows", tally.rows));
        }
    }

    fn refused(&mut self, name: &str, reason: &str) -> io::Result<()> {
        self.refusals += 1;
        match &mut self.refused {
            Some(file) => file.line(&format!("{name}: {reason}"))?,
            None if self.refusals <= PRINTED => self.say(&format!("refused {name}: {reason}")),
            None => {}
        }
        Ok(())
    }

    fn became(&mut self, source_id: &str, id: TaskId) -> io::Result<()> {
        let Some(map) = &mut self.id_map else { return Ok(()) };
        // Quoted where CSV wants it (RFC 4180, section 2).
        if source_id.contains([',', '"', '\r', '\n']) {
            map.line(&format!("\"{}\",{id}", source_id.replace('"', "\"\"")))
        } else {
            map.line(&format!("{source_id},{id}"))
        }
    }
}

impl Output {
    fn create(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::Fault(format!("{} cannot be written: {error}.", path.display()));
        Ok(Self { path: path.to_owned(), file: BufWriter::new(File::create(path).map_err(failed)?) })
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.file, "{text}")
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::Fault(format!("{} cannot be written: {error}.", self.path.display()))
    }
}
