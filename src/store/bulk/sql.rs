//! Many rows in one statement, the same for both databases: constants as a table, whose columns both call `column1` and
//! so on.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::super::sql::{TakesTasks, contents, never_kept};
use super::super::tasks::Row;
use super::super::timestamp::{At, Instant};
use crate::user::UserId;

/// A query whose rows are locked until the end of the transaction, in its order (`FOR NO KEY UPDATE`; SQLite has but one
/// writer).
#[derive(Debug, Clone, Copy, QueryId)]
pub(super) struct Locked<Rows>(pub(super) Rows);

impl<Rows: Query> Query for Locked<Rows> {
    type SqlType = Rows::SqlType;
}

impl<Rows: QueryFragment<Pg>> QueryFragment<Pg> for Locked<Rows> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" FOR NO KEY UPDATE");
        Ok(())
    }
}

impl<Rows: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Locked<Rows> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

impl<Rows, Conn> diesel::RunQueryDsl<Conn> for Locked<Rows> {}

/// All that is written of a task.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) row: Row,
    pub(super) deleted_at: Option<At>,
    pub(super) title_folded: String,
    pub(super) description_folded: Option<String>,
}

/// Writes tasks that are there.
#[derive(Debug)]
pub(super) struct UpdateRows<'a> {
    pub(super) user: &'a UserId,
    pub(super) rows: &'a [Written],
}

/// Writes tasks that are new, their ids in the order of the rows; returns the revision and id of each.
#[derive(Debug)]
pub(super) struct InsertRows<'a> {
    pub(super) user: &'a UserId,
    pub(super) rows: &'a [Written],
}

fn values<'b, DB>(rows: &'b [Written], mut out: AstPass<'_, 'b, DB>) -> QueryResult<()>
where
    DB: TakesTasks,
    i64: ToSql<BigInt, DB>,
    String: ToSql<Text, DB>,
    bool: ToSql<Bool, DB>,
    At: ToSql<Instant, DB>,
{
    // A text for each number of rows is not worth keeping.
    out.unsafe_to_cache_prepared();
    for (i, Written { row, deleted_at, title_folded, description_folded }) in rows.iter().enumerate() {
        out.push_sql(if i == 0 { "(VALUES (" } else { "), (" });
        out.push_bind_param::<BigInt, i64>(&row.id)?;
        out.push_sql(", ");
        contents(row, out.reborrow())?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Instant>, Option<At>>(deleted_at)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, i64>(&row.revision)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, String>(title_folded)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, Option<String>>(description_folded)?;
    }
    out.push_sql(")) AS v");
    Ok(())
}

impl<DB> QueryFragment<DB> for UpdateRows<'_>
where
    DB: TakesTasks,
    i64: ToSql<BigInt, DB>,
    str: ToSql<Text, DB>,
    String: ToSql<Text, DB>,
    bool: ToSql<Bool, DB>,
    At: ToSql<Instant, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(
            "UPDATE tasks SET title = v.column2, description = v.column3, completed = v.column4, \
             updated_at = v.column6, deleted_at = v.column7, revision = v.column8, title_folded = v.column9, \
             description_folded = v.column10 FROM ",
        );
        values(self.rows, out.reborrow())?;
        out.push_sql(" WHERE tasks.id = v.column1 AND tasks.user_id = ");
        out.push_bind_param::<Text, str>(self.user.as_str())
    }
}

impl<DB> QueryFragment<DB> for InsertRows<'_>
where
    DB: TakesTasks,
    i64: ToSql<BigInt, DB>,
    str: ToSql<Text, DB>,
    String: ToSql<Text, DB>,
    bool: ToSql<Bool, DB>,
    At: ToSql<Instant, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO tasks (user_id, title, description, completed, created_at, updated_at, revision, \
             title_folded, description_folded) SELECT ",
        );
        out.push_bind_param::<Text, str>(self.user.as_str())?;
        out.push_sql(", v.column2, v.column3, v.column4, v.column5, v.column6, v.column8, v.column9, v.column10 FROM ");
        values(self.rows, out.reborrow())?;
        out.push_sql(" RETURNING revision, id");
        Ok(())
    }
}

impl Query for InsertRows<'_> {
    type SqlType = (BigInt, BigInt);
}

never_kept!(UpdateRows, InsertRows);
