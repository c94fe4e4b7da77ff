//! Hearing other nodes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

use super::{CHANNEL, Node};
use crate::database_url::PostgresUrl;
use crate::error::Cause;
use crate::store::hints::Hub;
use crate::store::postgres::{Link, connect_to_hear};
use crate::store::prepare::jittered;

/// How long the connection is kept when the last follower is gone.
const LINGER: Duration = Duration::from_secs(5);

/// How often the node sends itself a notification, and how long that may take: a `LISTEN` says nothing of whether
/// anything will be heard. A pooler takes it, another engine may, and a connection can die in silence.
const PROOF_PERIOD: Duration = Duration::from_secs(10);
const PROOF_LIMIT: Duration = Duration::from_secs(5);

/// How long to wait before the connection is opened again; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Who listens, for whom, and where.
pub(super) struct Listener<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) hub: &'a Hub,
    pub(super) url: &'a PostgresUrl,
}

impl Listener<'_> {
    /// Listens while somebody follows a feed, and again whenever that has ended.
    pub(super) async fn keep_listening(&self) -> Infallible {
        let mut watched = self.hub.watched();
        let mut pause = FIRST_PAUSE;
        loop {
            becomes(&mut watched, true).await;
            let outcome = self.listen(&mut watched).await;
            let was_listening = self.hub.set_listening(false);
            if was_listening {
                pause = FIRST_PAUSE;
            }
            let Err(cause) = outcome else { continue };
            if pause == FIRST_PAUSE {
                tracing::warn!(%cause, "changes of other nodes are not heard, and looked for more often");
            } else {
                tracing::debug!(%cause, "changes of other nodes are still not heard");
            }
            if was_listening {
                // Whoever waits would wait as long as if they were.
                self.hub.hint_all().await;
            }
            sleep(jittered(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Listens until nobody follows a feed any more.
    async fn listen(&self, watched: &mut watch::Receiver<bool>) -> Result<(), Cause> {
        let limit = self.url.connect_limit();
        let opened = timeout(limit, self.open()).await;
        let (client, link) = opened.map_err(|_| format!("the server did not answer within {limit:?}"))??;
        tokio::select! {
            outcome = self.hear() => outcome.map(|never| match never {}),
            () = link.ended() => Err("the connection ended".into()),
            () = is_idle(watched) => {
                // Closed with a goodbye.
                link.set_busy(false);
                drop(client);
                Ok(())
            }
        }
    }

    async fn open(&self) -> Result<(Client, Link), Cause> {
        let (node, hub) = (Arc::clone(self.node), self.hub.clone());
        let (client, link) = connect_to_hear(self.url, move |payload| node.hear(payload, &hub)).await?;
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        Ok((client, link))
    }

    /// Passes on what is about everybody, and makes sure that there would be something to hear.
    async fn hear(&self) -> Result<Infallible, Cause> {
        let mut echo = self.node.echo.subscribe();
        loop {
            self.node.outbox.mark(self.node.id);
            timeout(PROOF_LIMIT, echo.changed()).await.map_err(|_| "a notification to itself did not arrive")??;
            if !self.hub.set_listening(true) {
                tracing::debug!("changes of other nodes are heard");
                // What changed while nobody listened is in the feed.
                self.hub.hint_all().await;
            }
            let pass_on = async {
                loop {
                    self.node.everybody.notified().await;
                    self.hub.hint_all().await;
                }
            };
            if let Ok(never) = timeout(PROOF_PERIOD, pass_on).await {
                return Ok(never);
            }
            echo.mark_unchanged();
        }
    }
}

/// Ends when nobody has followed a feed for a while.
async fn is_idle(watched: &mut watch::Receiver<bool>) {
    loop {
        becomes(watched, false).await;
        if timeout(LINGER, becomes(watched, true)).await.is_err() {
            return;
        }
    }
}

/// Waits for the hub, which holds the sender, to be watched or not.
async fn becomes(watched: &mut watch::Receiver<bool>, wanted: bool) {
    let _ = watched.wait_for(|watched| *watched == wanted).await;
}
