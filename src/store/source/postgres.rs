//! Tables in PostgreSQL, read through a cursor.

use std::fmt;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, Row};

use super::{BATCH, Cells, Column, MOST_BYTES, Selection};
use crate::database_url::PostgresUrl;
use crate::error::Cause;
use crate::store::postgres::{Link, connect_to_hear};

/// How long the server may take to answer, the first time with a million rows in order.
const PATIENCE: Duration = Duration::from_mins(10);

const COLUMNS: &str = "SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname::text \
     ELSE n.nspname || '.' || c.relname END, quote_ident(n.nspname) || '.' || quote_ident(c.relname), \
     a.attname::text, quote_ident(a.attname), a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) \
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped \
     AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 2, a.attnum";

/// Times without a zone are in UTC, and those with one are shown in it.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TIME ZONE 'UTC'; \
     SET LOCAL DateStyle = 'ISO'; SET LOCAL statement_timeout = 0";

/// Every column: the table as people write it, as SQL does, and the column.
pub(super) async fn columns(url: &PostgresUrl) -> Result<Vec<(String, String, Column)>, Cause> {
    let (client, link) = connect(url).await?;
    let rows = answered(client.query(COLUMNS, &[])).await?;
    link.set_busy(false);
    let column = |row: Row| {
        let column = Column { name: row.try_get(2)?, quoted: row.try_get(3)?, is_integer: row.try_get(4)? };
        Ok((row.try_get(0)?, row.try_get(1)?, column))
    };
    rows.into_iter().map(column).collect()
}

/// Rows of one moment.
pub(super) struct Cursor {
    client: Client,
    link: Link,
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor")
    }
}

impl Cursor {
    /// The rows of a table, how many there are, and the greatest id.
    pub(super) async fn open(url: &PostgresUrl, selection: &Selection) -> Result<(Self, u64, Option<i64>), Cause> {
        let (client, link) = connect(url).await?;
        answered(client.batch_execute(BEGIN)).await?;
        let extent = answered(client.query_one(&selection.extent(), &[])).await?;
        // A character has four bytes at most.
        let rows = selection.rows(|column| format!("left({column}::text, {})", MOST_BYTES / 4));
        answered(client.batch_execute(&format!("DECLARE source NO SCROLL CURSOR FOR {rows}"))).await?;
        let total: i64 = extent.try_get(0)?;
        Ok((Self { client, link }, total.unsigned_abs(), extent.try_get(1)?))
    }

    pub(super) async fn next(&mut self) -> Result<Vec<Cells>, Cause> {
        let fetch = format!("FETCH FORWARD {BATCH} FROM source");
        let rows = answered(self.client.query(&fetch, &[])).await?;
        self.link.set_busy(false);
        rows.iter().map(cells).collect()
    }
}

async fn connect(url: &PostgresUrl) -> Result<(Client, Link), Cause> {
    let limit = url.connect_limit();
    let connected = timeout(limit, connect_to_hear(url, |_| {})).await;
    Ok(connected.map_err(|_| format!("the server did not answer within {limit:?}"))??)
}

async fn answered<T>(answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Cause> {
    let answer = timeout(PATIENCE, answer).await.map_err(|_| format!("no answer came within {PATIENCE:?}"))?;
    // The driver's own text says little more than "db error".
    answer
        .map_err(|error| error.as_db_error().map_or_else(|| error.to_string(), |said| said.message().to_owned()).into())
}

fn cells(row: &Row) -> Result<Cells, Cause> {
    let mut cells = Cells::default();
    for (field, cell) in cells.iter_mut().enumerate() {
        *cell = row.try_get::<_, Option<Text>>(field)?.map(|text| text.0);
    }
    Ok(cells)
}

/// Text whose bytes nobody has looked at: what is in a database of another encoding need not be UTF-8.
struct Text(Vec<u8>);

impl<'a> FromSql<'a> for Text {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw.to_owned()))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TEXT
    }
}
