//! The wire between the service and its database, which can be cut, or go silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    /// They are swallowed, in both directions. New connections are accepted.
    Silent,
    /// A connection ends after a COMMIT, before the client has heard what became of it.
    Forgetful,
    /// Connections are closed, also those that were open when it was cut.
    Cut,
}

/// A TCP proxy.
#[derive(Debug)]
pub struct Wire {
    state: Arc<watch::Sender<State>>,
    sent: Arc<AtomicUsize>,
}

impl Wire {
    /// A wire to the server of a database, and the URL of the database at its other end.
    pub async fn to(database: &str) -> (Self, String) {
        let mut url: url::Url = database.parse().unwrap();
        let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let state = Arc::new(watch::Sender::new(State::Whole));
        let sent = Arc::new(AtomicUsize::new(0));
        let (states, count) = (Arc::clone(&state), Arc::clone(&sent));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), Arc::clone(&states), Arc::clone(&count)));
            }
        });
        (Self { state, sent }, url.into())
    }

    pub fn go_silent(&self) {
        self.state.send_replace(State::Silent);
    }

    pub fn lose_acknowledgements(&self) {
        self.state.send_replace(State::Forgetful);
    }

    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// For connections that are made from now on; what was swallowed is lost.
    pub fn mend(&self) {
        self.state.send_replace(State::Whole);
    }

    /// How many bytes the client has sent.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

async fn carry(client: TcpStream, server: String, states: Arc<watch::Sender<State>>, sent: Arc<AtomicUsize>) {
    let mut cut = states.subscribe();
    let carried = async {
        if *states.borrow() == State::Silent {
            return std::future::pending().await;
        }
        let (from_server, to_server) = TcpStream::connect(&server).await.unwrap().into_split();
        let (from_client, to_client) = client.into_split();
        let committing = AtomicBool::new(false);
        tokio::select! {
            () = pass_on(from_client, to_server, &states, &committing, Some(&sent)) => {}
            () = pass_on(from_server, to_client, &states, &committing, None) => {}
        }
    };
    tokio::select! {
        () = carried => {}
        _ = cut.wait_for(|state| *state == State::Cut) => {}
    }
}

async fn pass_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    states: &watch::Sender<State>,
    committing: &AtomicBool,
    count: Option<&AtomicUsize>,
) {
    let mut bytes = vec![0; 65_536];
    let mut was_silent = false;
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        if let Some(count) = count {
            count.fetch_add(length, Ordering::SeqCst);
            if *states.borrow() == State::Forgetful && bytes[..length].windows(6).any(|word| word == b"COMMIT") {
                committing.store(true, Ordering::SeqCst);
            }
        } else if committing.load(Ordering::SeqCst) {
            return;
        }
        // What is missing in the middle of a stream makes the rest of it useless.
        was_silent |= *states.borrow() == State::Silent;
        if !was_silent && to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
