//! `taskgate export`: tasks into a file, as they are at one moment.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::token::user;
use super::{Failure, service};
use crate::config::{DatabaseConfig, Sources};
use crate::error::Cause;
use crate::store::Export;
use crate::transfer::{Format, Writer};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What the file is to look like; without, its name tells, and JSON Lines it is
    #[arg(long)]
    format: Option<Format>,
    /// The user whose tasks are written; without, those of all users
    #[arg(long, value_name = "NAME")]
    sub: Option<String>,
    /// The new file to write; without, standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(args: &Args, sources: &Sources) -> Result<(), Failure> {
    let database = DatabaseConfig::resolve(sources).map_err(Failure::Usage)?;
    let user = args.sub.as_deref().map(user).transpose()?;
    let format = args.format.or_else(|| Format::of(args.output.as_deref()?)).unwrap_or(Format::Jsonl);
    let url = database.direct();
    service::check_tables(url).await?;
    let mut tasks = Export::open(url, user).await.map_err(|cause| failed(&cause))?;
    let outcome = match &args.output {
        None => write(BufWriter::new(io::stdout().lock()), format, &mut tasks).await,
        Some(path) => write(BufWriter::new(create(path)?), format, &mut tasks).await,
    };
    let outcome = outcome.map_err(|cause| failed(&cause));
    if let (Err(_), Some(path)) = (&outcome, &args.output) {
        // Half a file must not pass for a whole one.
        let _ = std::fs::remove_file(path);
    }
    outcome
}

/// A new file for its owner only: tasks are private.
fn create(path: &Path) -> Result<std::fs::File, Failure> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| Failure::Fault(format!("{} cannot be written: {error}; name a new file.", path.display())))
}

async fn write(out: impl Write, format: Format, tasks: &mut Export) -> Result<(), Cause> {
    let written = async {
        let mut writer = Writer::new(out, format)?;
        loop {
            let page = tasks.next().await?;
            if page.is_empty() {
                return Ok::<_, Cause>(writer.finish()?);
            }
            for (user, task) in page {
                writer.write(&user, &task)?;
            }
        }
    };
    match written.await {
        // A reader that has seen enough, such as `head`, is no fault.
        Err(cause) if cause.downcast_ref().map(io::Error::kind) == Some(io::ErrorKind::BrokenPipe) => Ok(()),
        outcome => outcome,
    }
}

fn failed(cause: &Cause) -> Failure {
    Failure::Fault(format!("The export was broken off: {cause}."))
}
