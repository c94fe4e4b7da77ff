//! Statements whose text is written once.

use std::sync::OnceLock;

use diesel::pg::{Pg, PgQueryBuilder};
use diesel::query_builder::{AstPass, Query, QueryBuilder as _, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sqlite::Sqlite;

/// A statement with the same text each time, which is kept in `text`. On PostgreSQL Diesel writes the text of a statement
/// for every request, before it looks for the prepared one; on SQLite it finds that by the statement's type.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Known<Statement> {
    pub(in crate::store) statement: Statement,
    pub(in crate::store) text: &'static OnceLock<String>,
}

impl<Statement: QueryId> QueryId for Known<Statement> {
    type QueryId = Statement::QueryId;
    const HAS_STATIC_QUERY_ID: bool = Statement::HAS_STATIC_QUERY_ID;
}

impl<Statement: Query> Query for Known<Statement> {
    type SqlType = Statement::SqlType;
}

impl<Statement: QueryFragment<Pg>> QueryFragment<Pg> for Known<Statement> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.statement.walk_ast(out)
    }

    fn to_sql(&self, out: &mut PgQueryBuilder, backend: &Pg) -> QueryResult<()> {
        if let Some(text) = self.text.get() {
            out.push_sql(text);
            return Ok(());
        }
        let mut builder = PgQueryBuilder::default();
        self.statement.to_sql(&mut builder, backend)?;
        out.push_sql(self.text.get_or_init(|| builder.finish()));
        Ok(())
    }
}

impl<Statement: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Known<Statement> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.statement.walk_ast(out)
    }
}

impl<Statement, Conn> diesel::RunQueryDsl<Conn> for Known<Statement> {}
