//! Pieces of SQL that Diesel has no words for, each for both databases.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::timestamp::{At, Instant};
use crate::clock::Timestamp;

mod known;
mod rows;

pub(super) use known::{Known, Unnamed, Wording, wording};
pub(super) use rows::{TakesTasks, contents, never_kept};

/// Raises the owner's revision and runs the change that takes it, in one statement and so in one round trip:
/// `WITH bump AS (…) …`. PostgreSQL only; SQLite runs the two one after the other in one transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bumped<Bump, Change> {
    pub(super) bump: Bump,
    pub(super) change: Change,
}

impl<Bump, Change: Query> Query for Bumped<Bump, Change> {
    type SqlType = Change::SqlType;
}

impl<Bump, Change> QueryFragment<Pg> for Bumped<Bump, Change>
where
    Bump: QueryFragment<Pg>,
    Change: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH bump AS (");
        self.bump.walk_ast(out.reborrow())?;
        out.push_sql(") ");
        self.change.walk_ast(out)
    }
}

/// A statement that SQLite keeps prepared, by its text; see [`Known`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Prepared<Statement>(pub(super) Statement);

impl<Statement> QueryId for Prepared<Statement> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Statement: Query> Query for Prepared<Statement> {
    type SqlType = Statement::SqlType;
}

impl<Statement: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Prepared<Statement> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Sqlite) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Statement, Conn> diesel::RunQueryDsl<Conn> for Prepared<Statement> {}

/// The revision that the change in hand was given: what [`Bumped`] has just returned in PostgreSQL, what the owner's
/// row holds in the same transaction in SQLite.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewRevision<'a> {
    pub(super) owner: &'a str,
}

impl QueryId for NewRevision<'_> {
    type QueryId = NewRevision<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Pg> for NewRevision<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT revision FROM bump)");
        Ok(())
    }
}

impl QueryFragment<Sqlite> for NewRevision<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("(SELECT revision FROM owners WHERE user_id = ");
        out.push_bind_param::<Text, str>(self.owner)?;
        out.push_sql(")");
        Ok(())
    }
}

impl Expression for NewRevision<'_> {
    type SqlType = BigInt;
}
impl<T> AppearsOnTable<T> for NewRevision<'_> {}
impl<T> SelectableExpression<T> for NewRevision<'_> {}
impl<G> ValidGrouping<G> for NewRevision<'_> {
    type IsAggregate = is_aggregate::Never;
}

/// Whether there is a row, which is locked until the end of the transaction (`FOR NO KEY UPDATE`; SQLite has but one
/// writer).
///
/// It is the guard of a bump. Two changes of one task at once must not both find it: the one that waited would count a
/// deletion twice. A guard that locks is looked at again once it has what it waited for.
#[derive(Debug, Clone, QueryId)]
pub(super) struct ExistsLocked<Rows>(pub(super) Rows);

impl<Rows: QueryFragment<Pg>> QueryFragment<Pg> for ExistsLocked<Rows> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("EXISTS (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" FOR NO KEY UPDATE)");
        Ok(())
    }
}

impl<Rows: QueryFragment<Sqlite>> QueryFragment<Sqlite> for ExistsLocked<Rows> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("EXISTS (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

impl<Rows> Expression for ExistsLocked<Rows> {
    type SqlType = Bool;
}
impl<Rows, T> AppearsOnTable<T> for ExistsLocked<Rows> {}
impl<Rows, T> SelectableExpression<T> for ExistsLocked<Rows> {}
impl<Rows, G> ValidGrouping<G> for ExistsLocked<Rows> {
    type IsAggregate = is_aggregate::No;
}

/// Whether a column holds a text, character by character, with no wildcards.
#[derive(Debug, Clone, QueryId)]
pub(super) struct Contains<Column> {
    pub(super) column: Column,
    pub(super) needle: String,
}

impl<Column: QueryFragment<Pg>> QueryFragment<Pg> for Contains<Column> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(strpos(");
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        out.push_bind_param::<Text, String>(&self.needle)?;
        out.push_sql(") > 0)");
        Ok(())
    }
}

impl<Column: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Contains<Column> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("(instr(");
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        out.push_bind_param::<Text, String>(&self.needle)?;
        out.push_sql(") > 0)");
        Ok(())
    }
}

impl<Column> Expression for Contains<Column> {
    type SqlType = Nullable<Bool>;
}
impl<Column: AppearsOnTable<T>, T> AppearsOnTable<T> for Contains<Column> {}
impl<Column: SelectableExpression<T>, T> SelectableExpression<T> for Contains<Column> {}
impl<Column, G> ValidGrouping<G> for Contains<Column> {
    type IsAggregate = is_aggregate::No;
}

/// A page of tasks behind a row of its owner, read by one statement: two would pair an old page with a new number, and a
/// client that goes on from there would miss a change.
///
/// No row: the user has never changed anything. The first row is the owner's, in the columns of a task: `revision` is
/// what the page is as of, and `id` the revision up to which tombstones were swept, which says what the page cannot
/// tell. Beside each task they would be columns of every row, which are sent and read as often. The rows come in this
/// order: both databases work a UNION ALL off from left to right. Only a parallel Append of PostgreSQL would not, and
/// none has a LIMIT in it.
///
/// The page's LIMIT is written here. There is always one: SQLite drops the order of a subquery that has none. It is an
/// expression, because SQLite prepares a statement anew each time that a plain parameter in a LIMIT is bound.
#[derive(Debug, Clone)]
pub(super) struct AsOf<'a, Page> {
    pub(super) owner: &'a str,
    pub(super) page: Page,
    /// The most tasks; all of them with `None`.
    pub(super) limit: Option<i64>,
    /// What the owner's row has behind a task's columns: `, NULL` for each that the page has there.
    pub(super) padding: &'static str,
}

/// What an owner has where tasks have times.
const NO_TIME: At = At(Timestamp::from_micros(0));

impl<Page> QueryId for AsOf<'_, Page> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Page: Query> Query for AsOf<'_, Page> {
    type SqlType = Page::SqlType;
}

impl<Page, DB> QueryFragment<DB> for AsOf<'_, Page>
where
    DB: TakesTasks,
    str: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
    At: ToSql<Instant, DB>,
    Page: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT swept_revision, '', NULL, FALSE, ");
        out.push_bind_param::<Instant, At>(&NO_TIME)?;
        out.push_sql(", ");
        out.push_bind_param::<Instant, At>(&NO_TIME)?;
        out.push_sql(", revision");
        out.push_sql(self.padding);
        out.push_sql(" FROM owners WHERE user_id = ");
        out.push_bind_param::<Text, str>(self.owner)?;
        out.push_sql(" UNION ALL SELECT * FROM (");
        self.page.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT CAST(");
        out.push_bind_param::<BigInt, i64>(self.limit.as_ref().unwrap_or(&i64::MAX))?;
        out.push_sql(" AS BIGINT)) AS page");
        Ok(())
    }
}

/// Lets Diesel's synchronous `load` take it, which SQLite needs.
impl<Page, Conn> diesel::RunQueryDsl<Conn> for AsOf<'_, Page> {}
