//! What happens on a connection, as far as its bounds need to know, and when they are overstepped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Version;
use tokio::time::Instant;

/// How long a connection may be kept open between two requests. It is longer than the minute for which common balancers
/// keep theirs, so that they do not send a request into a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(75);

/// How long what a peer still sends is read and thrown away after the last answer. Closing at once would reset the
/// connection, and the peer might lose the answer that tells it why nobody read its body.
const LINGER: Duration = Duration::from_secs(2);

/// How long a peer may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the header of a request.
    pub(super) header: Duration,
    /// For taking the next bytes of an answer.
    pub(super) answer: Duration,
}

/// A clone looks at the same connection.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    protocol: Protocol,
    /// Requests whose answers are not handed over yet.
    open: usize,
    /// Since when none has been open.
    quiet_since: Instant,
    /// When the first bytes came since then.
    heard_at: Option<Instant>,
    /// Since when the peer has been taking nothing of what is there for it.
    stuck_since: Option<Instant>,
    /// Whether a body was left unread.
    has_unread: bool,
    /// Since when the connection waits for the peer to end it.
    lingers_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// There was no request yet.
    Unknown,
    Http1,
    /// Has frames that belong to no request, so bytes alone say nothing.
    Http2,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            protocol: Protocol::Unknown,
            open: 0,
            quiet_since: Instant::now(),
            heard_at: None,
            stuck_since: None,
            has_unread: false,
            lingers_since: None,
        })))
    }

    /// The header of a request is there; its answer is handed over when the result is dropped.
    pub(super) fn begin(&self, version: Version) -> Open {
        let mut state = self.state();
        state.protocol = if version == Version::HTTP_2 { Protocol::Http2 } else { Protocol::Http1 };
        state.open += 1;
        // A body that could not be passed over would be the end of the connection.
        state.has_unread = false;
        Open(self.clone())
    }

    /// Whether there was a request yet.
    pub(super) fn has_begun(&self) -> bool {
        self.state().protocol != Protocol::Unknown
    }

    /// Bytes arrived.
    pub(super) fn heard(&self) {
        let mut state = self.state();
        if state.open == 0 && state.heard_at.is_none() {
            state.heard_at = Some(Instant::now());
        }
    }

    /// The peer took bytes, or there are some that it does not take.
    pub(super) fn wrote(&self, took: bool) {
        let mut state = self.state();
        if took {
            state.stuck_since = None;
        } else if state.stuck_since.is_none() {
            state.stuck_since = Some(Instant::now());
        }
    }

    /// A body was given up before its end.
    pub(super) fn left_unread(&self) {
        self.state().has_unread = true;
    }

    /// The last answer is written. Answers whether the peer may still be sending.
    pub(super) fn lingers(&self) -> bool {
        let mut state = self.state();
        if state.has_unread && state.lingers_since.is_none() {
            state.lingers_since = Some(Instant::now());
        }
        state.has_unread
    }

    /// When the connection is to be closed if nothing happens until then, and why.
    pub(super) fn deadline(&self, patience: Patience) -> Option<(Instant, &'static str)> {
        let state = self.state();
        let stuck = state.stuck_since.map(|since| (since + patience.answer, "nobody takes the answer"));
        let lingering = state.lingers_since.map(|since| (since + LINGER, "the peer goes on sending"));
        let waiting = (state.open == 0 && lingering.is_none()).then(|| match (state.protocol, state.heard_at) {
            (Protocol::Unknown, _) => (state.quiet_since + patience.header, "no request came"),
            (Protocol::Http1, Some(at)) => (at + patience.header, "the header of a request did not end"),
            _ => (state.quiet_since + IDLE, "no further request came"),
        });
        [stuck, lingering, waiting].into_iter().flatten().min()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that could panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request whose answer is not handed over yet.
#[derive(Debug)]
pub(super) struct Open(Activity);

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.open -= 1;
        if state.open == 0 {
            state.quiet_since = Instant::now();
            state.heard_at = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const PATIENCE: Patience = Patience { header: Duration::from_secs(10), answer: Duration::from_secs(20) };

    /// The seconds until the deadline.
    fn left(activity: &Activity) -> Option<u64> {
        activity.deadline(PATIENCE).map(|(deadline, _)| (deadline - Instant::now()).as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_header_is_waited_for_from_the_start() {
        let activity = Activity::new();
        advance(4 * SECOND).await;
        activity.heard();
        assert_eq!(left(&activity), Some(6));
    }

    #[tokio::test(start_paused = true)]
    async fn later_headers_are_waited_for_from_their_first_byte() {
        let activity = Activity::new();
        drop(activity.begin(Version::HTTP_11));
        assert_eq!(left(&activity), Some(75));
        advance(30 * SECOND).await;
        activity.heard();
        advance(SECOND).await;
        activity.heard();
        assert_eq!(left(&activity), Some(9));
    }

    #[tokio::test(start_paused = true)]
    async fn frames_between_requests_are_no_headers() {
        let activity = Activity::new();
        drop(activity.begin(Version::HTTP_2));
        activity.heard();
        assert_eq!(left(&activity), Some(75));
    }

    #[tokio::test(start_paused = true)]
    async fn running_requests_are_not_waited_for() {
        let activity = Activity::new();
        let (one, other) = (activity.begin(Version::HTTP_2), activity.begin(Version::HTTP_2));
        activity.heard();
        drop(one);
        assert_eq!(left(&activity), None);
        advance(5 * SECOND).await;
        drop(other);
        assert_eq!(left(&activity), Some(75));
    }

    #[tokio::test(start_paused = true)]
    async fn only_after_an_unread_body_does_it_linger() {
        let activity = Activity::new();
        assert!(!activity.lingers());
        drop(activity.begin(Version::HTTP_11));
        activity.left_unread();
        drop(activity.begin(Version::HTTP_11));
        assert!(!activity.lingers());
        activity.left_unread();
        assert!(activity.lingers());
        advance(SECOND).await;
        assert!(activity.lingers());
        assert_eq!(left(&activity), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_has_to_be_taken() {
        let activity = Activity::new();
        let _open = activity.begin(Version::HTTP_11);
        activity.wrote(false);
        advance(5 * SECOND).await;
        activity.wrote(false);
        assert_eq!(left(&activity), Some(15));
        activity.wrote(true);
        assert_eq!(left(&activity), None);
    }
}
