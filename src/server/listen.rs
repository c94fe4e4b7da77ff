//! Serving on a socket, and stopping cleanly.

use std::net::SocketAddr;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::{App, router};

/// Serves until SIGTERM or SIGINT, and then until the running requests have their answers.
///
/// # Errors
/// When the listener or the signals fail.
pub async fn serve(app: App, listener: TcpListener) -> std::io::Result<()> {
    tracing::info!(address = %listener.local_addr()?, "listening");
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let draining = app.clone();
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: running requests finish, new ones are not taken");
        draining.drain();
    };
    let listener = listener.tap_io(|stream| {
        // Answers are written whole; waiting for more to send with them only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
    });
    let service = router(&app).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}
