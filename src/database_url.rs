//! Where the tasks are kept: a SQLite file or a PostgreSQL database, as a URL names it.
//!
//! A URL of this type can be printed: its password is masked, and no error of the parser repeats what it read.

mod postgres;

use std::fmt;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

pub use self::postgres::{PostgresUrl, Roots, TlsMode};

/// What a file name in a URL has to escape to be read back as it is.
const FILE_NAME: &AsciiSet = &CONTROLS.add(b'%').add(b'?');

/// The kind of database and what is needed to open it.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// The path of the file, relative to the working directory unless it is absolute.
    Sqlite(PathBuf),
    Postgres(Box<PostgresUrl>),
}

impl DatabaseUrl {
    /// Reads `sqlite://<file>`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    /// A sentence that says what to write, without the name of the setting and without anything of `text` that could
    /// be secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        // Schemes are case-insensitive (RFC 3986, section 3.1).
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => sqlite_path(rest).map(Self::Sqlite),
            "postgres" | "postgresql" => PostgresUrl::parse(rest).map(|url| Self::Postgres(Box::new(url))),
            _ => Err("write sqlite://<file>, such as sqlite://taskgate.db, or \
                      postgres://<user>:<password>@<host>/<database>"
                .to_owned()),
        }
    }
}

/// The URL, with `***` in place of the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", utf8_percent_encode(&path.to_string_lossy(), FILE_NAME)),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// The same as [`fmt::Display`]: a derived one would show the password.
impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

fn sqlite_path(rest: &str) -> Result<PathBuf, String> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    if rest.contains('?') {
        return Err("a sqlite URL takes no parameters; write %3F for a ? in the name of the file".to_owned());
    }
    let path = percent_decode_str(rest).decode_utf8().map_err(|_| "the name of the file is not UTF-8".to_owned())?;
    if path.is_empty() || path.ends_with('/') {
        return Err("name a file, as in sqlite://taskgate.db or sqlite:///var/lib/taskgate/taskgate.db".to_owned());
    }
    // SQLite itself takes names of these kinds for something other than a file.
    if path.starts_with(':') || path.starts_with("file:") {
        return Err("taskgate keeps its tasks in a file that several connections share, so there is no :memory: and \
                    no file: URI; name a file, as in sqlite://taskgate.db"
            .to_owned());
    }
    if path.contains('\0') {
        return Err("the name of the file has a NUL in it".to_owned());
    }
    Ok(PathBuf::from(path.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_urls_name_a_file() {
        for (text, path, shown) in [
            ("sqlite://taskgate.db", "taskgate.db", "sqlite://taskgate.db"),
            ("sqlite:taskgate.db", "taskgate.db", "sqlite://taskgate.db"),
            ("SQLite://data/a.db", "data/a.db", "sqlite://data/a.db"),
            ("sqlite:///var/lib/a.db", "/var/lib/a.db", "sqlite:///var/lib/a.db"),
            ("sqlite:/var/lib/a.db", "/var/lib/a.db", "sqlite:///var/lib/a.db"),
            ("sqlite://a%20b%3F%25.db", "a b?%.db", "sqlite://a b%3F%25.db"),
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert!(matches!(&url, DatabaseUrl::Sqlite(found) if found.to_str() == Some(path)), "{text}: {url}");
            assert_eq!(url.to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        for text in [
            "sqlite:",
            "sqlite://",
            "sqlite:///",
            "sqlite://data/",
            "sqlite://:memory:",
            "sqlite::memory:",
            "sqlite://%3Amemory%3A",
            "sqlite:file:a.db",
            "sqlite://a.db?mode=ro",
            "sqlite://a%00.db",
            "sqlite://%FF.db",
        ] {
            assert!(DatabaseUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_unknown_scheme_is_told_what_to_write_and_not_repeated() {
        for text in ["", "taskgate.db", "mysql://root:hunter2@db/tasks", "postgres+ssl://u:hunter2@db/x", "/var/a.db"] {
            let sentence = DatabaseUrl::parse(text).unwrap_err();
            assert!(sentence.contains("sqlite://") && sentence.contains("postgres://"), "{sentence}");
            assert!(!sentence.contains("hunter2"), "{sentence}");
        }
    }
}
