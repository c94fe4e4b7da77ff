//! `taskgate backup FILE`: a copy of the SQLite database while others use it.

use std::path::Path;

use super::{Failure, print};
use crate::config::{DatabaseConfig, Sources};
use crate::database_url::DatabaseUrl;
use crate::store;

pub(super) async fn run(file: &Path, sources: &Sources) -> Result<(), Failure> {
    match DatabaseConfig::resolve(sources).map_err(Failure::Usage)?.url {
        DatabaseUrl::Sqlite(path) => {
            store::backup(&path, file)
                .await
                .map_err(|error| Failure::Fault(format!("Nothing was copied: {error}.")))?;
            print(&format!("{} is copied to {}\n", path.display(), file.display()))
        }
        DatabaseUrl::Postgres(_) => {
            Err(Failure::Usage("`taskgate backup` copies SQLite files; for PostgreSQL use pg_dump.".to_owned()))
        }
    }
}
