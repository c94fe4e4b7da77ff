//! What is between us and the database: nothing that matters, or a pooler that hands one session to many.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage, Statement};

use super::connection::{ConnectError, chain, connect};
use crate::database_url::PostgresUrl;

/// A pooler with several sessions gives the signs away in the first round nearly always.
const ROUNDS: u32 = 3;

/// How long the whole may take.
const LIMIT: Duration = Duration::from_secs(5);

/// How long a session is waited for that a pooler may not have.
const PATIENCE: Duration = Duration::from_secs(1);

/// The process of the server that answers.
const PROCESS: &str = "SELECT pg_backend_pid()";

const NO_STATEMENTS: &str = "it is a pooler in transaction mode that loses prepared statements (PgBouncer before 1.21, \
                             or without max_prepared_statements); use a newer one with max_prepared_statements set, or \
                             the database's own address";

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Route {
    /// A session of our own for each connection.
    Direct,
    /// A pooler in transaction mode: each transaction may get another session, which others have used before.
    Pooled,
}

/// Finds out with two connections, side by side.
///
/// # Errors
/// `Wrong` when a pooler does not carry prepared statements, which every statement of ours is.
pub(in crate::store) async fn probe(url: &PostgresUrl) -> Result<Route, ConnectError> {
    let probed = async {
        let (one, _link) = connect(url).await?;
        let (other, _link) = connect(url).await?;
        compare(&one, &other).await
    };
    timeout(LIMIT, probed)
        .await
        .map_err(|_| ConnectError::Away(format!("the server did not answer within {LIMIT:?}").into()))?
}

/// Two sessions that are ours have one process each, and keep it. Whatever else is seen is a pooler's doing.
async fn compare(one: &Client, other: &Client) -> Result<Route, ConnectError> {
    let statement = one.prepare(PROCESS).await.map_err(|error| failed(&error))?;
    let (mut processes_of_one, mut processes_of_other) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..ROUNDS {
        processes_of_one.insert(process(one).await?);
        other.batch_execute("BEGIN").await.map_err(|error| failed(&error))?;
        processes_of_other.insert(process(other).await?);
        let is_pooled = processes_of_one.len() > 1
            || processes_of_other.len() > 1
            || !processes_of_one.is_disjoint(&processes_of_other);
        if is_pooled {
            // The other keeps the session that the statement was prepared in.
            check_statements(one, &statement).await?;
        }
        other.batch_execute("ROLLBACK").await.map_err(|error| failed(&error))?;
        if is_pooled {
            return Ok(Route::Pooled);
        }
    }
    Ok(Route::Direct)
}

async fn check_statements(client: &Client, statement: &Statement) -> Result<(), ConnectError> {
    match timeout(PATIENCE, client.query_one(statement, &[])).await {
        Ok(outcome) => outcome.map(drop).map_err(|error| failed(&error)),
        // A pooler with a single session: nothing can be told.
        Err(_) => Ok(()),
    }
}

async fn process(client: &Client) -> Result<String, ConnectError> {
    let messages = client.simple_query(PROCESS).await.map_err(|error| failed(&error))?;
    let first = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(first.unwrap_or_default().to_owned())
}

fn failed(error: &tokio_postgres::Error) -> ConnectError {
    match error.code() {
        Some(&(SqlState::DUPLICATE_PSTATEMENT | SqlState::INVALID_SQL_STATEMENT_NAME)) => {
            ConnectError::Wrong(NO_STATEMENTS.into())
        }
        _ => ConnectError::Away(chain(error).into()),
    }
}
