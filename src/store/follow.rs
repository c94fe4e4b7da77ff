//! Following the feed of a user: what was missed, then what happens, with no gap in between.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{Stream, unfold};
use tokio::time::sleep;

use super::Store;
use super::feed::Entry;
use super::hints::{Read, Watcher};
use super::keys::Outcome;
use crate::error::{Error, Result};
use crate::task::Position;
use crate::user::UserId;

/// How many changes are read at once.
const PAGE: i64 = 50;

/// How long a follower waits before it asks a database again that was away; twice as long each time, up to the second.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Somebody who follows a user's feed.
struct Follower {
    store: Store,
    user: UserId,
    watcher: Watcher,
    /// Where it stands once it has handed out all of `read`; `None` before it knows where it begins.
    position: Option<Position>,
    /// What it has read, and how much of that it has handed out.
    read: Option<(Arc<Read>, usize)>,
    /// The latest hint that it has followed to the end, if it has.
    seen: Option<u64>,
    has_failed: bool,
}

impl Store {
    /// The changes of a user's tasks after a place and from then on, without an end; without a place, those from now on.
    ///
    /// It reads when it is polled and there is a hint, so who reads slowly costs no memory and is told of the latest
    /// state. After a reset it goes on from there. It waits for a database that is away, and goes on where it was.
    ///
    /// # Errors
    /// Whatever else the database answers is the last item.
    pub fn follow(&self, user: UserId, after: Option<Position>) -> impl Stream<Item = Result<Entry>> + Send + use<> {
        let follower = Follower {
            store: self.clone(),
            watcher: self.hints.watch(&user),
            user,
            position: after,
            read: None,
            seen: None,
            has_failed: false,
        };
        unfold(follower, |mut follower| async move {
            if follower.has_failed {
                return None;
            }
            let item = follower.next().await;
            follower.has_failed = item.is_err();
            Some((item, follower))
        })
    }

    /// Tells those who follow a user's feed to look, on every node: something changed, or may have.
    pub fn hint(&self, user: &UserId) {
        self.hints.hint(user);
        self.mark(user);
    }

    /// A change of which nobody knows whether it was made may have been.
    pub(super) fn hint_unless_unchanged<T, R>(&self, user: &UserId, outcome: &Result<Outcome<T, R>>) {
        if matches!(outcome, Ok(Outcome::Made(_)) | Err(_)) {
            self.hint(user);
        }
    }
}

impl Follower {
    async fn next(&mut self) -> Result<Entry> {
        loop {
            if let Some((read, handed_out)) = &mut self.read {
                if let Some(entry) = read.page.entries.get(*handed_out) {
                    *handed_out += 1;
                    self.store.hints.count_told();
                    return Ok(entry.clone());
                }
                self.position = Some(read.page.position);
                self.seen = (!read.page.has_more).then_some(read.hint);
                self.read = None;
            }
            if let Some(seen) = self.seen {
                self.watcher.hint_after(seen, self.store.patience()).await;
            }
            self.look().await?;
        }
    }

    /// Reads on, however long the database is away.
    async fn look(&mut self) -> Result<()> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.try_to_look().await {
                Err(error @ (Error::Unavailable(_) | Error::Timeout(_))) => error,
                outcome => return outcome,
            };
            tracing::debug!(cause = error.cause(), "a feed waits for the database");
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn try_to_look(&mut self) -> Result<()> {
        let position = match self.position {
            Some(position) => position,
            None => Position::at(self.store.revision(self.user.clone()).await?),
        };
        self.position = Some(position);
        self.read = Some((self.watcher.read(&self.store, position, PAGE).await?, 0));
        Ok(())
    }
}
