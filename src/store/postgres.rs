//! PostgreSQL: the two pools, and the deadline of each statement.

mod changes;
mod connection;
mod manager;
mod probe;
mod turns;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bb8::{ManageConnection, Pool};
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use futures_util::FutureExt as _;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tracing::{Instrument as _, Span};

use self::changes::{AT_ONCE, Change};
pub(super) use self::connection::{ConnectError, Connection, Link, connect_to_hear};
use self::manager::{Exclusive, Shared, Way};
pub(super) use self::probe::{Route, probe};
use self::turns::{Own, Turns};
use super::failure::Failure;
use super::health::{Health, State};
use super::queue::Queue;
use super::{ACQUIRE_TIMEOUT, STATEMENT_TIMEOUT};
use crate::database_url::PostgresUrl;
use crate::error::{Error, Result};
use crate::timing::{Phase, measure};
use crate::trace;

/// How much longer than we the server waits for a statement of ours: we are the ones who give up, and it does not work
/// for nobody much longer.
const SERVER_MARGIN: Duration = Duration::from_millis(500);

/// A server that ends a connection says so first. How long the end may take to follow.
pub(super) const FAREWELL: Duration = Duration::from_millis(250);

/// The pools of one database.
#[derive(Debug, Clone)]
pub(super) struct Postgres {
    /// Short reads: a connection here is a handle that is cloned and put back at once, so that the reads of many
    /// requests are in flight on it at the same time.
    pub(super) shared: Pool<Shared>,
    /// Whatever may be slow, and every write: nothing waits behind them.
    pub(super) exclusive: Pool<Exclusive>,
    pub(super) turns: Arc<Turns>,
    /// Changes of single tasks, which wait for one of those.
    pub(super) changes: Arc<Queue<dyn Change>>,
    way: Arc<Way>,
    pub(super) statement_timeout: Duration,
    health: Health,
}

impl Postgres {
    /// Pools of at most `size` connections together, at least two. Nothing is connected yet.
    pub(super) fn new(url: &PostgresUrl, size: u32, health: Health) -> Self {
        let way = Arc::new(Way::new(url.clone()));
        let exclusive = size.saturating_sub(1).max(1);
        let at_once = usize::try_from(exclusive).map_or(AT_ONCE, |exclusive| exclusive.min(AT_ONCE));
        Self {
            shared: pool_of(1, Shared(Arc::clone(&way))),
            exclusive: pool_of(exclusive, Exclusive(Arc::clone(&way))),
            turns: Arc::new(Turns::new(exclusive)),
            changes: Arc::new(Queue::new(at_once)),
            way,
            statement_timeout: STATEMENT_TIMEOUT,
            health,
        }
    }

    /// Looks at what is between us and the database, and makes the connections of the pools accordingly from now on.
    pub(super) async fn find_route(&self) -> Result<Route, ConnectError> {
        let route = probe(&self.way.url).await?;
        self.way.set_route(route);
        if route == Route::Direct {
            self.way.limit_statements(self.statement_timeout + SERVER_MARGIN);
        }
        Ok(route)
    }

    /// What [`Postgres::find_route`] has found.
    pub(super) fn route(&self) -> Option<Route> {
        self.way.route()
    }

    /// Where the pools connect to.
    pub(super) fn url(&self) -> &PostgresUrl {
        &self.way.url
    }

    /// A connection that others use at the same time, for reads that are never slow.
    pub(super) async fn shared(&self) -> Result<Arc<Connection>> {
        self.health.is_open()?;
        let handle = measure(Phase::Pool, self.shared.get()).await.map_err(|_| self.none_free())?;
        Ok(Arc::clone(&handle))
    }

    /// A connection of one's own, when it is one's turn.
    pub(super) async fn exclusive(&self) -> Result<Own> {
        self.health.is_open()?;
        measure(Phase::Pool, self.own()).await.ok_or_else(|| self.gave_up())
    }

    /// The same; `None` when none came free in time.
    async fn own(&self) -> Option<Own> {
        let begun = Instant::now();
        let turn = self.turns.take(ACQUIRE_TIMEOUT).await?;
        let left = ACQUIRE_TIMEOUT.saturating_sub(begun.elapsed());
        let connection = timeout(left, self.exclusive.get_owned()).await.ok()?.ok()?;
        Some(Own { connection, _turn: turn })
    }

    /// What a caller is told who waited in vain for a connection of one's own, which is counted.
    fn gave_up(&self) -> Error {
        self.turns.give_up();
        self.none_free()
    }

    /// What a caller is told who waited for a connection in vain.
    fn none_free(&self) -> Error {
        self.health.set(State::Ill);
        let reason = self.way.last_failure().unwrap_or_else(|| "all are in use".to_owned());
        Error::unavailable(format!("no database connection came free within {ACQUIRE_TIMEOUT:?}: {reason}"))
    }

    /// Runs a statement, or a transaction of several, within the deadline, which begins now.
    ///
    /// Where no answer came in time, the connection is broken off: what it is doing is not known. An exclusive one is
    /// not used again either when the caller goes away in the middle.
    pub(super) fn run<T>(
        &self,
        link: &Link,
        work: impl Future<Output = QueryResult<T>>,
    ) -> impl Future<Output = Result<T, Failure>> {
        self.within(link, trace::statement("postgresql"), work)
    }

    /// The same, as traces see it in `span`.
    fn within<T>(
        &self,
        link: &Link,
        span: Span,
        work: impl Future<Output = QueryResult<T>>,
    ) -> impl Future<Output = Result<T, Failure>> {
        let started = Instant::now();
        link.set_busy(true);
        let outcome = timeout(self.statement_timeout, work).instrument(span.clone());
        // An async function would hold the work twice; see `timing`.
        outcome.then(move |outcome| self.settle(link, span, started, outcome))
    }

    /// What has become of a statement.
    async fn settle<T>(
        &self,
        link: &Link,
        span: Span,
        started: Instant,
        outcome: Result<QueryResult<T>, Elapsed>,
    ) -> Result<T, Failure> {
        link.set_busy(false);
        let failure = match outcome {
            Ok(Ok(value)) => {
                self.health.set(State::Well);
                return Ok(value);
            }
            // In a box, so that those that succeed do not make room for it.
            Ok(Err(error)) => Box::pin(self.failure(link, error, started)).await,
            Err(_) => Failure::Late(self.statement_timeout),
        };
        trace::failed(&span, failure.kind());
        let is_well = matches!(failure, Failure::Refused(_));
        if !is_well {
            link.break_off();
        }
        self.health.set(if is_well { State::Well } else { State::Ill });
        Err(failure)
    }

    /// What it means that the database or the driver answered with an error.
    ///
    /// Diesel keeps the SQLSTATE to itself. So a session that was terminated (57P01) is known by its end, and a
    /// statement that the server gave up on (57014) by its duration.
    async fn failure(&self, link: &Link, error: DieselError, started: Instant) -> Failure {
        let DieselError::DatabaseError(kind, information) = &error else { return Failure::Refused(error) };
        let lost = || Failure::Lost(information.message().to_owned().into());
        match kind {
            // Read-only is what a server that has become a standby is; the next connection finds the one to write to.
            DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::ReadOnlyTransaction => lost(),
            DatabaseErrorKind::Unknown if started.elapsed() >= self.statement_timeout => {
                Failure::Late(self.statement_timeout)
            }
            DatabaseErrorKind::Unknown if link.ends_within(FAREWELL).await => lost(),
            _ => Failure::Refused(error),
        }
    }
}

fn pool_of<M: ManageConnection>(size: u32, manager: M) -> Pool<M> {
    Pool::builder()
        .max_size(size)
        .connection_timeout(ACQUIRE_TIMEOUT)
        // The pool would wait longer each time, and notice late that the database is back.
        .retry_connection(false)
        // Costs no round trip: it reads the flag that the driver task sets.
        .test_on_check_out(true)
        .build_unchecked(manager)
}
