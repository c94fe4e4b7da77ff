//! How the server ends: it says so, then it takes nothing new, then it waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    /// Balancers are told to send nothing more, and callers to connect anew. What arrives is still served.
    Draining,
    /// Running requests finish; connections close after them, and sockets one after the other for as long.
    Closing {
        since: Instant,
        over: Duration,
    },
}

/// The phase, for all who need to know. A clone is another handle to the same.
#[derive(Debug, Clone)]
pub(super) struct Stop(Arc<watch::Sender<Phase>>);

impl Stop {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Serving)))
    }

    pub(super) fn drain(&self) {
        self.advance(Phase::Draining);
    }

    /// Takes nothing new, and has sockets close spread over that time.
    pub(super) fn close(&self, over: Duration) {
        self.advance(Phase::Closing { since: Instant::now(), over });
    }

    /// Whether the server is about to stop.
    pub(super) fn has_begun(&self) -> bool {
        *self.0.borrow() >= Phase::Draining
    }

    /// Waits until nothing new is taken.
    pub(super) async fn closing(self) {
        self.closing_since().await;
    }

    /// Waits until a socket has to close whose turn is that far, from 0 to 1, in the time for all of them.
    pub(super) async fn leaving(self, turn: f64) {
        if let Some((since, over)) = self.closing_since().await {
            sleep_until(since + over.mul_f64(turn)).await;
        }
    }

    async fn closing_since(&self) -> Option<(Instant, Duration)> {
        // The sender is held here, so there is a last phase to wait for.
        match *self.0.subscribe().wait_for(|phase| matches!(phase, Phase::Closing { .. })).await.ok()? {
            Phase::Closing { since, over } => Some((since, over)),
            _ => None,
        }
    }

    fn advance(&self, to: Phase) {
        self.0.send_if_modified(|phase| {
            let is_later = to > *phase;
            *phase = to.max(*phase);
            is_later
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_is_no_way_back() {
        let stop = Stop::new();
        assert!(!stop.has_begun());
        stop.drain();
        assert!(stop.has_begun());
        stop.close(Duration::ZERO);
        stop.drain();
        stop.closing().await;
    }

    #[tokio::test(start_paused = true)]
    async fn sockets_leave_by_turns() {
        let stop = Stop::new();
        let began = Instant::now();
        stop.close(Duration::from_secs(10));
        for (turn, seconds) in [(0.0, 0), (0.5, 5), (1.0, 10)] {
            stop.clone().leaving(turn).await;
            assert_eq!(began.elapsed().as_secs(), seconds);
        }
    }
}
