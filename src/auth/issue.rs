//! Tokens of our own, for `taskgate token` and `taskgate dev`.

use jsonwebtoken::{EncodingKey, Header, encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::user::UserId;

/// An HS256 token for `user`, as a [`Verifier`](super::Verifier) with the same secret, subject claim, issuer and
/// audience accepts it.
///
/// `subject_claim` is a dotted path (`user.id` makes `{"user": {"id": …}}`); `iss` and `aud` are left out when they
/// are `None`. The token ends `ttl_seconds` after `issued_at`.
///
/// # Errors
/// [`Error::Internal`] when the token cannot be signed.
pub fn issue(
    secret: &SecretString,
    subject_claim: &str,
    user: &UserId,
    issuer: Option<&str>,
    audience: Option<&str>,
    issued_at: Timestamp,
    ttl_seconds: i64,
) -> Result<String> {
    let issued_at = issued_at.as_seconds();
    let mut claims = subject_claim.rsplit('.').fold(Value::from(user.as_str()), |inner, name| json!({ name: inner }));
    claims["iat"] = issued_at.into();
    claims["exp"] = issued_at.saturating_add(ttl_seconds).into();
    if let Some(issuer) = issuer {
        claims["iss"] = issuer.into();
    }
    if let Some(audience) = audience {
        claims["aud"] = audience.into();
    }
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    encode(&Header::default(), &claims, &key).map_err(Error::internal)
}
