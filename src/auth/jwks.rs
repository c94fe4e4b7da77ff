//! The keys that an auth server publishes (a JWK Set, RFC 7517), kept at hand.
//!
//! They are fetched at the start, and again when a token names a key that is not among them, because that is how a
//! rotation looks from here. Callers decide what a token names, so they must not decide how often we fetch.

mod http;
mod key;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::{Mutex, watch};

pub(super) use self::http::HttpSource;
pub use self::http::check_jwks_url;
use self::key::{Key, parse_set};
use crate::clock::{SharedClock, Timestamp};
use crate::error::{Cause, Error, Result};

/// At least that long, in microseconds, is between the starts of two fetches.
const COOL_DOWN: i64 = 30_000_000;

/// Where a JWK Set comes from.
pub(super) trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// The set's JSON. An answer, or the failure to get one, comes within seconds.
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, Cause>>;
}

/// The keys of one source.
#[derive(Debug)]
pub(super) struct Jwks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Box<dyn KeySource>,
    clock: SharedClock,
    known: watch::Sender<Known>,
    /// When the last fetch began. Locked for as long as one lasts, so that there is one at a time.
    fetched_at: Arc<Mutex<Option<Timestamp>>>,
}

#[derive(Debug, Default)]
struct Known {
    /// The keys of the last fetch that succeeded: old keys are better than none while the source is away.
    keys: Vec<Key>,
    /// Why the last fetch failed, if it did.
    failure: Option<String>,
}

impl Jwks {
    pub(super) fn new(source: Box<dyn KeySource>, clock: SharedClock) -> Self {
        let known = watch::Sender::new(Known::default());
        Self(Arc::new(Inner { source, clock, known, fetched_at: Arc::default() }))
    }

    /// The one key for tokens with this `alg` and `kid`; without a `kid`, the one that fits `alg`.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when none fits or several do; [`Error::Unavailable`] when none fits and the last
    /// fetch failed.
    pub(super) async fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<DecodingKey> {
        if let Some(key) = self.0.known.borrow().find(algorithm, kid)? {
            return Ok(key);
        }
        self.refresh().await;
        let known = self.0.known.borrow();
        match (known.find(algorithm, kid)?, &known.failure) {
            (Some(key), _) => Ok(key),
            (None, Some(failure)) => Err(Error::unavailable(failure.as_str())),
            (None, None) => Err(Error::Unauthenticated("No key of this service fits the token.")),
        }
    }

    /// How many keys there are now, or why they could not be had.
    pub(super) fn status(&self) -> Result<usize, String> {
        let known = self.0.known.borrow();
        known.failure.clone().map_or(Ok(known.keys.len()), Err)
    }

    /// Fetches the keys, unless that was done a moment ago; waits for a fetch that is under way.
    pub(super) async fn refresh(&self) {
        let mut fetched_at = Arc::clone(&self.0.fetched_at).lock_owned().await;
        let now = self.0.clock.now();
        // A clock that was set back must not keep us from fetching until it is where it was.
        let is_fresh = |last: &Timestamp| (0..COOL_DOWN).contains(&(now.as_micros() - last.as_micros()));
        if fetched_at.as_ref().is_some_and(is_fresh) {
            return;
        }
        *fetched_at = Some(now);
        let inner = Arc::clone(&self.0);
        // In a task of its own: a caller who hangs up must not take the fetch, and the next 30 s, from the others.
        let task = tokio::spawn(async move {
            inner.fetch().await;
            drop(fetched_at);
        });
        if let Err(error) = task.await {
            tracing::error!(%error, "the task that fetches the keys of JWKS_URL ended early");
        }
    }
}

impl Inner {
    async fn fetch(&self) {
        let fetched = match self.source.fetch().await {
            Ok(body) => parse_set(&body).map_err(Cause::from),
            Err(cause) => Err(cause),
        };
        match fetched {
            Ok((keys, ignored)) => {
                tracing::info!(keys = keys.len(), ignored, "fetched the keys of JWKS_URL");
                self.known.send_replace(Known { keys, failure: None });
            }
            Err(cause) => {
                tracing::warn!(%cause, "the keys of JWKS_URL could not be fetched; tokens that need a new one get 503");
                let failure = format!("the keys of JWKS_URL could not be fetched: {cause}");
                self.known.send_modify(|known| known.failure = Some(failure));
            }
        }
    }
}

impl Known {
    fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<Option<DecodingKey>> {
        let mut fitting = self.keys.iter().filter(|key| key.fits(algorithm, kid));
        match (fitting.next(), fitting.next()) {
            (Some(_), Some(_)) => Err(Error::Unauthenticated("More than one key of this service fits the token.")),
            (one, _) => Ok(one.map(|key| key.decoding.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
