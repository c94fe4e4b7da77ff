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
use tokio::time::{Instant, sleep, sleep_until};

use super::connection::Server;
use super::{App, files};

/// How long accepting rests after an error that the next attempt would meet too.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until SIGTERM or SIGINT, and then until the running requests have their answers or the drain time is over.
///
/// # Errors
/// When the listener or the signals fail.
pub async fn serve(app: App, listener: TcpListener) -> io::Result<()> {
    let mut signals = Signals::new()?;
    let places = files::room_for(app.settings.limits.connections);
    let free = Arc::new(Semaphore::new(places as usize));
    let server = Arc::new(Server::new(&app));
    tracing::info!(address = %listener.local_addr()?, "listening");
    let deadline = tokio::select! {
        deadline = told_to_stop(&app, &mut signals) => deadline,
        never = take_all(&listener, &server, &free) => match never {},
    };
    // Callers whom the system has let in already would be thrown out with the listener.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        take(stream, peer, &server, &free);
    }
    drop(listener);
    app.stop.close();
    tokio::select! {
        _ = free.acquire_many(places) => tracing::info!("stopped: every request has its answer"),
        () = sleep_until(deadline) => tracing::warn!("stopped: the drain time is over, and what still runs is cut"),
        _ = signals.next() => tracing::warn!("stopped: told so twice, and what still runs is cut"),
    }
    Ok(())
}

/// Waits for a signal and says that the end has begun; answers when all has to be over. After SIGTERM, which is how a
/// machine stops a service, new requests are taken for a while: a balancer has to see `/readyz` before it sends no more.
async fn told_to_stop(app: &App, signals: &mut Signals) -> Instant {
    let kind = signals.next().await;
    tracing::info!("stopping: running requests finish, /readyz is 503");
    app.drain();
    let drain_time = app.settings.limits.drain_time;
    let deadline = Instant::now() + drain_time;
    if kind == SignalKind::terminate() {
        tokio::select! {
            () = sleep(drain_time / 5) => {}
            _ = signals.next() => {}
        }
    }
    deadline
}

/// Serves connections as they come.
async fn take_all(listener: &TcpListener, server: &Arc<Server>, free: &Arc<Semaphore>) -> Infallible {
    loop {
        let (stream, peer) = accept(|| listener.accept()).await;
        take(stream, peer, server, free);
    }
}

/// Serves a connection. One that there is no room for is closed unanswered: in the backlog it would wait for nothing, and
/// so would a balancer that could have gone elsewhere.
fn take(stream: TcpStream, peer: SocketAddr, server: &Arc<Server>, free: &Arc<Semaphore>) {
    if let Ok(place) = Arc::clone(free).try_acquire_owned() {
        tokio::spawn(Arc::clone(server).serve(stream, peer, place));
    } else {
        tracing::debug!(%peer, "a connection was closed: as many are open as may be");
    }
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
