//! A copy of a SQLite database, while it is in use.

use std::path::Path;

use diesel::RunQueryDsl;
use diesel::sql_types::Text;
use tokio::task::spawn_blocking;

use super::sqlite;
use crate::error::Cause;

/// Writes a whole and consistent copy of the database at `from` to the new file `to`, for its owner only.
///
/// # Errors
/// When `from` is no database, or `to` exists or cannot be written.
pub async fn backup(from: &Path, to: &Path) -> Result<(), Cause> {
    let (from, to) = (from.to_owned(), to.to_owned());
    spawn_blocking(move || {
        if !from.is_file() {
            return Err(format!("there is no database at {}", from.display()).into());
        }
        if to.exists() {
            return Err(format!("{} exists already; name a new file", to.display()).into());
        }
        sqlite::create_private(&to).map_err(|error| format!("{} cannot be written: {error}", to.display()))?;
        let name = to.to_str().ok_or("the path of the copy is not UTF-8")?.to_owned();
        let copied = sqlite::open(&from).and_then(|mut source| {
            Ok(diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(name).execute(&mut source)?)
        });
        if copied.is_err() {
            // Nothing was copied into the file that was made above.
            let _ = std::fs::remove_file(&to);
        }
        copied.map(drop)
    })
    .await?
}
