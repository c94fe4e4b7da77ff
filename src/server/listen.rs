//! The socket: connections are taken while there is room for them, and at a stop their requests finish.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::connection::Server;
use super::metrics::{Load, Metrics};
use super::router::Gateway;
use super::{App, admin_router, files, router};

/// How long accepting rests after an error that the next attempt would meet too.
const PAUSE: Duration = Duration::from_millis(100);

/// The most connections of operators that are open at once.
const ADMIN_CONNECTIONS: usize = 32;

/// A socket, and what answers there.
struct Service {
    listener: TcpListener,
    server: Arc<Server>,
    /// Places for connections.
    free: Arc<Semaphore>,
    metrics: Metrics,
}

impl Service {
    fn new(app: &App, listener: TcpListener, router: Gateway, places: usize) -> Self {
        let (server, free) = (Arc::new(Server::new(app, router)), Arc::new(Semaphore::new(places)));
        Self { listener, server, free, metrics: app.metrics.clone() }
    }

    /// Serves connections as they come.
    async fn take_all(&self) -> Infallible {
        loop {
            let (stream, peer) = accept(|| self.listener.accept()).await;
            self.take(stream, peer);
        }
    }

    /// Serves a connection. One that there is no room for is closed unanswered: in the backlog it would wait for nothing,
    /// and so would a balancer that could have gone elsewhere.
    fn take(&self, stream: TcpStream, peer: SocketAddr) {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            tokio::spawn(Arc::clone(&self.server).serve(stream, peer, place));
        } else {
            self.metrics.shed(Load::Connection);
            tracing::debug!(%peer, "a connection was closed: as many are open as may be");
        }
    }
}

/// Serves until SIGTERM or SIGINT, and then until the running requests have their answers or the drain time is over.
/// Operators are answered on `admin`, where there is such a listener, until the very end. Tells when the drain time is
/// over.
///
/// # Errors
/// When a listener or the signals fail.
pub async fn serve(app: App, listener: TcpListener, admin: Option<TcpListener>) -> io::Result<Instant> {
    let mut signals = Signals::new()?;
    let places = files::room_for(app.settings.limits.connections);
    // Ends with this function.
    let mut for_operators = JoinSet::new();
    if let Some(listener) = admin {
        tracing::info!(address = %listener.local_addr()?, "metrics");
        let service = Service::new(&app, listener, admin_router(&app), ADMIN_CONNECTIONS);
        for_operators.spawn(async move { service.take_all().await });
    }
    let service = Service::new(&app, listener, router(&app), places as usize);
    tracing::info!(address = %service.listener.local_addr()?, "listening");
    let end = tokio::select! {
        end = told_to_stop(&app, &mut signals) => end,
        never = service.take_all() => match never {},
    };
    // Callers whom the system has let in already would be thrown out with the listener.
    while let Some(Ok((stream, peer))) = service.listener.accept().now_or_never() {
        service.take(stream, peer);
    }
    let Service { listener, free, .. } = service;
    drop(listener);
    app.stop.close(end.sockets_over);
    tokio::select! {
        _ = free.acquire_many(places) => tracing::info!("stopped: every request has its answer"),
        () = sleep_until(end.deadline) => tracing::warn!("stopped: the drain time is over, and what still runs is cut"),
        _ = signals.next() => tracing::warn!("stopped: told so twice, and what still runs is cut"),
    }
    Ok(end.deadline)
}

/// How the end goes on once nothing new is taken.
struct End {
    /// When all has to be over.
    deadline: Instant,
    /// The time over which sockets close. Where a person waits for the end, it is none.
    sockets_over: Duration,
}

/// Waits for a signal and says that the end has begun. After SIGTERM, which is how a machine stops a service, new requests
/// are taken for a while: a balancer has to see `/readyz` before it sends no more. Sockets close after that, so that
/// their callers come back elsewhere, and a fifth of the time is left for the last of them.
async fn told_to_stop(app: &App, signals: &mut Signals) -> End {
    let kind = signals.next().await;
    tracing::info!("stopping: running requests finish, /readyz is 503");
    app.drain();
    let drain_time = app.settings.limits.drain_time;
    let deadline = Instant::now() + drain_time;
    let mut sockets_over = Duration::ZERO;
    if kind == SignalKind::terminate() {
        tokio::select! {
            () = sleep(drain_time / 5) => sockets_over = drain_time * 3 / 5,
            _ = signals.next() => {}
        }
    }
    End { deadline, sockets_over }
}

/// The next connection, whatever happens before it comes.
async fn accept<A>(mut next: impl FnMut() -> A) -> (TcpStream, SocketAddr)
where
    A: Future<Output = io::Result<(TcpStream, SocketAddr)>>,
{
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    loop {
        match next().await {
            Ok(accepted) => return accepted,
            // The caller's doing; the next connection is another.
            Err(error) if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) => {}
            // Such as no file descriptor being left: trying again at once would only keep a core busy.
            Err(error) => {
                tracing::error!(%error, "a connection cannot be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

/// The signals that tell a process to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn errors_of_accepting_are_survived_without_spinning() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let errors = Cell::new(0);
        let started = Instant::now();
        accept(|| async {
            errors.set(errors.get() + 1);
            match errors.get() {
                1..=10 => Err(io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error())),
                11..=20 => Err(io::ErrorKind::ConnectionAborted.into()),
                _ => listener.accept().await,
            }
        })
        .await;
        assert_eq!(started.elapsed(), PAUSE * 10);
    }
}
