//! How the server ends: it says so, then it takes nothing new, then it waits.

use std::sync::Arc;

use tokio::sync::watch;

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    /// Balancers are told to send nothing more, and callers to connect anew. What arrives is still served.
    Draining,
    /// Running requests finish; connections close after them.
    Closing,
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

    pub(super) fn close(&self) {
        self.advance(Phase::Closing);
    }

    /// Whether the server is about to stop.
    pub(super) fn has_begun(&self) -> bool {
        *self.0.borrow() >= Phase::Draining
    }

    /// Waits until nothing new is taken.
    pub(super) async fn closing(self) {
        // The sender is held here, so there is a last phase to wait for.
        let _ = self.0.subscribe().wait_for(|phase| *phase == Phase::Closing).await;
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
        stop.close();
        stop.drain();
        stop.closing().await;
    }
}
