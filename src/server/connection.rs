//! One connection: HTTP/1.1 or HTTP/2 with prior knowledge, bounded in time and memory.

mod activity;
mod bodies;
mod io;

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::ServiceExt as _;

use self::activity::{Activity, Open, Patience};
use self::bodies::{Answer, Upload};
use self::io::Watched;
use super::App;
use super::router::Gateway;
use super::stop::Stop;

/// The most bytes of a request's header, its first line included; beyond it the protocol's own 431.
const HEADER_BYTES: u32 = 64 * 1024;

/// The most requests that run at once on one HTTP/2 connection.
const STREAMS: u32 = 100;

/// How often an HTTP/2 peer is asked whether it still lives, and how long it may take to say so.
const PING: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));

/// How long the header of a request may take once the server takes no new connections.
const LAST_HEADER: Duration = Duration::from_millis(250);

/// What all connections to a router share.
#[derive(Debug)]
pub(super) struct Server {
    protocols: Builder<TokioExecutor>,
    router: Gateway,
    patience: Patience,
    stop: Stop,
}

impl Server {
    /// Connections to `router`, within the limits of the service and until it stops.
    pub(super) fn new(app: &App, router: Gateway) -> Self {
        let mut protocols = Builder::new(TokioExecutor::new());
        protocols.http1().max_buf_size(HEADER_BYTES as usize);
        protocols
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(HEADER_BYTES)
            .max_concurrent_streams(STREAMS)
            .keep_alive_interval(PING.0)
            .keep_alive_timeout(PING.1);
        let limits = &app.settings.limits;
        let patience = Patience { header: limits.header_timeout, answer: limits.body_timeout };
        Self { protocols, router, patience, stop: app.stop.clone() }
    }

    /// Serves requests until the peer is done, oversteps a bound, or the server stops.
    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        // Answers are written whole; waiting for more to send with them only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let activity = Activity::new();
        let io = TokioIo::new(Watched { stream, activity: activity.clone(), _place: place });
        let service = service_fn(|request: Request<Incoming>| {
            let open = activity.begin(request.version());
            let request = request.map(|body| Body::new(Upload::new(body, activity.clone())));
            Arc::clone(&self).answer(request, peer, open)
        });
        let mut connection = pin!(self.protocols.serve_connection_with_upgrades(io, service));
        let mut closing = pin!(self.stop.clone().closing());
        let mut alarm = Alarm::new(activity.clone(), self.patience);
        let (mut is_closing, mut is_told) = (false, false);
        let reason = poll_fn(|cx| {
            if !is_closing && closing.as_mut().poll(cx).is_ready() {
                is_closing = true;
                alarm.hurry();
            }
            // A connection without a request would be closed at once, and its first one may be on its way.
            if is_closing && !is_told && activity.has_begun() {
                is_told = true;
                connection.as_mut().graceful_shutdown();
            }
            match connection.as_mut().poll(cx) {
                Poll::Ready(Ok(())) => Poll::Ready("the peer is done".to_owned()),
                Poll::Ready(Err(error)) => Poll::Ready(error.to_string()),
                Poll::Pending => alarm.poll(cx).map(str::to_owned),
            }
        })
        .await;
        tracing::debug!(%peer, reason, "a connection ended");
    }

    async fn answer(
        self: Arc<Self>,
        mut request: Request<Body>,
        peer: SocketAddr,
        open: Open,
    ) -> Result<Response<Answer>, Infallible> {
        request.extensions_mut().insert(ConnectInfo(peer));
        let version = request.version();
        let mut response = self.router.clone().oneshot(request).await?;
        let stays = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if self.stop.has_begun() && version < Version::HTTP_2 && !stays {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| Answer { body, _open: open }))
    }
}

/// Goes off when a connection oversteps a bound.
#[derive(Debug)]
struct Alarm {
    activity: Activity,
    patience: Patience,
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    fn new(activity: Activity, patience: Patience) -> Self {
        Self { activity, patience, sleep: Box::pin(sleep_until(Instant::now())) }
    }

    /// From now on headers have to come soon.
    fn hurry(&mut self) {
        self.patience.header = self.patience.header.min(LAST_HEADER);
    }

    /// Has to be asked after everything that happens on the connection, because that may bring the deadline nearer. One
    /// that moves away is left to be found out, so that a busy connection sets no timers.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<&'static str> {
        loop {
            let Some((deadline, reason)) = self.activity.deadline(self.patience) else { return Poll::Pending };
            if deadline < self.sleep.deadline() {
                self.sleep.as_mut().reset(deadline);
            }
            ready!(self.sleep.as_mut().poll(cx));
            if deadline <= Instant::now() {
                return Poll::Ready(reason);
            }
            self.sleep.as_mut().reset(deadline);
        }
    }
}
