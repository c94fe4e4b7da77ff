//! The keys that an auth server publishes (a JWK Set, RFC 7517), kept at hand.
//!
//! They are fetched at the start, every five minutes, and when a token names a key that is not among them, because
//! that is how a rotation looks from here. Callers decide what a token names, so they must not decide how often we
//! fetch: [`Fetches`] does. The reasons are in `docs/adr/0030-keys-of-the-auth-server.md`.

mod fetches;
mod http;
mod key;
mod known;
mod pace;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::task::{JoinHandle, JoinSet};
use tracing::Instrument as _;

use self::fetches::{Fetches, Reply};
pub(super) use self::http::HttpSource;
pub use self::http::check_jwks_url;
use self::key::parse_set;
use self::known::{Known, NO_KEY};
use self::pace::{PACE, Pace};
use crate::clock::SharedClock;
use crate::error::{Cause, Error, Result};

/// Where a JWK Set comes from.
pub(super) trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// The set's JSON. An answer, or the failure to get one, comes within seconds.
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, Cause>>;
}

/// The keys of one source.
#[derive(Debug)]
pub(super) struct Jwks {
    inner: Arc<Inner>,
    /// What fetches on schedule, and ends with this value.
    refresher: OnceLock<JoinSet<()>>,
}

#[derive(Debug)]
struct Inner {
    source: Box<dyn KeySource>,
    clock: SharedClock,
    known: watch::Sender<Known>,
    fetches: Arc<Mutex<Fetches>>,
    /// Makes a short name of what a token says of its key, which may be long.
    names: RandomState,
}

impl Jwks {
    pub(super) fn new(source: Box<dyn KeySource>, clock: SharedClock) -> Self {
        let (known, fetches) = (watch::Sender::default(), Arc::default());
        let inner = Inner { source, clock, known, fetches, names: RandomState::new() };
        Self { inner: Arc::new(inner), refresher: OnceLock::new() }
    }

    /// Fetches the keys, now and on schedule, in the background, for as long as this value lives.
    pub(super) fn start(&self) {
        self.start_at(PACE);
    }

    fn start_at(&self, pace: Pace) {
        self.refresher.get_or_init(|| {
            let inner = Arc::clone(&self.inner);
            let mut tasks = JoinSet::new();
            tasks.spawn(async move {
                loop {
                    inner.refresh().await;
                    tokio::time::sleep(pace.pause(inner.failure().is_some())).await;
                }
            });
            tasks
        });
    }

    /// Fetches the keys, unless that was done a moment ago, and waits for it.
    pub(super) async fn refresh(&self) {
        self.inner.refresh().await;
    }

    /// Rises whenever the keys change.
    pub(super) fn generation(&self) -> u64 {
        self.inner.known.borrow().generation
    }

    /// How many keys there are now, or why they could not be had.
    pub(super) fn status(&self) -> Result<usize, String> {
        let known = self.inner.known.borrow();
        known.failure.clone().map_or(Ok(known.keys.len()), Err)
    }

    /// The one key for tokens with this `alg` and `kid`; without a `kid`, the one that fits `alg`.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when none fits or several do; [`Error::Unavailable`] when none fits and it cannot be
    /// said yet whether one was published meanwhile.
    pub(super) async fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<DecodingKey> {
        let inner = &self.inner;
        if let Some(key) = inner.find(algorithm, kid)? {
            return Ok(key);
        }
        let fetches = Arc::clone(&inner.fetches);
        let mut fetches = match (inner.failure(), Arc::clone(&fetches).try_lock_owned()) {
            (_, Ok(fetches)) => fetches,
            // Nobody waits for a source that is known to be away: callers could tie us up with such tokens.
            (Some(failure), Err(_)) => return Err(Error::unavailable(failure)),
            (None, Err(_)) => fetches.lock_owned().await,
        };
        // Whoever was waited for may have brought it.
        if let Some(key) = inner.find(algorithm, kid)? {
            return Ok(key);
        }
        let reply = fetches.ask(inner.names.hash_one((algorithm, kid)), inner.clock.now());
        match (reply, inner.failure()) {
            (Reply::Fetch, None) => inner.fetch(fetches).await,
            (Reply::Fetch, Some(_)) => drop(inner.spawn_fetch(fetches)),
            (Reply::Later, None) => return Err(Error::unavailable(TOO_EARLY)),
            (Reply::Missing, None) | (_, Some(_)) => (),
        }
        match (inner.find(algorithm, kid)?, inner.failure()) {
            (Some(key), _) => Ok(key),
            (None, Some(failure)) => Err(Error::unavailable(failure)),
            (None, None) => Err(NO_KEY),
        }
    }
}

const TOO_EARLY: &str =
    "a token names a key that is not known, and less than 30 s ago the keys were fetched for another";

impl Inner {
    fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<Option<DecodingKey>> {
        self.known.borrow().find(algorithm, kid)
    }

    fn failure(&self) -> Option<String> {
        self.known.borrow().failure.clone()
    }

    async fn refresh(self: &Arc<Self>) {
        let mut fetches = Arc::clone(&self.fetches).lock_owned().await;
        if fetches.begin_scheduled(self.clock.now()) {
            self.fetch(fetches).await;
        }
    }

    async fn fetch(self: &Arc<Self>, fetches: OwnedMutexGuard<Fetches>) {
        if let Err(error) = self.spawn_fetch(fetches).await {
            tracing::error!(%error, "the task that fetches the keys of JWKS_URL ended early");
        }
    }

    /// Fetches in a task of its own: a caller who hangs up must not take the fetch, and the next 30 s, from the others.
    fn spawn_fetch(self: &Arc<Self>, mut fetches: OwnedMutexGuard<Fetches>) -> JoinHandle<()> {
        let inner = Arc::clone(self);
        let fetch = async move {
            let answer = match inner.source.fetch().await {
                Ok(body) => parse_set(&body).map(|set| (body, set)).map_err(Cause::from),
                Err(cause) => Err(cause),
            };
            match answer {
                Ok((body, (keys, ignored))) => {
                    let count = keys.len();
                    if inner.known.send_if_modified(|known| known.learn(body, keys)) {
                        tracing::info!(keys = count, ignored, "fetched new keys from JWKS_URL");
                    }
                    fetches.succeeded();
                }
                Err(cause) => inner.fail(&cause),
            }
        };
        // It is a part of the trace of whoever asked for it.
        tokio::spawn(fetch.in_current_span())
    }

    fn fail(&self, cause: &Cause) {
        tracing::warn!(%cause, "the keys of JWKS_URL could not be fetched; tokens that need a new one get 503");
        let failure = format!("the keys of JWKS_URL could not be fetched: {cause}");
        self.known.send_modify(|known| known.failure = Some(failure));
    }
}

#[cfg(test)]
mod tests;
