//! Statements whose text is written once.

use std::marker::PhantomData;
use std::sync::OnceLock;

use diesel::pg::{Pg, PgQueryBuilder};
use diesel::query_builder::{AstPass, Query, QueryBuilder as _, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sqlite::Sqlite;

/// A statement with the same text each time, which is kept. On PostgreSQL Diesel writes the text of a statement for every
/// request, before it looks for the prepared one; where a statement has a name, that is found by the name, else by the
/// text.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Known<Statement, Name> {
    pub(in crate::store) statement: Statement,
    pub(in crate::store) wording: Wording<Name>,
}

/// Where the text of a statement is kept. No two texts have the same `Name`; [`wording!`] makes one.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Wording<Name> {
    kept: &'static OnceLock<String>,
    name: PhantomData<Name>,
}

/// The name of all statements that have none of their own.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Unnamed;

impl QueryId for Unnamed {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Name> Wording<Name> {
    pub(in crate::store) const fn new(kept: &'static OnceLock<String>) -> Self {
        Self { kept, name: PhantomData }
    }
}

/// A [`Wording`] with a name that nothing else has.
macro_rules! wording {
    () => {{
        #[derive(Clone, Copy, diesel::query_builder::QueryId)]
        struct Name;
        static KEPT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
        $crate::store::sql::Wording::<Name>::new(&KEPT)
    }};
}

pub(in crate::store) use wording;

impl<Statement, Name: QueryId> QueryId for Known<Statement, Name> {
    type QueryId = Name::QueryId;
    const HAS_STATIC_QUERY_ID: bool = Name::HAS_STATIC_QUERY_ID;
}

impl<Statement: Query, Name> Query for Known<Statement, Name> {
    type SqlType = Statement::SqlType;
}

impl<Statement: QueryFragment<Pg>, Name> QueryFragment<Pg> for Known<Statement, Name> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.statement.walk_ast(out)
    }

    fn to_sql(&self, out: &mut PgQueryBuilder, backend: &Pg) -> QueryResult<()> {
        let write = || {
            let mut builder = PgQueryBuilder::default();
            self.statement.to_sql(&mut builder, backend).map(|()| builder.finish())
        };
        let text = if let Some(text) = self.wording.kept.get() {
            text
        } else {
            let text = write()?;
            self.wording.kept.get_or_init(|| text)
        };
        debug_assert_eq!(write().as_deref(), Ok(text.as_str()), "a text is not the same each time");
        out.push_sql(text);
        Ok(())
    }

    /// Diesel prepares updates and upserts anew each time, at the price of a second round trip, because their texts may
    /// be without number. Texts that are kept are few.
    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Statement: QueryFragment<Sqlite>, Name> QueryFragment<Sqlite> for Known<Statement, Name> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.statement.walk_ast(out)
    }
}

impl<Statement, Name, Conn> diesel::RunQueryDsl<Conn> for Known<Statement, Name> {}
