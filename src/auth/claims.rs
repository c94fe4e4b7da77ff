//! What a token has to claim (RFC 7519, section 4.1), once its signature is known to be good.

use serde_json::{Map, Number, Value};

use super::verifier::Verified;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::user::UserId;

/// How far the clock that made a token may be from ours, in microseconds.
const LEEWAY: i64 = 30 * SECOND;
const SECOND: i64 = 1_000_000;

/// What this service asks of the claims.
#[derive(Debug)]
pub(super) struct ClaimRules {
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    /// The names that lead to the subject, outermost first.
    pub(super) subject: Vec<String>,
}

impl ClaimRules {
    /// Whose token it is and until when.
    pub(super) fn check(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<Verified> {
        let expires_at = check_times(claims, now)?;
        if let Some(issuer) = &self.issuer
            && claims.get("iss").and_then(Value::as_str) != Some(issuer)
        {
            return Err(Error::Unauthenticated("The token comes from another issuer."));
        }
        if let Some(audience) = &self.audience
            && !is_for(claims.get("aud"), audience)
        {
            return Err(Error::Unauthenticated("The token is meant for another audience."));
        }
        Ok(Verified { user: self.subject(claims)?, expires_at })
    }

    fn subject(&self, claims: &Map<String, Value>) -> Result<UserId> {
        let (first, rest) = self.subject.split_first().ok_or(NO_SUBJECT)?;
        let claim = rest.iter().try_fold(claims.get(first).ok_or(NO_SUBJECT)?, |claim, name| claim.get(name));
        claim.and_then(Value::as_str).and_then(UserId::parse).ok_or(NO_SUBJECT)
    }
}

const NO_SUBJECT: Error =
    Error::Unauthenticated("The token's subject is not a string of 1 to 255 characters without control characters.");

/// Checks `exp`, `nbf` and `iat`, and returns `exp` in whole seconds.
///
/// With the leeway L: a token is good while now < exp + L, from nbf - L on and from iat - L on.
fn check_times(claims: &Map<String, Value>, now: Timestamp) -> Result<i64> {
    let now = now.as_micros();
    let Some(exp) = numeric_date(claims, "exp")? else {
        return Err(Error::Unauthenticated("The token has no exp."));
    };
    if now >= exp.saturating_add(LEEWAY) {
        return Err(Error::Unauthenticated("The token has expired."));
    }
    let latest = now.saturating_add(LEEWAY);
    if numeric_date(claims, "nbf")?.is_some_and(|nbf| nbf > latest) {
        return Err(Error::Unauthenticated("The token is not valid yet."));
    }
    if numeric_date(claims, "iat")?.is_some_and(|iat| iat > latest) {
        return Err(Error::Unauthenticated("The token was issued in the future."));
    }
    Ok(Timestamp::from_micros(exp).as_seconds())
}

/// A `NumericDate` in microseconds: a number of seconds, which may have a fraction. A claim that is there but is no
/// number is refused, `null` too.
fn numeric_date(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(seconds)) => Ok(Some(micros(seconds))),
        Some(_) => Err(Error::Unauthenticated("The token's exp, nbf and iat have to be numbers.")),
    }
}

/// Seconds in microseconds; what does not fit is the end of time that is nearer.
fn micros(seconds: &Number) -> i64 {
    match (seconds.as_i64(), seconds.as_f64()) {
        (Some(whole), _) => whole.saturating_mul(SECOND),
        #[expect(clippy::cast_possible_truncation, reason = "a cast from a float saturates")]
        (None, Some(fractional)) => (fractional * 1e6).round() as i64,
        (None, None) => i64::MIN,
    }
}

/// Whether `aud`, one string or several, names `audience` (RFC 7519, section 4.1.3).
fn is_for(aud: Option<&Value>, audience: &str) -> bool {
    match aud {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one == audience),
        _ => false,
    }
}
