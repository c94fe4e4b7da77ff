//! What other nodes have yet to be told.

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::payload::{self, Mark};

/// The most users that are counted one by one.
const MOST: usize = 10_000;

/// Who changed since it was last taken.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    marks: Mutex<Marks>,
    filled: Notify,
}

#[derive(Debug)]
enum Marks {
    Users(HashSet<Mark>),
    /// Too many to count.
    Everybody,
}

/// What was taken out to be sent. It goes back where it is not settled.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    outbox: &'a Outbox,
    marks: Marks,
}

impl Outbox {
    pub(super) fn mark(&self, user: Mark) {
        self.marks().add([user]);
        self.filled.notify_one();
    }

    /// Waits until there is something to send. One task at a time may wait.
    pub(super) async fn filled(&self) {
        while self.marks().is_empty() {
            self.filled.notified().await;
        }
    }

    pub(super) fn take(&self) -> Taken<'_> {
        Taken { outbox: self, marks: mem::take(&mut *self.marks()) }
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        // What panicked while it held the lock left the marks as they were.
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Marks {
    fn default() -> Self {
        Self::Users(HashSet::new())
    }
}

impl Marks {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Users(users) if users.is_empty())
    }

    fn add(&mut self, more: impl IntoIterator<Item = Mark>) {
        if let Self::Users(users) = self {
            users.extend(more);
            if users.len() > MOST {
                *self = Self::Everybody;
            }
        }
    }
}

impl Taken<'_> {
    /// What `node` has to send.
    pub(super) fn payloads(&self, node: Mark) -> Vec<String> {
        match &self.marks {
            Marks::Users(users) => payload::write(node, users.iter().copied()),
            Marks::Everybody => vec![payload::write_everybody(node)],
        }
    }

    /// It was sent, or will not be.
    pub(super) fn settle(mut self) {
        self.marks = Marks::default();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut marks = self.outbox.marks();
        match mem::take(&mut self.marks) {
            Marks::Users(users) => marks.add(users),
            Marks::Everybody => *marks = Marks::Everybody,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use futures_util::FutureExt as _;

    use super::*;

    fn marks(count: usize) -> Vec<Mark> {
        (0..count).map(|_| Mark::random()).collect()
    }

    fn waiting(outbox: &Outbox) -> BTreeSet<String> {
        let node = Mark::random();
        let payloads = outbox.take().payloads(node);
        payloads.iter().flat_map(|text| payload::read(text).unwrap().1).map(|mark| mark.to_string()).collect()
    }

    #[test]
    fn a_user_who_changes_often_is_there_once() {
        let outbox = Outbox::default();
        assert!(outbox.filled().now_or_never().is_none());
        let users = marks(3);
        for _ in 0..1_000 {
            for user in &users {
                outbox.mark(*user);
            }
        }
        assert!(outbox.filled().now_or_never().is_some());
        let taken = outbox.take();
        assert_eq!(taken.payloads(Mark::random()).len(), 1);
        assert!(outbox.filled().now_or_never().is_none());
        taken.settle();
        assert!(outbox.filled().now_or_never().is_none());
    }

    #[test]
    fn what_was_not_sent_goes_back_to_what_came_meanwhile() {
        let outbox = Outbox::default();
        let users = marks(2);
        outbox.mark(users[0]);
        let taken = outbox.take();
        outbox.mark(users[1]);
        drop(taken);
        assert_eq!(waiting(&outbox), users.iter().map(Mark::to_string).collect());
    }

    #[test]
    fn too_many_are_everybody() {
        let (outbox, node) = (Outbox::default(), Mark::random());
        for user in marks(MOST) {
            outbox.mark(user);
        }
        assert_eq!(waiting(&outbox).len(), MOST);
        outbox.mark(Mark::random());
        for _ in 0..2 {
            let taken = outbox.take();
            assert_eq!(taken.payloads(node), [node.to_string()]);
            outbox.mark(Mark::random());
        }
        outbox.take().settle();
        outbox.mark(node);
        assert_eq!(waiting(&outbox), [node.to_string()].into());
    }
}
