//! A TCP proxy that counts round trips.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Stands between the service and its database. A flight is what the client sends after the server has spoken: one
/// flight is one round trip.
#[derive(Debug)]
pub struct Proxy {
    pub port: u16,
    flights: Arc<AtomicUsize>,
}

impl Proxy {
    /// A proxy to `server` on a port of its own.
    pub async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let flights = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&flights);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = TcpStream::connect(&server).await.unwrap().into_split();
                let has_server_spoken = Arc::new(AtomicBool::new(true));
                let (spoken, count) = (Arc::clone(&has_server_spoken), Arc::clone(&count));
                tokio::spawn(pass_on(from_client, to_server, move || {
                    if spoken.swap(false, Ordering::SeqCst) {
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                }));
                tokio::spawn(pass_on(from_server, to_client, move || has_server_spoken.store(true, Ordering::SeqCst)));
            }
        });
        Self { port, flights }
    }

    /// The flights since this was last asked.
    pub fn take_flights(&self) -> usize {
        self.flights.swap(0, Ordering::SeqCst)
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, before_each: impl Fn()) {
    let mut bytes = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        before_each();
        if to.write_all(&bytes[..length]).await.is_err() {
            break;
        }
    }
}
