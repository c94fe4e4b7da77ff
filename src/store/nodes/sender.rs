//! Notifying other nodes.

use std::convert::Infallible;
use std::time::Duration;

use diesel::define_sql_function;
use diesel::sql_types::{Array, Text};
use diesel_async::RunQueryDsl as _;
use tokio::time::sleep;

use super::{CHANNEL, Node};
use crate::error::Result;
use crate::store::postgres::Postgres;

/// How long to wait from one statement to the next: what changes in between is told together.
const GAP: Duration = Duration::from_millis(20);

/// How long to wait after the first failure; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often something is tried to be sent, before it is left to those who look by themselves.
const ATTEMPTS: u32 = 5;

define_sql_function! {
    /// It returns `void`, which nobody reads.
    fn pg_notify(channel: Text, payload: Text) -> Text;
}

define_sql_function! {
    fn unnest(texts: Array<Text>) -> Text;
}

/// Sends what is marked, the first at once and the next a moment later.
pub(super) async fn keep_sending(node: &Node, postgres: &Postgres) -> Infallible {
    let (mut failures, mut pause) = (0, FIRST_PAUSE);
    loop {
        node.outbox.filled().await;
        let taken = node.outbox.take();
        match send(postgres, taken.payloads(node.id)).await {
            Ok(()) => {
                taken.settle();
                (failures, pause) = (0, FIRST_PAUSE);
                sleep(GAP).await;
            }
            Err(error) => {
                failures += 1;
                tracing::debug!(cause = error.cause(), failures, "other nodes could not be told of changes");
                if failures >= ATTEMPTS {
                    taken.settle();
                } else {
                    drop(taken);
                }
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Sends what is marked now, once.
pub(super) async fn send_all(node: &Node, postgres: &Postgres) {
    let taken = node.outbox.take();
    match send(postgres, taken.payloads(node.id)).await {
        Ok(()) => taken.settle(),
        Err(error) => tracing::debug!(cause = error.cause(), "other nodes could not be told of the last changes"),
    }
}

async fn send(postgres: &Postgres, payloads: Vec<String>) -> Result<()> {
    if payloads.is_empty() {
        return Ok(());
    }
    let statement = diesel::select(pg_notify(CHANNEL, unnest(payloads)));
    let pooled = postgres.exclusive().await?;
    postgres.run(&pooled.link, statement.execute(&mut &pooled.inner)).await?;
    Ok(())
}
