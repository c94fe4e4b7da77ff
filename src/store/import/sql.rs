//! Rows of many users in one statement, the same for both databases.

use diesel::QueryResult;
use diesel::query_builder::{AstPass, Query, QueryFragment};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::super::sql::{TakesTasks, contents, never_kept};
use super::super::tasks::Row;
use super::super::timestamp::{At, Instant};

/// Raises the revision of each owner by the number of tasks that are made, and counts them; returns where each stands.
///
/// An owner who is new begins at `first`.
#[derive(Debug)]
pub(super) struct RaiseOwners<'a> {
    /// Owner, first revision of one who is new, number of tasks; in the order of owners, in which they are locked.
    pub(super) rows: &'a [(String, i64, i64)],
}

/// Writes tasks with the ids that they are to have.
#[derive(Debug)]
pub(super) struct InsertTasks<'a> {
    pub(super) rows: &'a [Arrival],
}

/// All that is written of a task.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) user: String,
    pub(super) row: Row,
    pub(super) title_folded: String,
    pub(super) description_folded: Option<String>,
}

impl<DB> QueryFragment<DB> for RaiseOwners<'_>
where
    DB: TakesTasks,
    i64: ToSql<BigInt, DB>,
    String: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // A text for each number of rows is not worth keeping.
        out.unsafe_to_cache_prepared();
        out.push_sql("INSERT INTO owners (user_id, revision, task_count) VALUES (");
        for (i, (user, revision, count)) in self.rows.iter().enumerate() {
            out.push_sql(if i == 0 { "" } else { "), (" });
            out.push_bind_param::<Text, String>(user)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, i64>(revision)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, i64>(count)?;
        }
        out.push_sql(
            ") ON CONFLICT (user_id) DO UPDATE SET revision = owners.revision + excluded.task_count, \
             task_count = owners.task_count + excluded.task_count RETURNING user_id, revision",
        );
        Ok(())
    }
}

impl<DB> QueryFragment<DB> for InsertTasks<'_>
where
    DB: TakesTasks,
    i64: ToSql<BigInt, DB>,
    String: ToSql<Text, DB>,
    bool: ToSql<Bool, DB>,
    At: ToSql<Instant, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql(
            "INSERT INTO tasks (id, user_id, title, description, completed, created_at, updated_at, revision, \
             title_folded, description_folded) VALUES (",
        );
        for (i, Arrival { user, row, title_folded, description_folded }) in self.rows.iter().enumerate() {
            out.push_sql(if i == 0 { "" } else { "), (" });
            out.push_bind_param::<BigInt, i64>(&row.id)?;
            out.push_sql(", ");
            out.push_bind_param::<Text, String>(user)?;
            out.push_sql(", ");
            contents(row, out.reborrow())?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, i64>(&row.revision)?;
            out.push_sql(", ");
            out.push_bind_param::<Text, String>(title_folded)?;
            out.push_sql(", ");
            out.push_bind_param::<Nullable<Text>, Option<String>>(description_folded)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl Query for RaiseOwners<'_> {
    type SqlType = (Text, BigInt);
}

never_kept!(RaiseOwners, InsertTasks);
