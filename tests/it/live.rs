//! What stays connected: sockets that are real, on a service in this process.

mod client;
mod events;
mod sse;
mod ws_bounds;
mod ws_close;
mod ws_handshake;
mod ws_operations;
mod ws_stop;
mod ws_subscriptions;
mod ws_token;

use std::net::SocketAddr;

use taskgate::server;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::support::{Backend, Options, TestApp, start_with};

/// A service that listens, for as long as this is there.
#[derive(Debug)]
struct Live {
    app: TestApp,
    address: SocketAddr,
    serving: JoinHandle<std::io::Result<Instant>>,
}

impl Live {
    async fn start(backend: Backend) -> Self {
        Self::start_with(backend, |_| {}).await
    }

    async fn start_with(backend: Backend, change: impl FnOnce(&mut Options)) -> Self {
        let app = start_with(backend, change).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(server::serve(app.app.clone(), listener, None));
        Self { app, address, serving }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
