//! Tables in a SQLite file of another program, which is never written to.

use std::path::Path;

use diesel::connection::{DefaultLoadingMode, SimpleConnection as _};
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::{AHEAD, BATCH, Cells, Column, MOST_BYTES, Selection};
use crate::error::Cause;
use crate::store::sqlite;

const COLUMNS: &str = "SELECT m.name AS table_name, p.name AS column_name, p.type AS column_type \
     FROM sqlite_schema AS m JOIN pragma_table_xinfo(m.name) AS p \
     WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, p.cid";

type Batches = mpsc::Receiver<Result<Vec<Cells>, Cause>>;

#[derive(QueryableByName)]
struct Declared {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    column_type: String,
}

#[derive(QueryableByName)]
struct Extent {
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    highest: Option<i64>,
}

#[derive(QueryableByName)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
struct Fields {
    #[diesel(sql_type = Nullable<Binary>)]
    c0: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    c1: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    c2: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    c3: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    c4: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    c5: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    c6: Option<Vec<u8>>,
}

/// Every column: the table as people write it, as SQL does, and the column.
pub(super) async fn columns(path: &Path) -> Result<Vec<(String, String, Column)>, Cause> {
    let path = path.to_owned();
    let columns = spawn_blocking(move || Ok::<_, Cause>(sql_query(COLUMNS).load::<Declared>(&mut connect(&path)?)?));
    let column = |Declared { table_name, column_name, column_type }| {
        // What SQLite goes by itself: https://sqlite.org/datatype3.html, section 3.1
        let is_integer = column_type.to_ascii_uppercase().contains("INT");
        let column = Column { quoted: quoted(&column_name), name: column_name, is_integer };
        let table = quoted(&table_name);
        (table_name, table, column)
    };
    Ok(columns.await??.into_iter().map(column).collect())
}

/// The rows of a table, how many there are, and the greatest id.
pub(super) async fn open(path: &Path, selection: &Selection) -> Result<(Batches, u64, Option<i64>), Cause> {
    let (path, selection) = (path.to_owned(), selection.clone());
    let (opened, extent) = oneshot::channel();
    let (sender, receiver) = mpsc::channel(AHEAD);
    // It ends when all is read or the receiver is gone.
    spawn_blocking(move || read(&path, &selection, opened, &sender));
    let Extent { total, highest } = extent.await??;
    Ok((receiver, total.unsigned_abs(), highest))
}

fn read(
    path: &Path,
    selection: &Selection,
    opened: oneshot::Sender<Result<Extent, Cause>>,
    batches: &mpsc::Sender<Result<Vec<Cells>, Cause>>,
) {
    let begun = connect(path).and_then(|mut connection| {
        connection.batch_execute("BEGIN")?;
        let extent = sql_query(selection.extent()).get_result::<Extent>(&mut connection)?;
        Ok((connection, extent))
    });
    let (mut connection, extent) = match begun {
        Ok(begun) => begun,
        Err(cause) => return drop(opened.send(Err(cause))),
    };
    if opened.send(Ok(extent)).is_ok()
        && let Err(cause) = send(&mut connection, selection, batches)
    {
        let _ = batches.blocking_send(Err(cause));
    }
}

fn send(
    connection: &mut SqliteConnection,
    selection: &Selection,
    batches: &mpsc::Sender<Result<Vec<Cells>, Cause>>,
) -> Result<(), Cause> {
    // A cast to text makes what people see of numbers. Of bytes nothing ends at a NUL, and what is no text is left alone.
    // A part of nothing would be NULL.
    let cast = |column: &str| {
        let bytes = format!("CAST(CAST({column} AS TEXT) AS BLOB)");
        format!("coalesce(substr({bytes}, 1, {MOST_BYTES}), {bytes})")
    };
    let query = sql_query(selection.rows(cast));
    let mut batch = Vec::new();
    for row in query.load_iter::<Fields, DefaultLoadingMode>(connection)? {
        let Fields { c0, c1, c2, c3, c4, c5, c6 } = row?;
        batch.push([c0, c1, c2, c3, c4, c5, c6]);
        if batch.len() == BATCH && batches.blocking_send(Ok(std::mem::take(&mut batch))).is_err() {
            return Ok(());
        }
    }
    if !batch.is_empty() {
        let _ = batches.blocking_send(Ok(batch));
    }
    Ok(())
}

fn connect(path: &Path) -> Result<SqliteConnection, Cause> {
    if !path.is_file() {
        return Err(format!("there is no file {}", path.display()).into());
    }
    sqlite::open_to_read(path)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
