//! How the pools make their connections, and which of them they take back.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bb8::ManageConnection;
use diesel_async::{AsyncConnection, AsyncPgConnection, TransactionManager as _};
use tokio::time::sleep;

use super::connection::{ConnectError, Connection};
use super::{ACQUIRE_TIMEOUT, Route};
use crate::database_url::PostgresUrl;

/// How long to wait between two attempts to connect, and so how late the return of the database may be noticed.
const PAUSE: Duration = Duration::from_millis(200);

/// How to get to the database, and what became of the last attempt.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) url: PostgresUrl,
    /// After how long the server gives up on a statement; it is not told before it is known that this is its business
    /// with nobody but us.
    server_timeout: OnceLock<Duration>,
    route: OnceLock<Route>,
    last_failure: Mutex<Option<String>>,
}

impl Way {
    pub(super) fn new(url: PostgresUrl) -> Self {
        Self { url, server_timeout: OnceLock::new(), route: OnceLock::new(), last_failure: Mutex::default() }
    }

    /// From now on connections tell the server to give up on a statement after `limit`.
    pub(super) fn limit_statements(&self, limit: Duration) {
        let _ = self.server_timeout.set(limit);
    }

    pub(super) fn set_route(&self, route: Route) {
        let _ = self.route.set(route);
    }

    pub(super) fn route(&self) -> Option<Route> {
        self.route.get().copied()
    }

    /// Why the last attempt to connect failed, if it did.
    pub(super) fn last_failure(&self) -> Option<String> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tries as long as a request waits for it.
    async fn connect(&self) -> Result<Connection, ConnectError> {
        let begun = Instant::now();
        loop {
            let outcome = Connection::open(&self.url, self.server_timeout.get().copied()).await;
            let failure = outcome.as_ref().err().map(ToString::to_string);
            *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
            match outcome {
                Err(ConnectError::Away(_)) if begun.elapsed() + PAUSE < ACQUIRE_TIMEOUT => sleep(PAUSE).await,
                outcome => return outcome,
            }
        }
    }
}

/// Connections that one request has to itself.
#[derive(Debug)]
pub(in crate::store) struct Exclusive(pub(super) Arc<Way>);

/// They are in boxes: bb8 moves a connection a dozen times on its way out of the pool and back.
impl ManageConnection for Exclusive {
    type Connection = Box<Connection>;
    type Error = ConnectError;

    async fn connect(&self) -> Result<Box<Connection>, ConnectError> {
        self.0.connect().await.map(Box::new)
    }

    async fn is_valid(&self, connection: &mut Box<Connection>) -> Result<(), ConnectError> {
        valid(connection)
    }

    /// One that was left with an answer owed or a transaction open is not for the next request.
    fn has_broken(&self, connection: &mut Box<Connection>) -> bool {
        connection.link.is_closed() || connection.link.is_busy() || is_in_transaction(&mut connection.inner)
    }
}

/// Connections that many requests read from at the same time.
#[derive(Debug)]
pub(in crate::store) struct Shared(pub(super) Arc<Way>);

impl ManageConnection for Shared {
    type Connection = Arc<Connection>;
    type Error = ConnectError;

    async fn connect(&self) -> Result<Arc<Connection>, ConnectError> {
        self.0.connect().await.map(Arc::new)
    }

    async fn is_valid(&self, connection: &mut Arc<Connection>) -> Result<(), ConnectError> {
        valid(connection)
    }

    fn has_broken(&self, connection: &mut Arc<Connection>) -> bool {
        connection.link.is_closed()
    }
}

fn valid(connection: &Connection) -> Result<(), ConnectError> {
    if connection.link.is_closed() { Err(ConnectError::Away("the connection is closed".into())) } else { Ok(()) }
}

fn is_in_transaction(connection: &mut AsyncPgConnection) -> bool {
    <AsyncPgConnection as AsyncConnection>::TransactionManager::is_broken_transaction_manager(connection)
}
