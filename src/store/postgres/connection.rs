//! One connection: how it is made, how it is known to have ended, and how it is broken off.

use std::error::Error as StdError;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, NoTls};

use crate::database_url::PostgresUrl;
use crate::error::Cause;
use crate::tls;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum ConnectError {
    /// The server or the settings have to be changed first.
    #[error("{0}")]
    Wrong(Cause),
    /// The next attempt may succeed.
    #[error("{0}")]
    Away(Cause),
}

/// A connection, and whether it is still one.
pub(in crate::store) struct Connection {
    pub(in crate::store) inner: AsyncPgConnection,
    pub(in crate::store) link: Link,
}

impl Connection {
    /// Connects, with TLS as the URL asks for, within its `connect_timeout`.
    ///
    /// `statement_timeout` is what the server is told to give up after. A transaction pooler must not be told: it would
    /// apply it to whoever gets that session next.
    pub(in crate::store) async fn open(
        url: &PostgresUrl,
        statement_timeout: Option<Duration>,
    ) -> Result<Self, ConnectError> {
        let opened = async {
            let (client, link) = connect(url).await?;
            let away = |error| ConnectError::Away(Box::new(error));
            let mut inner = AsyncPgConnection::try_from(client).await.map_err(away)?;
            if let Some(limit) = statement_timeout {
                let statement = format!("SET statement_timeout = {}", limit.as_millis());
                inner.batch_execute(&statement).await.map_err(|error| ConnectError::Away(Box::new(error)))?;
            }
            Ok(Self { inner, link })
        };
        let limit = url.connect_limit();
        let late = |_| ConnectError::Away(format!("the server did not answer within {limit:?}").into());
        let connection = timeout(limit, opened).await.map_err(late)??;
        connection.link.set_busy(false);
        Ok(connection)
    }
}

/// The client of a connection that has just been made, busy until it is told otherwise.
pub(super) async fn connect(url: &PostgresUrl) -> Result<(Client, Link), ConnectError> {
    connect_to_hear(url, |_| {}).await
}

/// The same of a connection whose notifications are of interest: `hear` gets the payload of each as it arrives.
pub(in crate::store) async fn connect_to_hear(
    url: &PostgresUrl,
    hear: impl FnMut(&str) + Send + 'static,
) -> Result<(Client, Link), ConnectError> {
    let link = Link::new();
    let client = if let Some(tls) = tls::connector(url).map_err(|sentence| ConnectError::Wrong(sentence.into()))? {
        let (client, connection) = url.config.connect(tls).await.map_err(|error| refused(&error))?;
        link.drive(carry(connection, hear));
        client
    } else {
        let (client, connection) = url.config.connect(NoTls).await.map_err(|error| refused(&error))?;
        link.drive(carry(connection, hear));
        client
    };
    Ok((client, link))
}

/// Moves the bytes until the connection ends.
async fn carry<S, T>(
    mut connection: tokio_postgres::Connection<S, T>,
    mut hear: impl FnMut(&str),
) -> Result<(), tokio_postgres::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = giving_way(|context| connection.poll_message(context)).await {
        match message? {
            AsyncMessage::Notification(notification) => hear(notification.payload()),
            AsyncMessage::Notice(notice) => tracing::info!(notice = notice.message(), "a notice of the database"),
            _ => {}
        }
    }
    Ok(())
}

/// What `poll` comes to, in a task that, each time it is woken, lets those run first who are ready by then.
///
/// Tokio runs at once what a task wakes, so that who asks first would leave alone, in a packet that wakes the server for
/// little; those who are about to ask leave with it.
fn giving_way<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> impl Future<Output = T> {
    let mut has_given_way = false;
    poll_fn(move |context| {
        has_given_way = !has_given_way;
        if has_given_way {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        poll(context)
    })
}

/// The bytes of a connection, which a task of ours moves until the connection ends.
pub(in crate::store) struct Link {
    closed: Arc<watch::Sender<bool>>,
    /// Whether an answer is still owed.
    busy: AtomicBool,
}

impl Link {
    fn new() -> Self {
        Self { closed: Arc::new(watch::Sender::new(false)), busy: AtomicBool::new(true) }
    }

    fn drive(&self, connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static) {
        let closed = Arc::clone(&self.closed);
        tokio::spawn(async move {
            let mut broken_off = closed.subscribe();
            tokio::select! {
                outcome = connection => if let Err(error) = outcome {
                    tracing::warn!(error = chain(&error), "a database connection was lost");
                },
                _ = broken_off.wait_for(|closed| *closed) => {}
            }
            closed.send_replace(true);
        });
    }

    pub(super) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Waits for the end of the connection.
    pub(in crate::store) async fn ended(&self) {
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    /// Whether the connection ends within `patience`.
    pub(in crate::store) async fn ends_within(&self, patience: Duration) -> bool {
        timeout(patience, self.ended()).await.is_ok()
    }

    /// Closes the socket, whatever is still going on. Nothing is asked of the server: it may be the one that hangs.
    pub(super) fn break_off(&self) {
        self.closed.send_replace(true);
    }

    pub(in crate::store) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Relaxed);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }
}

impl Drop for Link {
    /// A server that owes an answer may never give it, and the task would wait for it. Where none is owed, the task
    /// says goodbye and ends by itself.
    fn drop(&mut self) {
        if self.is_busy() {
            self.break_off();
        }
    }
}

/// Tells a server that is away from one that will never do.
fn refused(error: &tokio_postgres::Error) -> ConnectError {
    let is_wrong = match (error.code(), error.source()) {
        // Class 28 is authentication.
        (Some(code), _) => code.code().starts_with("28") || *code == SqlState::INVALID_CATALOG_NAME,
        // TLS: the certificate does not pass.
        (None, Some(source)) => match source.downcast_ref::<io::Error>() {
            Some(error) => error.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>),
            // The server has no TLS, no channel binding, or wants a password where there is none.
            None => true,
        },
        (None, None) => false,
    };
    let cause = chain(error).into();
    if is_wrong { ConnectError::Wrong(cause) } else { ConnectError::Away(cause) }
}

/// An error and what caused it: `tokio_postgres` says little more than "db error" itself.
pub(super) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn who_is_ready_leaves_with_who_asked_first() {
        const READY: usize = 20;
        let (ask, mut asked) = mpsc::unbounded_channel();
        let (tell, mut told) = mpsc::unbounded_channel();
        tokio::spawn(giving_way(move |context| -> Poll<()> {
            let mut left = 0;
            while let Poll::Ready(Some(())) = asked.poll_recv(context) {
                left += 1;
            }
            let _ = tell.send(left);
            Poll::Pending
        }));
        assert_eq!(told.recv().await, Some(0), "nobody has asked yet");
        // In a task of the only worker, which runs none of them before this one ends.
        tokio::spawn(async move {
            for _ in 0..READY {
                let ask = ask.clone();
                tokio::spawn(async move { ask.send(()).unwrap() });
            }
        });
        assert_eq!(told.recv().await, Some(READY));
    }
}
