//! Tables of another program, read as they are: what is in them is for others to judge.

use tokio::sync::mpsc;

use self::postgres::Cursor;
use crate::database_url::DatabaseUrl;
use crate::error::Cause;

mod postgres;
mod sqlite;

/// What is read of a task, by the names that taskgate has for it.
pub const FIELDS: [&str; 7] = ["id", "user_id", "title", "description", "completed", "created_at", "updated_at"];

/// A row: the fields in their order, as text. `None` is NULL, and nobody has looked whether the bytes are UTF-8.
pub type Cells = [Option<Vec<u8>>; FIELDS.len()];

/// The most bytes that are read of a field, which no task has: what is longer is cut, and too long in any case.
pub const MOST_BYTES: usize = 8 << 10;

/// How many rows are read at once, and how many times as many may wait to be taken.
const BATCH: usize = 1_000;
const AHEAD: usize = 2;

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// As people write it.
    pub name: String,
    /// As SQL writes it.
    quoted: String,
    pub columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    quoted: String,
    /// Whether it holds whole numbers.
    pub is_integer: bool,
}

/// Which columns of a table hold which field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    pub table: Table,
    /// Places among the table's columns, in the order of [`FIELDS`]. The id and the time of creation have one.
    pub columns: [Option<usize>; FIELDS.len()],
}

/// The rows of a table at one moment.
#[derive(Debug)]
pub struct Source {
    /// How many rows there are.
    pub total: u64,
    /// The greatest id, where ids are whole numbers.
    pub highest_id: Option<i64>,
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    Postgres(Box<Cursor>),
    Sqlite(mpsc::Receiver<Result<Vec<Cells>, Cause>>),
}

/// The tables and views of a database.
///
/// # Errors
/// When the database cannot be reached or opened.
pub async fn tables(url: &DatabaseUrl) -> Result<Vec<Table>, Cause> {
    let columns = match url {
        DatabaseUrl::Postgres(url) => postgres::columns(url).await?,
        DatabaseUrl::Sqlite(path) => sqlite::columns(path).await?,
    };
    let mut tables: Vec<Table> = Vec::new();
    for (name, quoted, column) in columns {
        match tables.last_mut() {
            Some(table) if table.quoted == quoted => table.columns.push(column),
            _ => tables.push(Table { name, quoted, columns: vec![column] }),
        }
    }
    Ok(tables)
}

impl Source {
    /// Opens a table. Nothing of it changes for the reader from now on, and nothing is changed by it.
    ///
    /// # Errors
    /// When the database cannot be reached or opened, or the table cannot be read.
    pub async fn open(url: &DatabaseUrl, selection: &Selection) -> Result<Self, Cause> {
        match url {
            DatabaseUrl::Postgres(url) => {
                let (cursor, total, highest_id) = Cursor::open(url, selection).await?;
                Ok(Self { total, highest_id, rows: Rows::Postgres(Box::new(cursor)) })
            }
            DatabaseUrl::Sqlite(path) => {
                let (rows, total, highest_id) = sqlite::open(path, selection).await?;
                Ok(Self { total, highest_id, rows: Rows::Sqlite(rows) })
            }
        }
    }

    /// The next rows, [`MOST_AT_ONCE`](super::MOST_AT_ONCE) at most; none at the end.
    ///
    /// # Errors
    /// When the database went away. There are no more rows then.
    pub async fn next(&mut self) -> Result<Vec<Cells>, Cause> {
        match &mut self.rows {
            Rows::Postgres(cursor) => cursor.next().await,
            Rows::Sqlite(rows) => rows.recv().await.unwrap_or_else(|| Ok(Vec::new())),
        }
    }
}

impl Selection {
    /// Whether ids are whole numbers.
    #[must_use]
    pub fn has_integer_ids(&self) -> bool {
        self.column(0).is_some_and(|column| column.is_integer)
    }

    fn column(&self, field: usize) -> Option<&Column> {
        self.table.columns.get(self.columns[field]?)
    }

    /// `SELECT …` with each field through `cast`, user by user, so that a batch writes to few places of the indexes; of
    /// each the oldest first: whole numbers rise with age, other ids need not.
    fn rows(&self, cast: impl Fn(&str) -> String) -> String {
        let fields = (0..FIELDS.len()).map(|field| {
            let column = self.column(field).map_or("NULL", |column| &column.quoted);
            format!("{} AS c{field}", cast(column))
        });
        let quoted = |field| self.column(field).map_or("NULL", |column| column.quoted.as_str());
        let (id, user, created_at) = (quoted(0), quoted(1), quoted(5));
        let order = if self.has_integer_ids() { id.to_owned() } else { format!("{created_at}, {id}") };
        format!("SELECT {} FROM {} ORDER BY {user}, {order}", fields.collect::<Vec<_>>().join(", "), self.table.quoted)
    }

    /// `SELECT …` of how many rows there are, and of the greatest id.
    fn extent(&self) -> String {
        let id = self.column(0).filter(|column| column.is_integer).map_or("NULL", |column| &column.quoted);
        format!("SELECT count(*) AS total, CAST(max({id}) AS BIGINT) AS highest FROM {}", self.table.quoted)
    }
}
