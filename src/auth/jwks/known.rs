//! The keys that are at hand.

use jsonwebtoken::{Algorithm, DecodingKey};

use super::key::Key;
use crate::error::{Error, Result};

/// The keys of the last fetch that succeeded: old keys are better than none while the source is away.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) keys: Vec<Key>,
    /// The answer that they came in.
    body: Vec<u8>,
    /// How many different answers there have been.
    pub(super) generation: u64,
    /// Why the last fetch failed, if it did.
    pub(super) failure: Option<String>,
}

pub(super) const NO_KEY: Error = Error::Unauthenticated("No key of this service fits the token.");

impl Known {
    /// Takes the keys of an answer, and says whether it is another one than before.
    pub(super) fn learn(&mut self, body: Vec<u8>, keys: Vec<Key>) -> bool {
        self.failure = None;
        let is_new = self.body != body;
        if is_new {
            (self.keys, self.body, self.generation) = (keys, body, self.generation + 1);
        }
        is_new
    }

    /// The one key that fits; `None` when no key has that name, and so one may yet come.
    pub(super) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<Option<DecodingKey>> {
        let mut fitting = self.keys.iter().filter(|key| key.fits(algorithm, kid));
        match (fitting.next(), fitting.next()) {
            (Some(_), Some(_)) => Err(Error::Unauthenticated("More than one key of this service fits the token.")),
            (Some(key), None) => Ok(Some(key.decoding.clone())),
            (None, _) if kid.is_some_and(|kid| self.keys.iter().any(|key| key.is_named(kid))) => Err(NO_KEY),
            (None, _) => Ok(None),
        }
    }
}
