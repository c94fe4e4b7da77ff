//! Where tasks are kept: PostgreSQL or SQLite, chosen by URL, behind the same functions.
//!
//! Diesel's query values know no database until they meet a connection, so each query is written once and
//! [`on_connection!`] expands it for both; what differs in SQL is in [`sql`]. Reads and writes name the owner in the
//! statement itself; only when nothing matched does a second query find out why.
//!
//! To add a query: write it in `tasks.rs` or `changes.rs` with [`on_connection!`] or [`change!`], and nothing else.

use std::sync::Arc;
use std::time::Duration;

use self::failure::Failure;
use self::health::Health;
use crate::clock::SharedClock;
use crate::database_url::DatabaseUrl;
use crate::idempotency::Keyed;

/// Runs a Diesel query on whichever database this is: `on_connection!(store, shared, |connection| query.load(connection))`.
///
/// `shared` takes the connection that others read from at the same time (short reads only), `exclusive` one of its
/// own. The body is expanded once for each database, with `DB` the backend; it owns what it uses, because SQLite runs
/// it on another thread. It only reads: where the connection ends in the middle, it is run once more on another one.
macro_rules! on_connection {
    ($store:expr, $pool:ident, |$connection:ident| $body:expr) => {
        match &$store.database {
            $crate::store::Database::Postgres(postgres) => {
                #[allow(unused_imports)]
                use diesel::pg::Pg as DB;
                use diesel_async::RunQueryDsl;
                let mut is_repeated = false;
                loop {
                    let pooled = postgres.$pool().await?;
                    let $connection = &mut &pooled.inner;
                    let run = postgres.run(&pooled.link, $body);
                    match $crate::timing::measure($crate::timing::Phase::Database, run).await {
                        Err($crate::store::Failure::Lost(_)) if !is_repeated => is_repeated = true,
                        outcome => break outcome.map_err($crate::error::Error::from),
                    }
                }
            }
            $crate::store::Database::Sqlite(sqlite) => {
                use diesel::RunQueryDsl;
                #[allow(unused_imports)]
                use diesel::sqlite::Sqlite as DB;
                sqlite.$pool(move |$connection| $body).await
            }
        }
    };
}

/// Raises `user`'s revision by `bump` and runs the one statement that takes it: in PostgreSQL as one statement, in
/// SQLite as two in one transaction. `None` when there was nothing to change.
///
/// It is repeated only where the database says that nothing of it was carried out, and asks for it again. `wording` is
/// where the text of PostgreSQL's statement is kept.
macro_rules! change {
    ($store:expr, $user:expr, $wording:expr, $bump:expr, $change:expr) => {{
        let wording = $wording;
        if let ($crate::store::Database::Postgres(postgres), None) = (&$store.database, &$store.keyed) {
            use diesel_async::RunQueryDsl;
            let owner = $user.clone();
            let change = postgres.change(owner.clone(), move |mut connection| {
                let statement = $crate::store::sql::Bumped { bump: $bump, change: $change };
                let known = $crate::store::sql::Known { statement, wording };
                futures_util::FutureExt::boxed(known.get_result::<$crate::store::tasks::Row>(&mut connection))
            });
            let outcome = change.await;
            // A change of which nobody knows whether it was made may have been.
            if !matches!(outcome, Ok(None)) {
                $store.hint(&owner);
            }
            outcome
        } else {
            transact!(
                $store,
                $user,
                |connection| async {
                    let statement = $crate::store::sql::Bumped { bump: $bump, change: $change };
                    let known = $crate::store::sql::Known { statement, wording };
                    $crate::store::keys::found(known.get_result::<$crate::store::tasks::Row>(connection).await)
                },
                |connection| match $crate::store::sql::Prepared($bump).load::<i64>(connection)?.len() {
                    0 => Ok(Err(())),
                    _ => {
                        let change = $crate::store::sql::Prepared($change);
                        $crate::store::keys::found(change.get_result::<$crate::store::tasks::Row>(connection))
                    }
                }
            )
            .map(Result::ok)
        }
    }};
}

/// Runs what changes something, or says why it does not, as one transaction: under the key of the request where it has
/// one (see [`keys`]), so that it is done once however often it is asked for. Without a key, PostgreSQL is given the
/// statement as it is: one that is several brings its own transaction. Who follows the user's feed is told to look.
macro_rules! transact {
    ($store:expr, $user:expr, |$postgres:ident| $statement:expr, |$sqlite:ident| $statements:expr) => {{
        use $crate::store::keys::{Outcome, settled, under_key};
        let owner = $user.clone();
        let keyed = $store.keyed.clone();
        let now = $store.clock.now();
        let outcome = match &$store.database {
            $crate::store::Database::Postgres(postgres) => {
                use diesel::OptionalExtension;
                use diesel_async::{AsyncConnection, RunQueryDsl};
                let mut pooled = postgres.exclusive().await?;
                let $crate::store::postgres::Connection { inner, link } = &mut *pooled;
                let mut attempt = 1;
                loop {
                    let work = async {
                        let $postgres = &mut *inner;
                        let Some(keyed) = &keyed else { return $statement.await.map(Outcome::of) };
                        let work = async |$postgres: &mut diesel_async::AsyncPgConnection| {
                            under_key!($postgres, [.await], $user, keyed, now, $statement.await?)
                        };
                        // In a box, so that changes without a key do not make room for it.
                        settled(Box::pin($postgres.transaction(work)).await)
                    };
                    let run = postgres.run(link, work);
                    match $crate::timing::measure($crate::timing::Phase::Database, run).await {
                        Err(failure) if attempt < $crate::store::ATTEMPTS && failure.is_retryable() => attempt += 1,
                        outcome => break outcome.map_err($crate::error::Error::from),
                    }
                }
            }
            $crate::store::Database::Sqlite(sqlite) => {
                use diesel::{Connection, OptionalExtension, RunQueryDsl};
                let keyed = keyed.clone();
                sqlite
                    .write(move |$sqlite| {
                        let Some(keyed) = &keyed else { return $statements.map(Outcome::of) };
                        settled($sqlite.transaction(|$sqlite| {
                            under_key!($sqlite, [], $user, keyed, now, $statements?)
                        }))
                    })
                    .await
            }
        };
        $store.hint_unless_unchanged(&owner, &outcome);
        outcome.and_then(|outcome| outcome.told(keyed.as_ref()))
    }};
}

mod backup;
mod bulk;
mod changes;
mod erase;
mod export;
mod failure;
mod feed;
mod figures;
mod follow;
mod health;
mod hints;
mod import;
mod keys;
pub mod migrate;
mod nodes;
mod postgres;
mod prepare;
mod queue;
mod readiness;
pub mod schema;
pub mod source;
mod sql;
mod sqlite;
mod sweep;
mod tasks;
pub mod timestamp;
mod tombstones;
mod trash;
mod turn;

pub use backup::backup;
pub use bulk::{BulkChange, Cleared};
pub use changes::Target;
pub use erase::Erased;
pub use export::Export;
pub use feed::{Change, Entry, FeedPage};
pub use figures::PoolFigures;
pub use hints::FeedFigures;
pub use import::{Incoming, Landed, MOST_AT_ONCE, Origin};
pub use prepare::check_route;
pub use sweep::Swept;
pub use tasks::{Counts, Direction, Filter, Key, Page, PageRequest, SortField, SortKey};
pub use trash::{DeletedTask, TrashPage};

/// How often a statement is run that the database itself asks to run again.
const ATTEMPTS: u32 = 3;

/// How long a request waits for a connection before it is told to come back later, which is promised within 2 s.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(1800);

/// How long a statement may take where nobody says otherwise.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a lost hint may go unnoticed where nobody says otherwise.
const HINT_PATIENCE: Duration = Duration::from_secs(5);

/// How long a tombstone is kept where nobody says otherwise.
const TOMBSTONE_RETENTION: Duration = Duration::from_hours(30 * 24);

/// A database with its pools.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
    health: Health,
    clock: SharedClock,
    hints: hints::Hub,
    node: Arc<nodes::Node>,
    /// How long those who follow a feed wait for a hint before they look by themselves.
    hint_patience: Duration,
    /// How long the tombstone of a deleted task is kept at least.
    tombstone_retention: Duration,
    /// Whether another user's task looks like one that does not exist.
    hides_foreign_tasks: bool,
    /// How many tasks a user may have.
    max_tasks: i64,
    /// The key of the request, where it has one.
    keyed: Option<Keyed>,
}

#[derive(Debug, Clone)]
enum Database {
    Postgres(postgres::Postgres),
    Sqlite(sqlite::Sqlite),
}

impl Store {
    /// The store at `url`, with at most `pool_size` connections. Its tables are there; nothing is connected yet.
    #[must_use]
    pub fn new(url: &DatabaseUrl, pool_size: u32, clock: SharedClock) -> Self {
        let health = Health::new();
        let database = match url {
            DatabaseUrl::Postgres(url) => Database::Postgres(postgres::Postgres::new(url, pool_size, health.clone())),
            DatabaseUrl::Sqlite(path) => Database::Sqlite(sqlite::Sqlite::new(path, pool_size, health.clone())),
        };
        Self {
            database,
            health,
            clock,
            hints: hints::Hub::default(),
            node: Arc::new(nodes::Node::new()),
            hint_patience: HINT_PATIENCE,
            tombstone_retention: TOMBSTONE_RETENTION,
            hides_foreign_tasks: false,
            max_tasks: i64::MAX,
            keyed: None,
        }
    }

    /// The same store, in which those who follow a feed look by themselves where no hint came for so long.
    #[must_use]
    pub const fn with_hint_patience(mut self, patience: Duration) -> Self {
        self.hint_patience = patience;
        self
    }

    /// The same store, in which a statement, or a transaction, may take so long and no longer.
    #[must_use]
    pub const fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        match &mut self.database {
            Database::Postgres(postgres) => postgres.statement_timeout = timeout,
            Database::Sqlite(sqlite) => sqlite.statement_timeout = timeout,
        }
        self
    }

    /// The same store, in which a user may have that many tasks, at least one.
    #[must_use]
    pub const fn with_max_tasks(mut self, most: i64) -> Self {
        self.max_tasks = most;
        self
    }

    /// The same store, to which another user's task is as if it did not exist.
    #[must_use]
    pub const fn hiding_foreign_tasks(mut self, hides: bool) -> Self {
        self.hides_foreign_tasks = hides;
        self
    }
}
