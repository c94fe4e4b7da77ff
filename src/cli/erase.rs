//! `taskgate erase`: a user who leaves.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use super::token::user;
use super::{Failure, print, service};
use crate::clock::SystemClock;
use crate::config::{DatabaseConfig, Sources};
use crate::error::Error;
use crate::store::{Erased, Store};

/// How long the one transaction may take, of a user with a million tasks too.
const TIMEOUT: Duration = Duration::from_mins(10);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The user who is to be forgotten: tasks, deleted tasks and idempotency keys
    #[arg(long, value_name = "NAME")]
    sub: String,
    /// Do not ask first
    #[arg(long, short)]
    yes: bool,
}

pub(super) async fn run(args: &Args, sources: &Sources) -> Result<(), Failure> {
    let database = DatabaseConfig::resolve(sources).map_err(Failure::Usage)?;
    let user = user(&args.sub)?;
    if !args.yes && !io::stdin().is_terminal() {
        let advice = "There is nobody to ask on standard input; write --yes to erase without being asked.";
        return Err(Failure::Usage(advice.to_owned()));
    }
    service::check_tables(database.direct()).await?;
    let store = Store::new(database.direct(), 2, Arc::new(SystemClock)).with_statement_timeout(TIMEOUT);
    let failed = |error: Error| {
        let cause = error.cause().map_or_else(|| error.to_string(), ToString::to_string);
        Failure::Fault(format!("Nothing is known to be erased: {cause}. Run it again."))
    };
    let found = store.belongings(user.clone()).await.map_err(failed)?;
    if !args.yes && !found.is_nothing() && !agrees(&found, &args.sub)? {
        return Err(Failure::Fault("Nothing was erased.".to_owned()));
    }
    let erased = store.erase(user).await.map_err(failed)?;
    print(&format!("{} are erased\n", told(&erased)))
}

/// Asks, on standard error. Whatever is not a yes is a no.
fn agrees(found: &Erased, sub: &str) -> Result<bool, Failure> {
    let silent = |error: io::Error| Failure::Fault(format!("Nothing was erased: {error}."));
    write!(io::stderr(), "Erase {} of {sub} for good? [y/N] ", told(found)).map_err(silent)?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(silent)?;
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}

fn told(Erased { tasks, tombstones, keys }: &Erased) -> String {
    format!("{tasks} tasks, {tombstones} deleted tasks and {keys} idempotency keys")
}
