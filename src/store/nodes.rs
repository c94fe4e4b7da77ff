//! How the nodes on one PostgreSQL hear of each other's changes.
//!
//! A change marks its user, and a task of the node notifies the others, off the path of requests and after the commit:
//! `NOTIFY` inside a transaction makes all that commit wait for each other. What is told is only that there is something
//! to look at (see [`hints`](super::hints)), so a notification that is lost costs time, never a change. Where nothing is
//! heard, who follows a feed looks by itself more often.

mod listener;
mod outbox;
mod payload;
mod sender;

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

pub(super) use self::payload::Mark;

use self::listener::Listener;
use self::outbox::Outbox;
use super::hints::Hub;
use super::postgres::Route;
use super::{Database, Store};
use crate::database_url::DatabaseUrl;
use crate::user::UserId;

/// What nodes notify each other on.
const CHANNEL: &str = "taskgate_changes";

/// How much longer a follower waits for a hint where the other nodes are heard.
const TRUST: u32 = 12;

/// How long the last notifications may take when the service stops.
const FAREWELL: Duration = Duration::from_millis(500);

/// What a node tells the others, and what it hears.
#[derive(Debug)]
pub(super) struct Node {
    /// Who it is to the others: it passes over what it hears of itself.
    id: Mark,
    outbox: Outbox,
    /// Sent to whenever it hears itself.
    echo: watch::Sender<()>,
    /// Another node says that anybody's tasks may have changed.
    everybody: Notify,
}

impl Node {
    pub(super) fn new() -> Self {
        Self { id: Mark::random(), outbox: Outbox::default(), echo: watch::Sender::new(()), everybody: Notify::new() }
    }

    /// What another node, or this one, has sent.
    fn hear(&self, text: &str, hub: &Hub) {
        match payload::read(text) {
            Some((node, _)) if node == self.id => {
                self.echo.send_replace(());
            }
            Some((_, marks)) if marks.is_empty() => self.everybody.notify_one(),
            Some((_, marks)) => {
                for mark in marks {
                    hub.hint_marked(mark);
                }
            }
            // Whoever may connect may notify.
            None => tracing::debug!("a notification of something else was passed over"),
        }
    }
}

impl Store {
    /// Tells other nodes of this one's changes, and this one's followers of theirs, for as long as it is polled.
    ///
    /// It listens at `direct`, which no pooler serves, or else at the store's own address where
    /// [`Store::prepare`] found no pooler; and only while somebody follows a feed, so that a database may sleep.
    pub async fn keep_in_step(&self, direct: Option<&DatabaseUrl>) -> Infallible {
        let Database::Postgres(postgres) = &self.database else { return pending().await };
        let sending = sender::keep_sending(&self.node, postgres);
        let url = match direct {
            Some(DatabaseUrl::Postgres(url)) => Some(&**url),
            _ => Some(postgres.url()).filter(|_| postgres.route() == Some(Route::Direct)),
        };
        let Some(url) = url else {
            let patience = self.hint_patience;
            tracing::info!(
                ?patience,
                "changes of other nodes are looked for; DATABASE_DIRECT_URL would have them told"
            );
            return sending.await;
        };
        let listener = Listener { node: &self.node, hub: &self.hints, url };
        tokio::select! {
            never = sending => never,
            never = listener.keep_listening() => never,
        }
    }

    /// Tells other nodes what they were not told yet, before the process ends.
    pub async fn tell_nodes(&self) {
        if let Database::Postgres(postgres) = &self.database
            && timeout(FAREWELL, sender::send_all(&self.node, postgres)).await.is_err()
        {
            tracing::debug!("other nodes were not told of the last changes in time");
        }
    }

    /// Has other nodes told that something of this user changed, or may have.
    pub(super) fn mark(&self, user: &UserId) {
        if matches!(self.database, Database::Postgres(_)) {
            self.node.outbox.mark(Mark::of(user));
        }
    }

    /// How long a follower waits for a hint before it looks by itself.
    pub(super) fn patience(&self) -> Duration {
        if self.hints.is_listening() { self.hint_patience.saturating_mul(TRUST) } else { self.hint_patience }
    }
}
