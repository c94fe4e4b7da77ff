//! What `--from` names.

use std::path::PathBuf;

use crate::database_url::DatabaseUrl;

/// Where tasks come from.
#[derive(Debug)]
pub(super) enum Origin {
    Database(DatabaseUrl),
    File(PathBuf),
    Stdin,
}

impl Origin {
    /// Reads a URL, which may name a driver as in `postgresql+asyncpg://…`, or the path of a file.
    ///
    /// # Errors
    /// What to write, without anything that could be secret.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        let (kind, driver) = scheme.split_once('+').unwrap_or((scheme, ""));
        let is_database = ["sqlite", "postgres", "postgresql"].iter().any(|known| kind.eq_ignore_ascii_case(known));
        if !is_database && !rest.starts_with("//") {
            return Ok(Self::File(PathBuf::from(text)));
        }
        // With three slashes SQLAlchemy means a path relative to the working directory, and we an absolute one.
        let rest = match rest.strip_prefix("///") {
            Some(path) if !driver.is_empty() && kind.eq_ignore_ascii_case("sqlite") => format!("//{path}"),
            _ => rest.to_owned(),
        };
        DatabaseUrl::parse(&format!("{kind}:{rest}")).map(Self::Database)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_url_and_all_else_a_file() {
        for (text, url) in [
            ("sqlite:///srv/app.db", "sqlite:///srv/app.db"),
            ("sqlite://app.db", "sqlite://app.db"),
            ("sqlite+aiosqlite:///app.db", "sqlite://app.db"),
            ("sqlite+aiosqlite:////srv/app.db", "sqlite:///srv/app.db"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgresql+asyncpg://u@h/d", "postgres://u@h/d"),
        ] {
            let origin = Origin::parse(text).unwrap();
            assert!(matches!(&origin, Origin::Database(found) if found.to_string() == url), "{text}: {origin:?}");
        }
        for path in ["tasks.jsonl", "./a b.csv", "/srv/2026-01-09T10:00:00.jsonl"] {
            assert!(
                matches!(Origin::parse(path).unwrap(), Origin::File(found) if found.to_str() == Some(path)),
                "{path}"
            );
        }
        assert!(matches!(Origin::parse("-").unwrap(), Origin::Stdin));
    }

    #[test]
    fn another_database_is_refused_and_not_repeated() {
        for text in ["mysql://root:hunter2@db/tasks", "mysql+aiomysql://u:hunter2@db/x", "postgres://u:hunter2@h:p/d"] {
            assert!(!Origin::parse(text).unwrap_err().contains("hunter2"), "{text}");
        }
    }
}
