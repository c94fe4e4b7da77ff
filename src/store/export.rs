//! Reading all tasks, or all of a user, as they were at one moment.

use diesel::connection::SimpleConnection as _;
use diesel::result::Error as DieselError;
use diesel::{ExpressionMethods, QueryDsl, QueryResult, SqliteConnection};
use diesel_async::SimpleAsyncConnection as _;
use tokio::task::spawn_blocking;

use super::postgres::Connection;
use super::schema::tasks;
use super::sqlite;
use super::tasks::{COLUMNS, Row};
use crate::database_url::DatabaseUrl;
use crate::error::Cause;
use crate::task::Task;
use crate::user::UserId;

/// How many tasks are read at once.
const PAGE: i64 = 1_000;

/// Tasks that are not deleted, in the order of their ids, as they were when this was opened.
pub struct Export {
    reader: Reader,
    user: Option<UserId>,
    after: i64,
}

/// A connection with a transaction that sees one moment.
enum Reader {
    Postgres(Box<Connection>),
    /// `None` while it reads.
    Sqlite(Option<SqliteConnection>),
}

impl std::fmt::Debug for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export").field("after", &self.after).finish_non_exhaustive()
    }
}

/// The next page, owners with it, as a boxed query for the backend at hand.
macro_rules! page {
    ($DB:ty, $user:expr, $after:expr) => {{
        let page = tasks::table
            .filter(tasks::deleted_at.is_null())
            .filter(tasks::id.gt($after))
            .order(tasks::id)
            .limit(PAGE)
            .select((tasks::user_id, COLUMNS))
            .into_boxed::<$DB>();
        match $user {
            Some(user) => page.filter(tasks::user_id.eq(user.as_str().to_owned())),
            None => page,
        }
    }};
}

impl Export {
    /// Opens the database at `url`, whose tables are there, to read the tasks of `user`, or of all users.
    ///
    /// # Errors
    /// When the database cannot be reached or opened.
    pub async fn open(url: &DatabaseUrl, user: Option<UserId>) -> Result<Self, Cause> {
        let reader = match url {
            DatabaseUrl::Postgres(url) => {
                let mut connection = Connection::open(url, None).await?;
                connection.inner.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                Reader::Postgres(Box::new(connection))
            }
            DatabaseUrl::Sqlite(path) => {
                let path = path.clone();
                let opened = spawn_blocking(move || {
                    let mut connection = sqlite::open(&path)?;
                    connection.batch_execute("PRAGMA query_only = ON; BEGIN")?;
                    Ok::<_, Cause>(connection)
                });
                Reader::Sqlite(Some(opened.await??))
            }
        };
        Ok(Self { reader, user, after: 0 })
    }

    /// The next tasks, each with its owner; none at the end.
    ///
    /// # Errors
    /// When the database went away. The reader is of no use then.
    pub async fn next(&mut self) -> Result<Vec<(UserId, Task)>, Cause> {
        let (user, after) = (self.user.clone(), self.after);
        let rows: Vec<(String, Row)> = match &mut self.reader {
            Reader::Postgres(connection) => {
                use diesel_async::RunQueryDsl;
                page!(diesel::pg::Pg, user, after).load(&mut connection.inner).await?
            }
            Reader::Sqlite(open) => {
                use diesel::RunQueryDsl;
                let mut connection = open.take().ok_or("the reader has failed before")?;
                let read = move || -> (QueryResult<_>, SqliteConnection) {
                    let rows = page!(diesel::sqlite::Sqlite, user, after).load(&mut connection);
                    (rows, connection)
                };
                let (rows, connection) = spawn_blocking(read).await?;
                *open = Some(connection);
                rows?
            }
        };
        self.after = rows.last().map_or(after, |(_, row)| row.id);
        rows.into_iter().map(owned).collect()
    }
}

fn owned((user, row): (String, Row)) -> Result<(UserId, Task), Cause> {
    let user = UserId::parse(&user).ok_or(DieselError::NotFound)?;
    Ok((user, Task::from(row)))
}
