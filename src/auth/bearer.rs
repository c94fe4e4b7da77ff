//! The token in a request.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use super::verifier::{Verified, Verifier};
use crate::error::{Error, Result};
use crate::timing::{Phase, measure};

/// Verifies the token of the one `Authorization: Bearer <token>` header (RFC 6750, section 2.1).
///
/// # Errors
/// [`Error::Unauthenticated`] when there is no such header, more than one, or one of another form or scheme;
/// otherwise as [`Verifier::verify`].
pub async fn authenticate(headers: &HeaderMap, verifier: &Verifier) -> Result<Verified> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Err(Error::Unauthenticated("Send a token in the header Authorization: Bearer <token>.")),
        // Two headers are two users, and a proxy in front of us may have looked at the other one.
        (Some(_), Some(_)) => Err(Error::Unauthenticated("Send one Authorization header, not several.")),
        (Some(value), None) => measure(Phase::Auth, verifier.verify(bearer(value)?)).await,
    }
}

/// The token in the header's value. The scheme has no case (RFC 9110, section 11.1).
fn bearer(value: &HeaderValue) -> Result<&str> {
    let malformed = Error::Unauthenticated("The Authorization header has to be the word Bearer, a space and a token.");
    match value.to_str().ok().and_then(|text| text.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => match token.trim_matches(' ') {
            "" => Err(malformed),
            token => Ok(token),
        },
        _ => Err(malformed),
    }
}

#[cfg(test)]
mod tests;
