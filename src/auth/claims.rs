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

/// What claims that were accepted say, and when they are: at any time t with `from` <= t < `until`, leeway included.
#[derive(Debug, Clone)]
pub(super) struct Accepted {
    pub(super) verified: Verified,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

impl ClaimRules {
    /// Whose token it is and when it counts, if it does now.
    pub(super) fn check(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<Accepted> {
        let Times { expires_at, from, until } = check_times(claims, now)?;
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
        Ok(Accepted { verified: Verified { user: self.subject(claims)?, expires_at }, from, until })
    }

    fn subject(&self, claims: &Map<String, Value>) -> Result<UserId> {
        let (first, rest) = self.subject.split_first().ok_or(NO_SUBJECT)?;
        let claim = rest.iter().try_fold(claims.get(first).ok_or(NO_SUBJECT)?, |claim, name| claim.get(name));
        claim.and_then(Value::as_str).and_then(UserId::parse).ok_or(NO_SUBJECT)
    }
}

const NO_SUBJECT: Error =
    Error::Unauthenticated("The token's subject is not a string of 1 to 255 characters without control characters.");

struct Times {
    /// `exp` in whole seconds.
    expires_at: i64,
    from: Timestamp,
    until: Timestamp,
}

/// Checks `exp`, `nbf` and `iat`.
///
/// With the leeway L: a token is good while now < exp + L, from nbf - L on and from iat - L on.
fn check_times(claims: &Map<String, Value>, now: Timestamp) -> Result<Times> {
    let Some(exp) = numeric_date(claims, "exp")? else {
        return Err(Error::Unauthenticated("The token has no exp."));
    };
    let until = Timestamp::from_micros(exp.saturating_add(LEEWAY));
    if now >= until {
        return Err(Error::Unauthenticated("The token has expired."));
    }
    let valid_from = start(claims, "nbf")?;
    if now < valid_from {
        return Err(Error::Unauthenticated("The token is not valid yet."));
    }
    let issued_from = start(claims, "iat")?;
    if now < issued_from {
        return Err(Error::Unauthenticated("The token was issued in the future."));
    }
    let expires_at = Timestamp::from_micros(exp).as_seconds();
    Ok(Times { expires_at, from: valid_from.max(issued_from), until })
}

/// From when on a claim lets a token count: always, when it is not there.
fn start(claims: &Map<String, Value>, name: &str) -> Result<Timestamp> {
    let date = numeric_date(claims, name)?.unwrap_or(i64::MIN);
    Ok(Timestamp::from_micros(date.saturating_sub(LEEWAY)))
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
