//! Whether a token is to be believed.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::cache::{CacheFigures, TokenCache};
use super::claims::{Accepted, ClaimRules};
use super::jwks::{HttpSource, Jwks, check_jwks_url};
use super::token::{Token, check_length};
use crate::clock::SharedClock;
use crate::error::{Error, Result};
use crate::user::UserId;

/// Which tokens are accepted.
#[derive(Debug, Clone)]
pub struct TokenRules {
    /// The secrets of HS256 tokens: the current one, then previous ones. Their UTF-8 bytes are the keys.
    pub secrets: Vec<SecretString>,
    /// Where the keys of all other tokens are published, as a JWK Set (RFC 7517).
    pub jwks_url: Option<Url>,
    /// What `iss` has to be, when it matters.
    pub issuer: Option<String>,
    /// What `aud` has to be or to contain, when it matters.
    pub audience: Option<String>,
    /// The dotted path to the claim that names the user: `sub`, or `user.id` for `{"user": {"id": …}}`.
    pub subject_claim: String,
}

impl TokenRules {
    /// The fewest bytes that a secret may have: the hash's own length (RFC 7518, section 3.2).
    pub const MIN_SECRET_BYTES: usize = 32;
}

/// Why [`TokenRules`] cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("No token could be verified; set BETTER_AUTH_SECRET or JWKS_URL.")]
    NoKeys,
    #[error("A secret for tokens is shorter than {} bytes; use a longer one.", TokenRules::MIN_SECRET_BYTES)]
    ShortSecret,
    #[error("JWKS_URL: {0}.")]
    JwksUrl(&'static str),
    #[error("JWT_SUBJECT_CLAIM has to be names with a dot between them, such as sub or user.id.")]
    SubjectClaim,
    /// There is no way to speak HTTPS, for want of certificates for example.
    #[error("The keys of JWKS_URL cannot be fetched from this machine.")]
    Http(#[source] reqwest::Error),
}

/// Who sent a token, and until when it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub user: UserId,
    /// The token's `exp` in whole seconds since 1970-01-01T00:00:00Z. The token is accepted for 30 s longer.
    pub expires_at: i64,
}

/// Verifies tokens. A clone is another handle to the same keys; with the last one the work in the background ends.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    secrets: Vec<DecodingKey>,
    jwks: Option<Jwks>,
    claims: ClaimRules,
    cache: TokenCache,
    clock: SharedClock,
}

impl Verifier {
    /// A verifier that follows `rules`. It has no keys of `jwks_url` before [`Verifier::start`], and then gets them
    /// with the first token that needs them.
    pub fn new(rules: TokenRules, clock: SharedClock) -> Result<Self, RulesError> {
        let jwks = match rules.jwks_url.clone() {
            None => None,
            Some(url) => {
                check_jwks_url(&url).map_err(RulesError::JwksUrl)?;
                let source = HttpSource::new(url).map_err(RulesError::Http)?;
                Some(Jwks::new(Box::new(source), Arc::clone(&clock)))
            }
        };
        Self::with_jwks(rules, jwks, clock)
    }

    fn with_jwks(rules: TokenRules, jwks: Option<Jwks>, clock: SharedClock) -> Result<Self, RulesError> {
        if rules.secrets.is_empty() && jwks.is_none() {
            return Err(RulesError::NoKeys);
        }
        let secrets: Vec<&[u8]> = rules.secrets.iter().map(|secret| secret.expose_secret().as_bytes()).collect();
        if secrets.iter().any(|secret| secret.len() < TokenRules::MIN_SECRET_BYTES) {
            return Err(RulesError::ShortSecret);
        }
        let secrets = secrets.into_iter().map(DecodingKey::from_secret).collect();
        let subject: Vec<String> = rules.subject_claim.split('.').map(str::to_owned).collect();
        if subject.iter().any(String::is_empty) {
            return Err(RulesError::SubjectClaim);
        }
        let claims = ClaimRules { issuer: rules.issuer, audience: rules.audience, subject };
        Ok(Self(Arc::new(Inner { secrets, jwks, claims, cache: TokenCache::default(), clock })))
    }

    /// Begins to fetch the keys of `jwks_url`, now and every few minutes, in the background: on the runtime that it is
    /// called on. That they cannot be fetched is logged, and no reason not to serve.
    pub fn start(&self) {
        if let Some(jwks) = &self.0.jwks {
            jwks.start();
        }
    }

    /// Fetches the keys of `jwks_url`, unless that was done less than 30 s ago, and says what keys there are, in words
    /// for an operator.
    ///
    /// # Errors
    /// A sentence that says why the keys of `jwks_url` could not be had.
    pub async fn try_keys(&self) -> std::result::Result<String, String> {
        if let Some(jwks) = &self.0.jwks {
            jwks.refresh().await;
        }
        let secrets = format!("{} for HS256", self.0.secrets.len());
        match self.0.jwks.as_ref().map(Jwks::status) {
            None => Ok(secrets),
            Some(Ok(keys)) => Ok(format!("{secrets}, {keys} of JWKS_URL")),
            Some(Err(failure)) => Err(format!("{failure}.")),
        }
    }

    /// Says whose token `token` is.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] with the rule that the token breaks; [`Error::Unavailable`] when it needs a key
    /// that could not be fetched, or that cannot be looked for yet.
    pub async fn verify(&self, token: &str) -> Result<Verified> {
        let inner = &*self.0;
        check_length(token)?;
        // Read before a key is: what is remembered is then never newer than the key that verified it.
        let generation = inner.jwks.as_ref().map_or(0, Jwks::generation);
        if let Some(verified) = inner.cache.get(token, generation, inner.clock.now()) {
            return Ok(verified);
        }
        let accepted = inner.check(token).await?;
        let verified = accepted.verified.clone();
        inner.cache.insert(token, generation, accepted);
        Ok(verified)
    }

    /// What the cache of verified tokens has done, for operators.
    #[must_use]
    pub fn cache_figures(&self) -> CacheFigures {
        self.0.cache.figures()
    }
}

impl Inner {
    /// Checks a token by its signature and claims.
    async fn check(&self, token: &str) -> Result<Accepted> {
        let token = Token::parse(token)?;
        let claims = match (token.algorithm, &self.jwks) {
            // A key of the JWK Set is never a secret, and a secret never a key of the set: what `alg` says cannot
            // make one of the other (RFC 8725, section 3.1).
            (Algorithm::HS256, _) if self.secrets.is_empty() => return Err(NO_KEY),
            (Algorithm::HS256, _) => token.open(&self.secrets)?,
            (_, None) => return Err(NO_KEY),
            (algorithm, Some(jwks)) => token.open(&[jwks.find(algorithm, token.kid.as_deref()).await?])?,
        };
        self.claims.check(&claims, self.clock.now())
    }
}

const NO_KEY: Error = Error::Unauthenticated("The token's alg is one that this service has no key for.");

/// Without keys, secret or not.
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("secrets", &self.0.secrets.len())
            .field("jwks", &self.0.jwks.is_some())
            .field("claims", &self.0.claims)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
