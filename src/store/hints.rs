//! Who waits for the changes of which user, and what tells them to look.
//!
//! A hint says only when to look; what there is to see is in the [feed](super::feed). So a hint that is lost costs time,
//! never a change: whoever waits looks by itself where none came for a while. What several of a user's watchers would
//! read at the same place, one of them reads for all. Nothing is kept for users whom nobody watches.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::Store;
use super::feed::FeedPage;
use super::nodes::Mark;
use crate::error::Result;
use crate::task::Position;
use crate::user::UserId;

/// How many users are hinted at at once where all are, and how long before the next: their watchers all read.
const CROWD: usize = 100;
const CROWD_GAP: Duration = Duration::from_millis(10);

/// The users that are watched. A clone is the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Hub(Arc<Watched>);

#[derive(Debug, Default)]
struct Watched {
    topics: Mutex<Topics>,
    /// Whether there are any.
    has_any: watch::Sender<bool>,
    /// Whether hints come of what other nodes change.
    is_listening: AtomicBool,
    /// How often watchers read the feed since the start, and how many changes they were told of.
    reads: AtomicU64,
    told: AtomicU64,
}

/// What those who follow feeds do, for operators.
#[derive(Debug, Clone, Copy)]
pub struct FeedFigures {
    /// Users whose feed somebody follows.
    pub followed: u64,
    /// How often the feed was read for them.
    pub reads: u64,
    /// How many changes they were told of, each for itself.
    pub told: u64,
    /// Whether this node hears of what others change.
    pub hears: bool,
}

/// By what other nodes call a user, which two may share.
type Topics = HashMap<Mark, HashMap<UserId, Weak<Topic>>>;

/// The latest hint.
#[derive(Debug, Clone, Copy)]
struct Hint {
    /// Which of them it is, counted from 0.
    number: u64,
    at: Instant,
}

/// A user that is watched.
#[derive(Debug)]
struct Topic {
    user: UserId,
    hub: Hub,
    hint: watch::Sender<Hint>,
    /// What was read last, held while somebody reads.
    last: AsyncMutex<Option<Arc<Read>>>,
}

/// A page of the feed, for whoever stands where it begins.
#[derive(Debug)]
pub(super) struct Read {
    after: Position,
    /// The hint that was the latest when it was read: the page has all that this hint was about.
    pub(super) hint: u64,
    pub(super) page: FeedPage,
}

/// Somebody who waits for the changes of a user.
#[derive(Debug)]
pub(super) struct Watcher {
    topic: Arc<Topic>,
    hints: watch::Receiver<Hint>,
}

impl Hub {
    pub(super) fn figures(&self) -> FeedFigures {
        let followed = self.topics().values().map(HashMap::len).sum::<usize>();
        FeedFigures {
            followed: u64::try_from(followed).unwrap_or(u64::MAX),
            reads: self.0.reads.load(Ordering::Relaxed),
            told: self.0.told.load(Ordering::Relaxed),
            hears: self.0.is_listening.load(Ordering::Relaxed),
        }
    }

    /// Counts a change that somebody was told of.
    pub(super) fn count_told(&self) {
        self.0.told.fetch_add(1, Ordering::Relaxed);
    }

    fn topics(&self) -> MutexGuard<'_, Topics> {
        // What panicked while it held the lock left the map as it was.
        self.0.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self, user: &UserId) -> Watcher {
        let mut topics = self.topics();
        let alike = topics.entry(Mark::of(user)).or_default();
        let topic = alike.get(user).and_then(Weak::upgrade).unwrap_or_else(|| {
            let hint = watch::Sender::new(Hint { number: 0, at: Instant::now() });
            let topic = Topic { user: user.clone(), hub: self.clone(), hint, last: AsyncMutex::default() };
            let topic = Arc::new(topic);
            alike.insert(user.clone(), Arc::downgrade(&topic));
            topic
        });
        self.tell_whether_watched(&topics);
        Watcher { hints: topic.hint.subscribe(), topic }
    }

    /// The topic, if the user is watched. It is not to be let go of under the lock, which it takes when it ends.
    fn topic(&self, user: &UserId) -> Option<Arc<Topic>> {
        self.topics().get(&Mark::of(user))?.get(user)?.upgrade()
    }

    /// Says so under the lock, so that the last word is the right one.
    fn tell_whether_watched(&self, topics: &Topics) {
        let now = !topics.is_empty();
        self.0.has_any.send_if_modified(|before| std::mem::replace(before, now) != now);
    }

    /// Whether anybody watches.
    pub(super) fn watched(&self) -> watch::Receiver<bool> {
        self.0.has_any.subscribe()
    }

    /// Whether hints come of what other nodes change.
    pub(super) fn is_listening(&self) -> bool {
        self.0.is_listening.load(Ordering::Relaxed)
    }

    /// Answers what was the case before.
    pub(super) fn set_listening(&self, is_listening: bool) -> bool {
        self.0.is_listening.swap(is_listening, Ordering::Relaxed)
    }

    pub(super) fn hint(&self, user: &UserId) {
        if let Some(topic) = self.topic(user) {
            topic.hint.send_modify(Hint::renew);
        }
    }

    /// Hints at all users who have this mark.
    pub(super) fn hint_marked(&self, mark: Mark) {
        let alike: Vec<Arc<Topic>> =
            self.topics().get(&mark).into_iter().flat_map(HashMap::values).filter_map(Weak::upgrade).collect();
        for topic in alike {
            topic.hint.send_modify(Hint::renew);
        }
    }

    /// Hints at everybody, a few at a time.
    pub(super) async fn hint_all(&self) {
        let all: Vec<Weak<Topic>> = self.topics().values().flat_map(HashMap::values).cloned().collect();
        for crowd in all.chunks(CROWD) {
            for topic in crowd.iter().filter_map(Weak::upgrade) {
                topic.hint.send_modify(Hint::renew);
            }
            sleep(CROWD_GAP).await;
        }
    }
}

impl Hint {
    fn renew(&mut self) {
        *self = Self { number: self.number + 1, at: Instant::now() };
    }
}

/// The last watcher is gone. Another may have begun a topic of its own meanwhile.
impl Drop for Topic {
    fn drop(&mut self) {
        let mut topics = self.hub.topics();
        let mark = Mark::of(&self.user);
        let Some(alike) = topics.get_mut(&mark) else { return };
        if alike.get(&self.user).is_some_and(|topic| topic.strong_count() == 0) {
            alike.remove(&self.user);
        }
        if alike.is_empty() {
            topics.remove(&mark);
        }
        self.hub.tell_whether_watched(&topics);
    }
}

impl Watcher {
    /// Waits for a hint after the one of this number. Where none came for `patience`, it gives one itself, to all who
    /// watch this user.
    pub(super) async fn hint_after(&mut self, seen: u64, patience: Duration) {
        loop {
            let latest = *self.hints.borrow_and_update();
            if latest.number > seen {
                return;
            }
            tokio::select! {
                // The sender is in the topic, which this watcher holds.
                _ = self.hints.changed() => {}
                () = sleep_until(latest.at + patience) => {
                    self.topic.hint.send_if_modified(|hint| {
                        let is_due = hint.at.elapsed() >= patience;
                        if is_due {
                            hint.renew();
                        }
                        is_due
                    });
                }
            }
        }
    }

    /// The page after a place, with all that hints were about up to now.
    ///
    /// A page that another watcher has read for the same place will do, even an older one if there is something on it:
    /// who takes it stands where that other one stood, and goes on with it.
    pub(super) async fn read(&self, store: &Store, after: Position, limit: i64) -> Result<Arc<Read>> {
        let wanted = self.latest();
        let mut last = self.topic.last.lock().await;
        if let Some(read) = last.as_ref().filter(|read| read.after == after)
            && (read.hint >= wanted || !read.page.entries.is_empty())
        {
            return Ok(Arc::clone(read));
        }
        let hint = self.latest();
        self.topic.hub.0.reads.fetch_add(1, Ordering::Relaxed);
        let page = store.changes(self.topic.user.clone(), after, limit).await?;
        let read = Arc::new(Read { after, hint, page });
        *last = Some(Arc::clone(&read));
        Ok(read)
    }

    fn latest(&self) -> u64 {
        self.hints.borrow().number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_hint_wakes_those_who_watch_that_user() {
        let hub = Hub::default();
        let (mut one, mut other, mut bob) = (hub.watch(&user("ann")), hub.watch(&user("ann")), hub.watch(&user("bob")));
        let begun = Instant::now();
        hub.hint(&user("ann"));
        tokio::join!(one.hint_after(0, PATIENCE), other.hint_after(0, PATIENCE));
        one.hint_after(0, PATIENCE).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!((one.latest(), bob.latest()), (1, 0));
        bob.hint_after(0, PATIENCE).await;
        assert_eq!(begun.elapsed(), PATIENCE, "nobody gave bob one");
    }

    #[tokio::test(start_paused = true)]
    async fn where_no_hint_comes_one_of_many_gives_it() {
        let hub = Hub::default();
        let mut watchers: Vec<Watcher> = (0..10).map(|_| hub.watch(&user("ann"))).collect();
        for round in 0..3 {
            let begun = Instant::now();
            futures_util::future::join_all(watchers.iter_mut().map(|one| one.hint_after(round, PATIENCE))).await;
            assert_eq!((begun.elapsed(), watchers[0].latest()), (PATIENCE, round + 1));
        }
    }

    #[tokio::test]
    async fn nothing_is_kept_for_users_whom_nobody_watches() {
        let hub = Hub::default();
        hub.hint(&user("ann"));
        assert_eq!(hub.topics().len(), 0);
        let (one, other) = (hub.watch(&user("ann")), hub.watch(&user("ann")));
        assert!(Arc::ptr_eq(&one.topic, &other.topic));
        drop(one);
        assert_eq!(hub.topics().len(), 1);
        drop(other);
        assert_eq!(hub.topics().len(), 0);
        let again = hub.watch(&user("ann"));
        hub.hint(&user("ann"));
        assert_eq!(again.latest(), 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn watchers_that_come_and_go_at_once_leave_nothing_behind() {
        let hub = Hub::default();
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let hub = hub.clone();
                tokio::spawn(async move {
                    for _ in 0..500 {
                        let mut watcher = hub.watch(&user("ann"));
                        let seen = watcher.latest();
                        hub.hint(&user("ann"));
                        watcher.hint_after(seen, PATIENCE * 100).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(hub.topics().len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn another_node_hints_at_whom_it_names() {
        let hub = Hub::default();
        let (ann, bob) = (hub.watch(&user("ann")), hub.watch(&user("bob")));
        for name in ["ann", "carl", "ann"] {
            hub.hint_marked(Mark::of(&user(name)));
        }
        assert_eq!((ann.latest(), bob.latest()), (2, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn where_everybody_is_to_look_they_do_so_by_and_by() {
        let hub = Hub::default();
        let watchers: Vec<Watcher> = (0..3 * CROWD).map(|number| hub.watch(&user(&number.to_string()))).collect();
        let hinted = || watchers.iter().map(|watcher| usize::try_from(watcher.latest()).unwrap()).sum::<usize>();
        let hints = hub.hint_all();
        tokio::pin!(hints);
        assert!(tokio::time::timeout(CROWD_GAP / 2, &mut hints).await.is_err());
        assert_eq!(hinted(), CROWD);
        hints.await;
        assert_eq!(hinted(), 3 * CROWD);
    }

    #[tokio::test]
    async fn it_is_known_whether_anybody_watches() {
        let hub = Hub::default();
        let watched = hub.watched();
        let mut seen = vec![*watched.borrow()];
        let one = hub.watch(&user("ann"));
        seen.push(*watched.borrow());
        let other = hub.watch(&user("bob"));
        drop(one);
        seen.push(*watched.borrow());
        drop(other);
        seen.push(*watched.borrow());
        assert_eq!(seen, [false, true, true, false]);
    }
}
