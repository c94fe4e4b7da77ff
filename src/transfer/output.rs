//! Writing tasks into a file, one after the other.

use std::io::{self, Write};

use serde::Serialize;

use super::Format;
use crate::store::source::FIELDS;
use crate::task::Task;
use crate::user::UserId;

/// A task as a file has it, its members in the order of [`FIELDS`].
#[derive(Serialize)]
struct Line<'a> {
    id: i64,
    user_id: &'a str,
    title: &'a str,
    description: Option<&'a str>,
    completed: bool,
    created_at: &'a str,
    updated_at: &'a str,
}

/// A file of tasks.
pub struct Writer<W: Write>(Kind<W>);

enum Kind<W: Write> {
    Jsonl(W),
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    pub fn new(out: W, format: Format) -> io::Result<Self> {
        Ok(Self(match format {
            Format::Jsonl => Kind::Jsonl(out),
            Format::Csv => {
                let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(out);
                writer.write_record(FIELDS)?;
                Kind::Csv(Box::new(writer))
            }
        }))
    }

    /// Writes a task.
    pub fn write(&mut self, user: &UserId, task: &Task) -> io::Result<()> {
        let text = |at: crate::clock::Timestamp| at.rfc3339().ok_or_else(|| io::Error::other("a time has no year"));
        let (created_at, updated_at) = (text(task.created_at)?, text(task.updated_at)?);
        let line = Line {
            id: task.id.0,
            user_id: user.as_str(),
            title: &task.title,
            description: task.description.as_deref(),
            completed: task.completed,
            created_at: created_at.as_str(),
            updated_at: updated_at.as_str(),
        };
        match &mut self.0 {
            Kind::Jsonl(out) => {
                serde_json::to_writer(&mut *out, &line)?;
                out.write_all(b"\n")
            }
            Kind::Csv(out) => Ok(out.serialize(line)?),
        }
    }

    /// Ends the file.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Kind::Jsonl(mut out) => out.flush(),
            Kind::Csv(mut out) => out.flush(),
        }
    }
}
