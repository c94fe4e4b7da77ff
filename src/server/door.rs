//! What both doors do before anything else: whose request is it, and may that user spend more?

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use axum::response::Response;
use bytes::BytesMut;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};

use super::{App, address};
use crate::auth::{self, Verified};
use crate::budget::{Allowance, Budget};
use crate::error::{Error, Result};
use crate::user::UserId;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Both numbers have at most ten digits.
const LONGEST: usize = 36;
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// Whose request it is, once that is known: left here for the layers around the doors.
#[derive(Debug, Clone, Default)]
pub(super) struct Caller(Arc<OnceLock<UserId>>);

/// The user of the token, who has paid for the request, and until when the token counts.
///
/// # Errors
/// As [`identify`]; `RateLimited` for a user whose budget is used up.
pub(super) async fn admit(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Result<Verified> {
    let address = || address::client(headers, extensions, &app.settings.trusted_proxies);
    let verified = identify(app, headers, address).await?;
    if let Some(caller) = extensions.get::<Caller>() {
        let _ = caller.0.set(verified.user.clone());
    }
    app.budget.admit(&verified.user)?;
    Ok(verified)
}

/// Whose token is in the headers, and until when it counts.
///
/// The token comes first, so that one that verifies is never refused for what others do at the same address. What that
/// leaves to a flood of bad ones is the work of verifying them, which is bounded: see `auth`. A token that needs a key
/// which cannot be had is none that verifies, so it counts as well: anybody can name a key that nobody has.
///
/// # Errors
/// As [`auth::authenticate`]; `RateLimited` instead for an address that failed too often.
pub(super) async fn identify(
    app: &App,
    headers: &HeaderMap,
    address: impl FnOnce() -> Option<IpAddr>,
) -> Result<Verified> {
    let verified = auth::authenticate(headers, &app.verifier).await;
    if let Err(Error::Unauthenticated(_) | Error::Unavailable(_)) = verified {
        app.failures.count(address())?;
    }
    verified
}

/// What every user is told of the budget, where there is one.
pub(super) fn policy(budget: &Budget) -> Option<HeaderValue> {
    budget.policy().and_then(|policy| item(policy, 'q', 'w'))
}

/// Tells a caller whose token was good what is left of the budget, whatever the answer is
/// (draft-ietf-httpapi-ratelimit-headers-11).
pub(super) fn tell_what_is_left(app: &App, caller: &Caller, response: &mut Response) {
    let Some(policy) = &app.policy else { return };
    let Some(mut left) = caller.0.get().and_then(|user| app.budget.left(user)) else { return };
    if let Some(Error::RateLimited { retry_after }) = response.extensions().get() {
        // The window that is told must not outlast the time after which to come again (section 6).
        left.seconds = left.seconds.min(*retry_after);
    }
    response.headers_mut().insert(POLICY, policy.clone());
    response.headers_mut().extend(item(left, 'r', 't').map(|left| (LEFT, left)));
}

fn item(allowance: Allowance, points: char, seconds: char) -> Option<HeaderValue> {
    let Allowance { points: number, seconds: time } = allowance;
    let mut text = BytesMut::with_capacity(LONGEST);
    write!(text, "\"default\";{points}={number};{seconds}={time}").ok()?;
    HeaderValue::from_maybe_shared(text.freeze()).ok()
}
