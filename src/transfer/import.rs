//! Importing, a batch after the other, each whole or not at all.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::input::{Input, Raw};
use crate::error::{Cause, Error};
use crate::store::{Incoming, Landed, Origin, Store};
use crate::task::TaskId;

/// How often a batch is tried, and how long apart: a database that is away for a moment is no reason to stop.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

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
        let batch = Batch::of(&rows, observer)?;
        free = free.max(batch.highest_id());
        let landing = async {
            let Some(store) = store else { return Ok(vec![Landed::New(TaskId(0)); batch.incoming.len()]) };
            if let Some(id) = free.filter(|id| *id > kept_free && !is_trial) {
                patiently(|| store.keep_ids_free(TaskId(id))).await?;
            }
            patiently(|| store.import(Arc::clone(&batch.incoming), is_trial)).await
        };
        // The next rows are read while these are written.
        let (landed, next) = tokio::join!(landing, input.next());
        let landed = landed.map_err(ImportError::Target)?;
        kept_free = free.unwrap_or(kept_free);
        tally.rows += u64::try_from(rows.len()).unwrap_or_default();
        tally.refused += u64::try_from(rows.len() - batch.incoming.len()).unwrap_or_default();
        batch.count(landed, tally, observer)?;
        observer.moved(tally);
        rows = next.map_err(ImportError::Source)?;
    }
    Ok(())
}

/// Does what may be done twice again where the database was away for a moment.
async fn patiently<T, F: Future<Output = Result<T, Error>>>(work: impl Fn() -> F) -> Result<T, Error> {
    for _ in 1..ATTEMPTS {
        match work().await {
            Err(Error::Unavailable(_)) => sleep(PAUSE).await,
            outcome => return outcome,
        }
    }
    work().await
}

/// Rows that are tasks, each beside what it was read from.
struct Batch<'a> {
    rows: Vec<&'a Raw>,
    incoming: Arc<[Incoming]>,
}

impl<'a> Batch<'a> {
    /// Tells of those rows that are none.
    fn of(read: &'a [Raw], observer: &mut impl Observer) -> io::Result<Self> {
        let mut rows = Vec::with_capacity(read.len());
        let mut incoming = Vec::with_capacity(read.len());
        for row in read {
            match row.check() {
                Ok(task) => {
                    rows.push(row);
                    incoming.push(task);
                }
                Err(reason) => observer.refused(&row.name(), &reason)?,
            }
        }
        Ok(Self { rows, incoming: incoming.into() })
    }

    fn highest_id(&self) -> Option<i64> {
        let kept = |task: &Incoming| match task.origin {
            Origin::Kept(id) => Some(id.0),
            Origin::Foreign(_) => None,
        };
        self.incoming.iter().filter_map(kept).max()
    }

    fn count(&self, landed: Vec<Landed>, tally: &mut Tally, observer: &mut impl Observer) -> io::Result<()> {
        for ((row, task), landed) in self.rows.iter().zip(&*self.incoming).zip(landed) {
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
                    observer.refused(&row.name(), "id: another task has it")?;
                    continue;
                }
            };
            if let Origin::Foreign(source_id) = &task.origin {
                observer.became(source_id, id)?;
            }
        }
        Ok(())
    }
}
