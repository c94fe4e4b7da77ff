//! `taskgate import`: tasks from another backend's table, or from a file.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Failure, print, service};
use crate::clock::SystemClock;
use crate::config::{DatabaseConfig, Sources};
use crate::database_url::DatabaseUrl;
use crate::error::Cause;
use crate::store::Store;
use crate::store::source::{self, Source};
use crate::transfer::{self, Format, ImportError, Input, Names, Tally};

mod origin;
mod report;

use self::origin::Origin;
use self::report::Report;

/// How long a batch may take; nobody waits for it but the one who imports.
const BATCH_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(5);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The URL of the other backend's database, or a file that `taskgate export` wrote; - is standard input
    #[arg(long, value_name = "URL|FILE")]
    from: String,
    /// What the file looks like; without, its name tells, and JSON Lines it is
    #[arg(long)]
    format: Option<Format>,
    /// The table of the tasks; without, task or tasks
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// The column of a field that is not called as usual, such as `user_id=account`; may be repeated
    #[arg(long, value_name = "FIELD=COLUMN")]
    column: Vec<String>,
    /// Write which id became which into a file, where ids are no whole numbers and are not kept
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    id_map: Option<PathBuf>,
    /// Write the rows that are refused into a file, each with the reason; without, the first ones are printed
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
    /// Read and check all rows, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: &Args, sources: &Sources) -> Result<(), Failure> {
    let database = DatabaseConfig::resolve(sources).map_err(Failure::Usage)?;
    let names = Names::parse(args.column.iter().map(String::as_str)).map_err(Failure::Usage)?;
    let origin = Origin::parse(&args.from).map_err(|reason| Failure::Usage(format!("--from: {reason}.")))?;
    if args.table.is_some() && !matches!(origin, Origin::Database(_)) {
        return Err(Failure::Usage("--table is for a database; a file has no tables.".to_owned()));
    }
    let input = open(origin, args, names).await?;
    let mut report = Report::new(input.total(), args.id_map.as_deref(), args.refused.as_deref())?;
    let store = target(&database, args.dry_run).await?;
    let mut tally = Tally::default();
    let outcome = transfer::import(input, store.as_ref(), args.dry_run, &mut tally, &mut report).await;
    let finished = report.finish();
    print(&told(&tally, args.dry_run))?;
    outcome.map_err(|error| broken_off(&error, &tally, args.dry_run))?;
    finished?;
    verdict(&tally, args)
}

/// The store to import into, its tables up to date. A dry run does not make any: where they are not there, there is
/// nothing to look at.
async fn target(database: &DatabaseConfig, is_dry: bool) -> Result<Option<Store>, Failure> {
    let url = database.direct();
    if is_dry {
        if !service::has_tables(url).await? {
            return Ok(None);
        }
    } else {
        service::migrate(database).await?;
    }
    Ok(Some(Store::new(url, 2, Arc::new(SystemClock)).with_statement_timeout(BATCH_TIMEOUT)))
}

async fn open(origin: Origin, args: &Args, names: Names) -> Result<Input, Failure> {
    let format = |path: Option<&PathBuf>| args.format.or_else(|| Format::of(path?)).unwrap_or(Format::Jsonl);
    match origin {
        Origin::Database(url) => open_table(&url, args, &names).await,
        Origin::Stdin => Ok(Input::file(io::stdin(), format(None), names)),
        Origin::File(path) => {
            let shown = path.display();
            let is_folder = path.is_dir().then(|| io::Error::from(io::ErrorKind::IsADirectory));
            let file = is_folder.map_or_else(|| File::open(&path), Err);
            let file = file.map_err(|error| {
                Failure::Fault(format!("{shown} cannot be read: {error}; name a file, or the URL of a database."))
            })?;
            Ok(Input::file(file, format(Some(&path)), names))
        }
    }
}

async fn open_table(url: &DatabaseUrl, args: &Args, names: &Names) -> Result<Input, Failure> {
    let unreadable = |cause: Cause| {
        Failure::Fault(format!("--from {url} cannot be read: {cause}. Check the URL and that the database is there."))
    };
    let tables = source::tables(url).await.map_err(unreadable)?;
    let selection = transfer::choose(&tables, args.table.as_deref(), names).map_err(Failure::Fault)?;
    let keeps_ids = selection.has_integer_ids();
    let source = Source::open(url, &selection).await.map_err(unreadable)?;
    Ok(Input::Table { source, keeps_ids })
}

fn told(tally: &Tally, is_dry: bool) -> String {
    let Tally { rows, imported, there, refused } = tally;
    let would = if is_dry { "a dry run, nothing is changed: " } else { "" };
    format!("{would}{imported} imported, {there} there before, {refused} refused, of {rows} rows\n")
}

fn broken_off(error: &ImportError, tally: &Tally, is_dry: bool) -> Failure {
    let advice = if is_dry || tally.imported == 0 {
        "Nothing was changed; run it again when that is mended."
    } else {
        "What is imported stays; run the same command again, and it goes on from there."
    };
    Failure::Fault(format!("The import was broken off: {error}. {advice}"))
}

fn verdict(tally: &Tally, args: &Args) -> Result<(), Failure> {
    if tally.refused == 0 {
        return Ok(());
    }
    let place = args.refused.as_ref().map_or_else(|| "above".to_owned(), |file| file.display().to_string());
    Err(Failure::Fault(format!(
        "{} of {} rows were refused, see {place}; mend them where they come from and run it again.",
        tally.refused, tally.rows
    )))
}
