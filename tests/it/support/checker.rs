//! Writers that remember what they were told of each write, and a comparison of that with what is there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::caller::Caller;

const WRITERS: usize = 8;

/// One of so many writes is one that the service has to refuse.
const REFUSED_EVERY: usize = 10;

/// What the writers were told, by the titles of their tasks.
#[derive(Debug, Default)]
pub struct Ledger {
    /// With their entity tags.
    pub acknowledged: Vec<(String, String)>,
    /// Refused before anything was done: a status below 500, or nobody listened.
    pub failed: Vec<String>,
    /// An error of the service, or no answer at all: the write may have happened.
    pub unknown: Vec<String>,
    /// How long the slowest answer took.
    pub slowest: Duration,
    /// How long the slowest 503 took.
    pub slowest_503: Duration,
}

/// Writers at work, each with titles of its own.
#[derive(Debug)]
pub struct Checker {
    writers: JoinSet<Ledger>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    caller: Caller,
    /// Where the service is now.
    address: Mutex<String>,
    acknowledged: AtomicUsize,
    is_over: AtomicBool,
}

impl Checker {
    pub fn start(address: &str) -> Self {
        let shared = Arc::new(Shared {
            caller: Caller::new(),
            address: Mutex::new(address.to_owned()),
            acknowledged: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(writer, Arc::clone(&shared)));
        }
        Self { writers, shared }
    }

    pub fn move_to(&self, address: &str) {
        address.clone_into(&mut self.shared.address.lock().unwrap());
    }

    /// Waits for so many more acknowledged writes; answers how long that took.
    pub async fn acknowledge(&self, writes: usize) -> Duration {
        let begun = Instant::now();
        let goal = self.shared.acknowledged.load(Ordering::SeqCst) + writes;
        while self.shared.acknowledged.load(Ordering::SeqCst) < goal {
            assert!(begun.elapsed() < Duration::from_mins(1), "the service does not recover");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        begun.elapsed()
    }

    /// Ends the writers and compares what they were told with what the service has.
    pub async fn finish(mut self) -> Ledger {
        self.shared.is_over.store(true, Ordering::SeqCst);
        let mut all = Ledger::default();
        while let Some(ledger) = self.writers.join_next().await {
            all.add(ledger.unwrap());
        }
        let address = self.shared.address.lock().unwrap().clone();
        let list = self.shared.caller.get(&address, "/api/tasks").await;
        assert_eq!(list.status, 200, "{}", list.body);
        all.compare(list.body.as_array().unwrap());
        all
    }
}

impl Ledger {
    fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.failed.extend(other.failed);
        self.unknown.extend(other.unknown);
        self.slowest = self.slowest.max(other.slowest);
        self.slowest_503 = self.slowest_503.max(other.slowest_503);
    }

    fn compare(&self, tasks: &[Value]) {
        let mut times: HashMap<&str, usize> = HashMap::new();
        for task in tasks {
            *times.entry(task["title"].as_str().unwrap()).or_default() += 1;
        }
        let mut tags: HashMap<&str, &str> = HashMap::new();
        for (title, tag) in &self.acknowledged {
            assert_eq!(times.remove(title.as_str()), Some(1), "{title} was acknowledged");
            assert_eq!(tags.insert(tag, title), None, "{title} has the revision of another task");
        }
        for title in &self.unknown {
            assert!(times.remove(title.as_str()).is_none_or(|times| times == 1), "{title} was done more than once");
        }
        for title in &self.failed {
            assert_eq!(times.remove(title.as_str()), None, "{title} was refused");
        }
        assert!(times.is_empty(), "nobody has written {times:?}");
    }
}

async fn write(writer: usize, shared: Arc<Shared>) -> Ledger {
    let mut ledger = Ledger::default();
    let forged = shared.caller.forged();
    for number in 0.. {
        if shared.is_over.load(Ordering::SeqCst) {
            break;
        }
        let title = format!("{writer} {number}");
        let caller = if number % REFUSED_EVERY == 0 { &forged } else { &shared.caller };
        let address = shared.address.lock().unwrap().clone();
        match caller.call(Method::POST, &address, "/api/tasks", Some(json!({ "title": title }))).await {
            Ok(reply) => {
                ledger.slowest = ledger.slowest.max(reply.took);
                match reply.status.as_u16() {
                    201 => {
                        let tag = reply.headers["etag"].to_str().unwrap().to_owned();
                        ledger.acknowledged.push((title, tag));
                        shared.acknowledged.fetch_add(1, Ordering::SeqCst);
                    }
                    status @ 500.. => {
                        assert!(matches!(reply.error(), (503, "UNAVAILABLE") | (504, "TIMEOUT")), "{:?}", reply.body);
                        if status == 503 {
                            ledger.slowest_503 = ledger.slowest_503.max(reply.took);
                        }
                        ledger.unknown.push(title);
                    }
                    _ => ledger.failed.push(title),
                }
            }
            Err(error) => {
                let told = if error.is_connect() { &mut ledger.failed } else { &mut ledger.unknown };
                told.push(title);
                // Nobody listens for now.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    ledger
}
