//! CSV with a line of names first. A cell that is empty is one without a value.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use csv::{ByteRecord, ErrorKind, ReaderBuilder};

use super::columns::Names;
use super::input::{LONGEST_LINE, Raw};
use crate::error::Cause;
use crate::store::source::{Cells, FIELDS};

/// Reads the rows of a file until `push` wants no more.
pub(super) fn read(mut reader: impl BufRead, names: &Names, mut push: impl FnMut(Raw) -> bool) -> Result<(), Cause> {
    if reader.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    let left = Rc::new(Cell::new(LONGEST_LINE));
    let mut reader = ReaderBuilder::new().from_reader(Bounded { inner: reader, left: Rc::clone(&left) });
    let header = reader.headers()?.clone();
    let header: Vec<&str> = header.iter().map(str::trim).collect();
    let columns = names.find(&header).map_err(|reason| format!("the first line {reason}"))?;
    let mut record = ByteRecord::new();
    loop {
        left.set(LONGEST_LINE);
        let begins = reader.position().line();
        let (line, cells) = match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => (record.position().map_or(begins, csv::Position::line), Ok(cells(&record, columns))),
            Err(error) => match error.kind() {
                ErrorKind::UnequalLengths { pos, expected_len, len } => {
                    let line = pos.as_ref().map_or(begins, csv::Position::line);
                    (line, Err(format!("has {len} fields where the first line has {expected_len}")))
                }
                _ => return Err(format!("line {begins}: {error}").into()),
            },
        };
        let id = cells.as_ref().ok().and_then(|cells| std::str::from_utf8(cells[0].as_deref()?).ok());
        let keeps_id = id.is_some_and(|id| id.parse::<i64>().is_ok());
        if !push(Raw { line: Some(line), keeps_id, cells }) {
            return Ok(());
        }
    }
}

fn cells(record: &ByteRecord, columns: [Option<usize>; FIELDS.len()]) -> Cells {
    columns.map(|column| record.get(column?).filter(|cell| !cell.is_empty()).map(<[u8]>::to_vec))
}

/// A reader that fails where a record takes too much: a quote that is never closed would take the rest of the file.
struct Bounded<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            return Err(io::Error::other(format!(
                "a record is longer than {LONGEST_LINE} bytes; a quote may not be closed"
            )));
        }
        let read = self.inner.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(u64::try_from(read).unwrap_or(u64::MAX)));
        Ok(read)
    }
}
