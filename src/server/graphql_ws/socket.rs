//! Frames: a socket that gives and takes texts, within bounds.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{self, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Utf8Bytes};

use super::close::Close;

/// How much is read at once. Each socket has that much memory for it from the start.
const READ_BYTES: usize = 4 * 1024;

/// How long what a peer still sends is read and thrown away once it was told the end. Closing at once would reset the
/// connection, and the peer might lose the reason.
const LINGER: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Socket {
    frames: WebSocketStream<TokioIo<Upgraded>>,
    patience: Duration,
}

/// What came.
#[derive(Debug)]
pub(super) enum Received {
    Text(Utf8Bytes),
    /// A frame that says no more than that the peer lives. A ping among them is answered already.
    SignOfLife,
}

impl Socket {
    /// The server's side of a connection after its handshake. A message of the peer has at most so many bytes, and one
    /// for the peer has to be taken in that time.
    pub(super) async fn new(connection: TokioIo<Upgraded>, message_bytes: usize, patience: Duration) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(message_bytes))
            .max_frame_size(Some(message_bytes));
        Self { frames: WebSocketStream::from_raw_socket(connection, Role::Server, Some(config)).await, patience }
    }

    /// Waits for what the peer sends. Nothing is lost when that is given up.
    ///
    /// # Errors
    /// The end of the socket, when the peer ends it or breaks a rule.
    pub(super) async fn receive(&mut self) -> Result<Received, Close> {
        match self.frames.next().await {
            Some(Ok(Message::Text(text))) => Ok(Received::Text(text)),
            Some(Ok(Message::Binary(_))) => Err(Close::BINARY),
            Some(Ok(Message::Close(_))) => Err(Close::ByPeer),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(Received::SignOfLife),
            Some(Err(error)) => Err(end(&error)),
            None => Err(Close::Gone),
        }
    }

    /// Sends a text, and waits until the system has all of it: so nothing piles up for a peer that reads slowly.
    ///
    /// # Errors
    /// [`Close::Gone`] when the peer does not take it in time, or is away.
    pub(super) async fn send(&mut self, text: String) -> Result<(), Close> {
        self.write(Message::text(text)).await
    }

    /// Asks the peer for a sign of life (RFC 6455, section 5.5.2).
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(super) async fn ping(&mut self) -> Result<(), Close> {
        self.write(Message::Ping(Bytes::new())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), Close> {
        match timeout(self.patience, self.frames.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Close::Gone),
        }
    }

    /// Ends the socket and tells the peer why, where there is one.
    pub(super) async fn close(mut self, close: &Close) {
        if !matches!(close, Close::Gone) {
            // A peer that does not listen to the end misses only that.
            let _ = timeout(LINGER, self.take_leave(close)).await;
        }
    }

    async fn take_leave(&mut self, close: &Close) -> Result<(), Error> {
        match close.frame() {
            Some(frame) => self.frames.send(Message::Close(Some(frame))).await?,
            // The peer's own frame is answered by flushing.
            None => self.frames.flush().await?,
        }
        let connection = self.frames.get_mut();
        connection.shutdown().await?;
        io::copy(connection, &mut io::sink()).await?;
        Ok(())
    }
}

/// The end that follows from an error of the frames.
fn end(error: &Error) -> Close {
    match error {
        Error::Capacity(_) => Close::of(1009, "the message is too large"),
        Error::Utf8(_) => Close::of(1007, "the message is not UTF-8"),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Close::Gone,
        Error::Protocol(_) => Close::of(1002, "a frame breaks the protocol"),
        _ => Close::Gone,
    }
}
