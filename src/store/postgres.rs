//! PostgreSQL: connections that know when they are closed, and the two pools that own them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bb8::{ManageConnection, Pool, PooledConnection};
use diesel_async::AsyncPgConnection;
use tokio_postgres::NoTls;

use crate::database_url::PostgresUrl;
use crate::error::{Cause, Error, Result};
use crate::timing::{Phase, measure};
use crate::tls;

/// How long a request waits for a connection before it is told to come back later.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// The pools of one database.
#[derive(Debug, Clone)]
pub(super) struct Postgres {
    /// Short reads: a connection here is a handle that is cloned and put back at once, so that the reads of many
    /// requests are in flight on it at the same time.
    shared: Pool<Shared>,
    /// Whatever may be slow, and every write: nothing waits behind them.
    exclusive: Pool<Exclusive>,
}

impl Postgres {
    /// Pools of at most `size` connections together, at least two. Nothing is connected yet.
    pub(super) fn new(url: &PostgresUrl, size: u32) -> Self {
        let exclusive = Exclusive(url.clone());
        Self {
            shared: pool_of(1, Shared(exclusive.clone())),
            exclusive: pool_of(size.saturating_sub(1).max(1), exclusive),
        }
    }

    /// A connection that others use at the same time, for reads that are never slow.
    pub(super) async fn shared(&self) -> Result<Arc<Connection>> {
        measure(Phase::Pool, self.shared.get()).await.map(|handle| Arc::clone(&handle)).map_err(unavailable)
    }

    /// A connection of one's own.
    pub(super) async fn exclusive(&self) -> Result<PooledConnection<'_, Exclusive>> {
        measure(Phase::Pool, self.exclusive.get()).await.map_err(unavailable)
    }
}

fn pool_of<M: ManageConnection>(size: u32, manager: M) -> Pool<M> {
    Pool::builder()
        .max_size(size)
        .connection_timeout(ACQUIRE_TIMEOUT)
        // Costs no round trip: it reads the flag that the driver task sets.
        .test_on_check_out(true)
        .build_unchecked(manager)
}

fn unavailable(error: bb8::RunError<Cause>) -> Error {
    match error {
        bb8::RunError::User(cause) => Error::unavailable(cause),
        bb8::RunError::TimedOut => Error::unavailable("no database connection came free in time"),
    }
}

/// A connection, and whether it is still one.
pub(super) struct Connection {
    pub(super) inner: AsyncPgConnection,
    closed: Arc<AtomicBool>,
}

impl Connection {
    /// Connects, with TLS as the URL asks for.
    pub(super) async fn open(url: &PostgresUrl) -> Result<Self, Cause> {
        let closed = Arc::new(AtomicBool::new(false));
        let client = if let Some(tls) = tls::connector(url)? {
            let (client, connection) = url.config.connect(tls).await?;
            drive(connection, Arc::clone(&closed));
            client
        } else {
            let (client, connection) = url.config.connect(NoTls).await?;
            drive(connection, Arc::clone(&closed));
            client
        };
        Ok(Self { inner: AsyncPgConnection::try_from(client).await?, closed })
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

/// Moves the bytes of a connection until it ends.
fn drive(
    connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static,
    closed: Arc<AtomicBool>,
) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a database connection was lost");
        }
        closed.store(true, Ordering::Relaxed);
    });
}

#[derive(Debug, Clone)]
pub(super) struct Exclusive(PostgresUrl);

impl ManageConnection for Exclusive {
    type Connection = Connection;
    type Error = Cause;

    async fn connect(&self) -> Result<Connection, Cause> {
        Connection::open(&self.0).await
    }

    async fn is_valid(&self, connection: &mut Connection) -> Result<(), Cause> {
        if connection.is_closed() { Err("the connection is closed".into()) } else { Ok(()) }
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.is_closed()
    }
}

#[derive(Debug)]
pub(super) struct Shared(Exclusive);

impl ManageConnection for Shared {
    type Connection = Arc<Connection>;
    type Error = Cause;

    async fn connect(&self) -> Result<Arc<Connection>, Cause> {
        self.0.connect().await.map(Arc::new)
    }

    async fn is_valid(&self, connection: &mut Arc<Connection>) -> Result<(), Cause> {
        if connection.is_closed() { Err("the connection is closed".into()) } else { Ok(()) }
    }

    fn has_broken(&self, connection: &mut Arc<Connection>) -> bool {
        connection.is_closed()
    }
}
