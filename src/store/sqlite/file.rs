//! The file: how it is opened and made, and the connections to it.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bb8::ManageConnection;
use diesel::connection::SimpleConnection;
use diesel::result::Error as DieselError;
use diesel::{Connection, SqliteConnection};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tokio::task::spawn_blocking;

use crate::error::Cause;

/// An acknowledged write is on the disk (`synchronous = FULL` under WAL). The busy timeout is for other processes:
/// inside this one the writers queue.
const SETTINGS: &str = "PRAGMA busy_timeout = 1500; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                        PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;";

/// The writer has 1 MiB instead of 2, with which it makes as many changes: each thread that it runs on keeps a heap for what
/// was once allocated there.
const WRITER_SETTINGS: &str = "PRAGMA cache_size = -1024;";

/// What a reader has of the file in memory it shares with nobody, and the system has all of it: 256 KiB instead of 2 MiB,
/// which is enough for lists that are read from an index.
const READER_SETTINGS: &str = "PRAGMA query_only = ON; PRAGMA cache_size = -256;";

/// For how long, and how long apart, a connection tries to switch a new file to WAL. Where several do so at once, SQLite
/// fails those that would have to wait, whatever the busy timeout is.
const WAL_PATIENCE: Duration = Duration::from_secs(5);
const WAL_PAUSE: Duration = Duration::from_millis(10);

/// What a path has to escape to be part of a URI that SQLite reads.
const IN_URI: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

/// An open file.
pub(super) struct Handle {
    pub(super) connection: SqliteConnection,
    /// Whether it is to be opened anew: after a failure of the disk nobody knows what state SQLite left it in.
    pub(super) is_spent: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Role {
    Reader,
    Writer,
}

#[derive(Debug)]
pub(super) struct Manager {
    pub(super) path: PathBuf,
    pub(super) role: Role,
}

impl ManageConnection for Manager {
    type Connection = Handle;
    type Error = Cause;

    async fn connect(&self) -> Result<Handle, Cause> {
        let (path, role) = (self.path.clone(), self.role);
        spawn_blocking(move || {
            let mut connection = open(&path)?;
            connection.batch_execute(match role {
                Role::Reader => READER_SETTINGS,
                Role::Writer => WRITER_SETTINGS,
            })?;
            Ok(Handle { connection, is_spent: false })
        })
        .await?
    }

    async fn is_valid(&self, _: &mut Handle) -> Result<(), Cause> {
        Ok(())
    }

    fn has_broken(&self, handle: &mut Handle) -> bool {
        handle.is_spent
    }
}

/// Opens a database file, which is there, with the settings that every connection has.
///
/// A file that is gone is not made anew: it would be empty, and nobody would learn that the other one is missing.
pub(in crate::store) fn open(path: &Path) -> Result<SqliteConnection, Cause> {
    let mut connection = SqliteConnection::establish(&uri(path, "rw")?)?;
    let begun = Instant::now();
    while let Err(error) = connection.batch_execute(SETTINGS) {
        let is_locked = matches!(&error, DieselError::DatabaseError(_, said) if said.message() == "database is locked");
        if !is_locked || begun.elapsed() > WAL_PATIENCE {
            return Err(error.into());
        }
        std::thread::sleep(WAL_PAUSE);
    }
    Ok(connection)
}

/// Opens a file of another program, whose settings are its own, to read it.
pub(in crate::store) fn open_to_read(path: &Path) -> Result<SqliteConnection, Cause> {
    let mut connection = SqliteConnection::establish(&uri(path, "ro")?)?;
    connection.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA trusted_schema = OFF;")?;
    Ok(connection)
}

fn uri(path: &Path, mode: &str) -> Result<String, Cause> {
    let name = path.to_str().ok_or("the path of the database is not UTF-8")?;
    // What follows two slashes is a host, so an absolute path has to follow it.
    let host = if path.is_absolute() { "//" } else { "" };
    Ok(format!("file:{host}{}?mode={mode}", utf8_percent_encode(name, IN_URI)))
}

/// Makes the file where there is none, for its owner only: SQLite gives its side files the same mode.
pub(in crate::store) fn create_private(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}
