//! Changes of single tasks, several of which share a transaction where they wait at the same time.
//!
//! A commit has to reach the database's disk before it is acknowledged, and a statement has to reach the database: those
//! that wait while others are carried out pay for both together. Nothing waits on purpose. One that has nobody beside it is
//! a statement by itself.

use std::collections::HashSet;
use std::time::Duration;

use diesel::{OptionalExtension as _, QueryResult};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::future::{BoxFuture, join, join_all};
use tokio::time::timeout;
use tracing::Span;

use super::Postgres;
use super::turns::Own;
use crate::error::{Error, Result};
use crate::store::failure::Failure;
use crate::store::turn::{Answer, Caller, Waits, turn};
use crate::store::{ACQUIRE_TIMEOUT, ATTEMPTS};
use crate::user::UserId;

/// How many connections carry changes out at the same time, unless they take long: more of them have shorter queues, and
/// what does not wait shares nothing.
pub(super) const AT_ONCE: usize = 4;

/// A connection that has been at the same changes for so long is not counted any more, so that another one takes its place.
const PATIENCE: Duration = Duration::from_millis(20);

/// The most changes of a group.
const MOST: usize = 30;

/// Begins a group. Where a change has to wait for a lock that somebody else holds, the others do not wait with it for long:
/// the group is given up, and each is carried out by itself.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = 50";

/// A change, whatever it answers.
pub(in crate::store) trait Change: Waits + Send {
    fn user(&self) -> &UserId;
    /// Sends the statement at once, and waits for what comes of it.
    fn run<'a>(&'a mut self, connection: &'a AsyncPgConnection) -> BoxFuture<'a, QueryResult<()>>;
    /// Tells the caller: what the statement has found, or why that does not count.
    fn answer(self: Box<Self>, outcome: Result<(), Failure>);
}

struct Job<S, T> {
    user: UserId,
    statement: S,
    found: Option<T>,
    caller: Caller<Option<T>>,
}

/// A change by a statement that finds one row or none, and its caller's end. It may be run more than once, where nothing of
/// it was carried out before.
pub(super) fn job<T: Send + 'static>(
    user: UserId,
    statement: impl for<'a> Fn(&'a AsyncPgConnection) -> BoxFuture<'a, QueryResult<T>> + Send + 'static,
) -> (Box<dyn Change>, Answer<Option<T>>) {
    let (caller, answer) = turn("postgresql");
    (Box::new(Job { user, statement, found: None, caller }), answer)
}

impl<S, T> Waits for Job<S, T> {
    fn is_wanted(&self) -> bool {
        self.caller.is_wanted()
    }

    fn begin(&self) -> bool {
        self.caller.begin()
    }

    fn waited(&self) -> Duration {
        self.caller.waited()
    }
}

impl<S, T> Change for Job<S, T>
where
    S: for<'a> Fn(&'a AsyncPgConnection) -> BoxFuture<'a, QueryResult<T>> + Send,
    T: Send,
{
    fn user(&self) -> &UserId {
        &self.user
    }

    fn run<'a>(&'a mut self, connection: &'a AsyncPgConnection) -> BoxFuture<'a, QueryResult<()>> {
        let row = (self.statement)(connection);
        let found = &mut self.found;
        Box::pin(async move {
            *found = row.await.optional()?;
            Ok(())
        })
    }

    fn answer(self: Box<Self>, outcome: Result<(), Failure>) {
        let Self { found, caller, .. } = *self;
        caller.tell(outcome.map(|()| found));
    }
}

/// What became of a group.
enum Fate {
    Committed,
    /// Nothing of it was carried out, and there is time to do so.
    NotDone,
    /// Nobody knows, or it is too late.
    Failed(Failure),
}

impl Postgres {
    /// Carries out a change of `user` by one statement when its turn comes; see [`crate::store::turn`]. `None` where the
    /// statement finds no row.
    pub(in crate::store) async fn change<T: Send + 'static>(
        &self,
        user: UserId,
        statement: impl for<'a> Fn(&'a AsyncPgConnection) -> BoxFuture<'a, QueryResult<T>> + Send + 'static,
    ) -> Result<Option<T>> {
        self.health.is_open()?;
        let (job, answer) = job(user, statement);
        if !self.changes.push(job, || drop(tokio::spawn(self.clone().serve()))) {
            return Err(Error::unavailable("too much waits for the database"));
        }
        answer.wait(self.statement_timeout).await.map_err(|failure| match failure {
            Failure::NoTurn(_) => self.gave_up(),
            failure => failure.into(),
        })
    }

    /// Serves what waits, a group at a time, until nothing does.
    async fn serve(self) {
        let mut is_first = true;
        while !self.changes.is_done() {
            let Some(own) = self.own().await else {
                // Who has waited for as long is gone. Who came later still hopes.
                self.changes.forget_unwanted();
                continue;
            };
            // A single change of a user: it locks the task and then the owner, and a second one would do so the other way
            // round. All users in the same order, for the same reason.
            let mut users = HashSet::new();
            let mut group = self.changes.next_of(MOST, |change| users.insert(change.user().clone()));
            for (at, change) in group.iter().enumerate() {
                match (at, is_first) {
                    // Its connection was got as soon as it came, and the pool knows how long that took.
                    (0, true) => {}
                    (0, false) => self.changes.note_waited(change.as_ref()),
                    _ => self.changes.note_followed(change.as_ref()),
                }
            }
            is_first = false;
            group.sort_by(|one, other| one.user().cmp(other.user()));
            // It goes on by itself, and whoever waits for work that panics sees that by itself.
            let work = tokio::spawn(self.clone().carry_out(own, group));
            let _ = timeout(PATIENCE, work).await;
        }
    }

    async fn carry_out(self, own: Own, mut group: Vec<Box<dyn Change>>) {
        if group.len() < 2 {
            for change in group {
                self.by_itself(&own, change).await;
            }
            return;
        }
        let fate = self.together(&own, &mut group).await;
        drop(own);
        for change in group {
            match &fate {
                Fate::Committed => change.answer(Ok(())),
                Fate::Failed(failure) => change.answer(Err(failure.again())),
                Fate::NotDone => drop(tokio::spawn(self.clone().alone(change))),
            }
        }
    }

    /// Carries changes out in one transaction.
    async fn together(&self, own: &Own, group: &mut [Box<dyn Change>]) -> Fate {
        let (mut connection, link) = (&own.inner, &own.link);
        let mut is_committing = false;
        let transaction = async {
            let statements = join_all(group.iter_mut().map(|change| change.run(connection)));
            // In this order, and all of them before the first is answered.
            let (begun, outcomes) = join(connection.batch_execute(BEGIN), statements).await;
            // What did not begin may have carried out each for itself.
            begun?;
            let outcome: QueryResult<()> = outcomes.into_iter().collect();
            is_committing = outcome.is_ok();
            connection.batch_execute(if is_committing { "COMMIT" } else { "ROLLBACK" }).await
        };
        match self.within(link, Span::none(), transaction).await {
            Ok(()) if is_committing => Fate::Committed,
            Ok(()) => Fate::NotDone,
            Err(failure) => {
                link.break_off();
                let is_undone = match &failure {
                    Failure::Lost(_) => !is_committing,
                    failure => failure.is_retryable(),
                };
                if is_undone { Fate::NotDone } else { Fate::Failed(failure) }
            }
        }
    }

    /// Carries out what could not be done together.
    async fn alone(self, change: Box<dyn Change>) {
        if !change.is_wanted() {
            return;
        }
        match self.own().await {
            Some(own) => self.by_itself(&own, change).await,
            None => change.answer(Err(Failure::NoTurn(ACQUIRE_TIMEOUT))),
        }
    }

    /// Carries a change out as a statement by itself, again where the database asks for that.
    async fn by_itself(&self, own: &Own, mut change: Box<dyn Change>) {
        let mut attempt = 1;
        let outcome = loop {
            match self.within(&own.link, Span::none(), change.run(&own.inner)).await {
                Err(failure) if attempt < ATTEMPTS && failure.is_retryable() => attempt += 1,
                outcome => break outcome,
            }
        };
        change.answer(outcome);
    }
}
