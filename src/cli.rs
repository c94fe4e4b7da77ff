//! The command line: a file a command, each with one `run`.
//!
//! Exit status 0, 1 for a fault, 2 for wrong usage. An error is one sentence on standard error that says what to do;
//! standard output holds nothing but what was asked for.

mod backup;
mod check;
mod completions;
mod dev;
mod erase;
mod export;
mod health;
mod import;
mod man;
mod migrate;
mod openapi;
mod schema;
mod serve;
mod service;
mod token;

use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use tokio::net::TcpListener;

use crate::config::settings::{self, DATABASE, GROUPS, Group, HTTP, LOG, Setting, TOKENS};
use crate::config::{Config, Sources};

/// A task backend with two front doors, GraphQL and REST, on SQLite or PostgreSQL.
///
/// Settings are flags, environment variables or lines of a .env file in the working directory, in that order of
/// precedence; see the help of each command.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve REST and GraphQL until SIGTERM or SIGINT
    Serve,
    /// Try it out: SQLite, a secret of its own, GraphiQL, a token and lines to paste
    Dev,
    /// Bring the database's tables up to date, or back
    Migrate {
        #[command(subcommand)]
        action: migrate::Action,
    },
    /// Print the GraphQL schema
    Schema,
    /// Print the OpenAPI document
    Openapi,
    /// Print a token that is signed with `BETTER_AUTH_SECRET`, or with the secret of `taskgate dev`
    Token(token::Args),
    /// Print the configuration of `serve`, and try the database and the keys
    Check,
    /// Copy the SQLite database into a file, while it is in use
    Backup {
        /// The file to write
        file: PathBuf,
    },
    /// Take over the tasks of another backend's database or of a file; run again, it goes on where it was
    Import(import::Args),
    /// Write the tasks of all users, or of one, as JSON Lines or CSV
    Export(export::Args),
    /// Remove all that there is of a user
    Erase(erase::Args),
    /// Ask the service on this machine whether it is ready; exit status 0 or 1
    Health(health::Args),
    /// Print the completions of a shell
    Completions(completions::Args),
    /// Write the manual pages
    Man(man::Args),
}

/// Why a command did not do what it was asked to.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    /// It was called or configured wrongly: exit status 2.
    Usage(String),
    /// It was asked rightly and failed: exit status 1.
    Fault(String),
}

impl Failure {
    const fn status(&self) -> u8 {
        match self {
            Self::Fault(_) => 1,
            Self::Usage(_) => 2,
        }
    }

    fn sentence(&self) -> &str {
        match self {
            Self::Usage(sentence) | Self::Fault(sentence) => sentence,
        }
    }
}

/// Runs the command that the process was called with.
#[must_use]
pub fn main() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(refusal) => return refuse(&refusal),
    };
    match run(&matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nothing can be done where standard error is closed.
            let _ = writeln!(io::stderr(), "taskgate: {}", failure.sentence());
            ExitCode::from(failure.status())
        }
    }
}

/// Prints help, version or what is wrong with the command line.
fn refuse(refusal: &clap::Error) -> ExitCode {
    let _ = refusal.print();
    ExitCode::from(u8::try_from(refusal.exit_code()).unwrap_or(2))
}

/// The command line, with the settings that a command reads among its flags.
fn command() -> clap::Command {
    Cli::command().mut_subcommands(|command| match command.get_name() {
        "serve" | "dev" | "check" => command.args(GROUPS.into_iter().flat_map(Group::args)),
        "migrate" => command.args(DATABASE.args().chain(LOG.args())),
        "token" => command.args(DATABASE.args().take(1).chain(TOKENS.args())),
        "backup" => command.args(DATABASE.args().take(1)),
        "import" | "export" | "erase" => command.args(DATABASE.args().take(2)),
        "health" => command.args(HTTP.args().take(1)),
        _ => command,
    })
}

fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let cli = Cli::from_arg_matches(matches).map_err(|error| Failure::Usage(error.to_string()))?;
    let sources = || Sources::load(innermost(matches)).map_err(Failure::Usage);
    match cli.command {
        Command::Serve => block_on(serve::run(&sources()?)),
        Command::Dev => block_on(dev::run(&sources()?)),
        Command::Migrate { action } => block_on(migrate::run(action, &sources()?)),
        Command::Schema => schema::run(),
        Command::Openapi => openapi::run(),
        Command::Token(args) => token::run(&args, &sources()?),
        Command::Check => block_on(check::run(&sources()?)),
        Command::Backup { file } => block_on(backup::run(&file, &sources()?)),
        Command::Import(args) => block_on(import::run(&args, &sources()?)),
        Command::Export(args) => block_on(export::run(&args, &sources()?)),
        Command::Erase(args) => block_on(erase::run(&args, &sources()?)),
        Command::Health(args) => block_on(health::run(&args, &sources()?)),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

/// The matches of the command itself, which hold the flags of the commands around it too.
fn innermost(mut matches: &ArgMatches) -> &ArgMatches {
    while let Some((_, inner)) = matches.subcommand() {
        matches = inner;
    }
    matches
}

fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Fault(format!("The runtime cannot start: {error}.")))?;
    let outcome = runtime.block_on(command);
    // Dropping it would wait for a query that is stuck, and with it the end of the process.
    runtime.shutdown_background();
    outcome
}

/// Writes to standard output; a reader that has seen enough, such as `head`, is no fault.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Fault(format!("Standard output cannot be written to: {error}.")))
        }
        _ => Ok(()),
    }
}

/// The sockets of a service.
struct Listeners {
    callers: TcpListener,
    operators: Option<TcpListener>,
}

/// Binds the addresses of the configuration, which may name port 0.
async fn bind(config: &Config) -> Result<Listeners, Failure> {
    let operators = match config.http.admin_listen {
        Some(address) => Some(listener(&settings::TASKGATE_ADMIN_LISTEN, address).await?),
        None => None,
    };
    Ok(Listeners { callers: listener(&settings::LISTEN, config.http.listen).await?, operators })
}

async fn listener(setting: &Setting, address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let setting = setting.variable;
        Failure::Fault(format!("Cannot listen on {address}: {error}; set {setting} to another address."))
    })
}

#[cfg(test)]
mod tests;
