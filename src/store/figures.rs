//! What the pools know of themselves, for operators.

use std::time::Duration;

use bb8::{ManageConnection, Pool};

use super::hints::FeedFigures;
use super::queue::QueueFigures;
use super::{Database, Store};

/// What a pool has and has done since the start.
#[derive(Debug, Clone)]
pub struct PoolFigures {
    pub name: &'static str,
    /// Connections that there are now.
    pub connections: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    /// Connections that were made.
    pub opened: u64,
    /// How often a connection was to be had, at once or after a while.
    pub acquired: u64,
    /// How often it had to be waited for.
    pub waited: u64,
    /// How often none came free in time.
    pub timed_out: u64,
    /// How long connections were waited for in all.
    pub wait_time: Duration,
}

impl PoolFigures {
    pub(super) fn of<M: ManageConnection>(name: &'static str, pool: &Pool<M>) -> Self {
        let state = pool.state();
        let statistics = state.statistics;
        Self {
            name,
            connections: state.connections,
            idle: state.idle_connections,
            opened: statistics.connections_created,
            acquired: statistics.get_direct + statistics.get_waited,
            waited: statistics.get_waited,
            timed_out: statistics.get_timed_out,
            wait_time: statistics.get_wait_time,
        }
    }

    /// With the work of a queue, which waits before it has a connection and hands that on.
    pub(super) fn with_queue(self, queue: QueueFigures) -> Self {
        Self {
            acquired: self.acquired + queue.followed,
            waited: self.waited + queue.waited,
            wait_time: self.wait_time + queue.wait_time,
            ..self
        }
    }

    /// With the waits for a turn, which come before those for a connection to be made, and all who gave up on either.
    fn with_turns(self, (waited, timed_out, wait_time): (u64, u64, Duration)) -> Self {
        Self { waited: self.waited + waited, timed_out, wait_time: self.wait_time + wait_time, ..self }
    }
}

impl Store {
    /// The figures of those who follow feeds.
    #[must_use]
    pub fn feed_figures(&self) -> FeedFigures {
        self.hints.figures()
    }

    /// The figures of each pool.
    #[must_use]
    pub fn pools(&self) -> [PoolFigures; 2] {
        match &self.database {
            Database::Postgres(postgres) => {
                let exclusive = PoolFigures::of("exclusive", &postgres.exclusive).with_turns(postgres.turns.figures());
                [PoolFigures::of("shared", &postgres.shared), exclusive.with_queue(postgres.changes.figures())]
            }
            Database::Sqlite(sqlite) => sqlite.figures(),
        }
    }
}
