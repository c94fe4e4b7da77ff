//! Answers that go on: how many a user may have, and what ends them.

use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderValue, header};
use tokio::select;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::App;
use super::boundary::RequestId;
use crate::auth::Verified;
use crate::clock::SharedClock;
use crate::error::{Cause, Error, Result};

mod lease;
mod places;

pub(super) use lease::{Due, Lease};
pub(super) use places::{Place, Sockets};

/// How often it is looked at what the time asks for. A token ends by the clock, which may be set.
const PATROL: Duration = Duration::from_secs(1);

/// Why an answer ended before it was complete.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cut(&'static str);

/// An answer that goes on.
struct Live {
    events: BodyDataStream,
    cut: Pin<Box<dyn Future<Output = Cut> + Send>>,
    request_id: RequestId,
    _place: Place,
}

/// Whether an answer is a stream of events.
pub(super) fn is_stream(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    content_type.is_some_and(|value| value.starts_with(b"text/event-stream"))
}

/// Gives a stream of events a place among those of its user. It is cut when the token ends and when the server stops: the
/// connection breaks off, so that nobody takes it for the end of the events, and clients that try again do.
///
/// # Errors
/// `TooManyStreams` when the user has as many as one may have, sockets among them; `Unavailable` when the server stops.
pub(super) fn hold(app: &App, caller: &Verified, request_id: RequestId, response: Response) -> Result<Response> {
    if app.stop.has_begun() {
        return Err(Error::unavailable("the server is stopping"));
    }
    let most = app.settings.limits.sockets.per_user;
    let place = app.sockets.take(&caller.user, most).ok_or(Error::TooManyStreams { most })?;
    let leaving = app.stop.clone().leaving(app.sockets.turn());
    let expiry = expired(app.clock.clone(), Lease::until(caller.expires_at));
    let cut = Box::pin(async move {
        select! {
            () = leaving => Cut("the server is stopping"),
            () = expiry => Cut("the token expired"),
        }
    });
    let (parts, body) = response.into_parts();
    let live = Live { events: body.into_data_stream(), cut, request_id, _place: place };
    let events = stream::unfold(Some(live), |live| async move {
        let mut live = live?;
        let item: Result<Bytes, Cause> = select! {
            cut = &mut live.cut => Err(Cause::from(cut)),
            item = live.events.next() => item?.map_err(|error| told(error, live.request_id.as_str())),
        };
        let goes_on = item.is_ok();
        Some((item, goes_on.then_some(live)))
    });
    Ok(Response::from_parts(parts, Body::from_stream(events)))
}

/// Ticks when it is time to look at the time again.
pub(super) fn patrol() -> Interval {
    let mut patrol = interval(PATROL);
    patrol.set_missed_tick_behavior(MissedTickBehavior::Delay);
    patrol
}

/// Waits for the end of a token.
async fn expired(clock: SharedClock, lease: Lease) {
    let mut patrol = patrol();
    while lease.left(clock.now()) > 0 {
        patrol.tick().await;
    }
}

/// Logs why the events ended.
fn told(error: axum::Error, request_id: &str) -> Cause {
    let error = error.into_inner();
    if let Some(cause) = error.downcast_ref::<Error>().and_then(Error::cause) {
        tracing::error!(request_id, cause, "a stream of events failed");
    } else {
        tracing::debug!(request_id, %error, "a stream of events ended");
    }
    error
}
