//! Importing, a batch after the other, each whole or not at all.

use std::io;
use std::sync::Arc;

use super::input::{Input, Raw};
use crate::error::{Cause, Error};
use crate::store::{Incoming, Landed, Origin, Store};
use crate::task::TaskId;

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Rows that something became of: the sum of the others.
    pub rows: u64,
    pub imported: u64,
    /// Rows whose tasks had been imported before.
    pub there: u64,
    /// Rows that break a rule.
    pub refused: u64,
}

/// Who is told what becomes of rows. An error ends the import.
pub trait Observer {
    /// A batch is done.
    fn moved(&mut self, tally: &Tally);
    /// A row was left out: what it is called, and why.
    fn refused(&mut self, name: &str, reason: &str) -> io::Result<()>;
    /// A task has another id than where it comes from.
    fn became(&mut self, source_id: &str, id: TaskId) -> io::Result<()>;
}

/// What ended an import before all rows were read. What was imported until then stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("--from cannot be read any further: {0}")]
    Source(Cause),
    #[error("the database failed: {}", cause_of(.0))]
    Target(Error),
    #[error("what became of the rows cannot be written down: {0}")]
    Report(#[from] io::Error),
}

fn cause_of(error: &Error) -> String {
    error.cause().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Imports what `input` has into `store`. With `is_trial` nothing is written; then the store may be missing.
///
/// # Errors
/// What ended it, with `tally` saying how far it got.
pub async fn import(
    mut input: Input,
    store: Option<&Store>,
    is_trial: bool,
    tally: &mut Tally,
    observer: &mut impl Observer,
) -> Result<(), ImportError> {
    let mut kept_free = 0;
    let mut free = input.highest_id().filter(|id| *id < 1 << 53);
    let mut rows = input.next().await.map_err(ImportError::Source)?;
    while !rows.is_empty() {
        let mut incoming: Vec<Incoming> = Vec::with_capacity(rows.len());
        let mut fitting: Vec<&Raw> = Vec::with_capacity(rows.len());
        for row in &rows {
            match row.check() {
                Ok(task) => {
                    incoming.push(task);
                    fitting.push(row);
                }
                Err(reason) => observer.refused(&row.name(), &reason)?,
            }
        }
        let incoming: Arc<[Incoming]> = incoming.into();
        free = free.max(highest(&incoming));
        let landing = async {
            let Some(store) = store else { return Ok(vec![Landed::New(TaskId(0)); incoming.len()]) };
            if let Some(id) = free.filter(|id| *id > kept_free && !is_trial) {
                store.keep_ids_free(TaskId(id)).await?;
            }
            store.import(Arc::clone(&incoming), is_trial).await
        };
        let (landed, next) = tokio::join!(landing, input.next());
        let landed = landed.map_err(ImportError::Target)?;
        kept_free = free.unwrap_or(kept_free);
        tally.rows += u64::try_from(rows.len()).unwrap_or_default();
        tally.refused += u64::try_from(rows.len() - fitting.len()).unwrap_or_default();
        for ((row, task), landed) in fitting.iter().zip(&*incoming).zip(landed) {
            count(row, task, landed, tally, observer)?;
        }
        observer.moved(tally);
        rows = next.map_err(ImportError::Source)?;
    }
    Ok(())
}

fn highest(incoming: &[Incoming]) -> Option<i64> {
    let kept = |task: &Incoming| match task.origin {
        Origin::Kept(id) => Some(id.0),
        Origin::Foreign(_) => None,
    };
    incoming.iter().filter_map(kept).max()
}

fn count(
    row: &Raw,
    task: &Incoming,
    landed: Landed,
    tally: &mut Tally,
    observer: &mut impl Observer,
) -> io::Result<()> {
    let id = match landed {
        Landed::New(id) => {
            tally.imported += 1;
            id
        }
        Landed::There(id) => {
            tally.there += 1;
            id
        }
        Landed::Taken => {
            tally.refused += 1;
            return observer.refused(&row.name(), "id: another task has it");
        }
    };
    match &task.origin {
        Origin::Foreign(source_id) => observer.became(source_id, id),
        Origin::Kept(_) => Ok(()),
    }
}
