//! What statements share that write many tasks at once.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::super::tasks::Row;
use super::super::timestamp::{At, Instant};

/// A backend that takes the columns of a task.
pub(in crate::store) trait TakesTasks:
    Backend + HasSqlType<BigInt> + HasSqlType<Text> + HasSqlType<Bool> + HasSqlType<Instant>
{
}
impl TakesTasks for Pg {}
impl TakesTasks for Sqlite {}

/// Lets statements run that have another text for each number of rows, so that none is worth keeping.
macro_rules! never_kept {
    ($($statement:ident),*) => {$(
        impl diesel::query_builder::QueryId for $statement<'_> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }

        impl<Conn> diesel::RunQueryDsl<Conn> for $statement<'_> {}
    )*};
}

pub(in crate::store) use never_kept;

/// Title, description, `completed` and both times of a task, separated by commas.
pub(in crate::store) fn contents<'b, DB>(row: &'b Row, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
where
    DB: TakesTasks,
    String: ToSql<Text, DB>,
    bool: ToSql<Bool, DB>,
    At: ToSql<Instant, DB>,
{
    out.push_bind_param::<Text, String>(&row.title)?;
    out.push_sql(", ");
    out.push_bind_param::<Nullable<Text>, Option<String>>(&row.description)?;
    out.push_sql(", ");
    out.push_bind_param::<Bool, bool>(&row.completed)?;
    out.push_sql(", ");
    out.push_bind_param::<Instant, At>(&row.created_at)?;
    out.push_sql(", ");
    out.push_bind_param::<Instant, At>(&row.updated_at)
}
