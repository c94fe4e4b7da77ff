//! Changes as server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use async_graphql::Value;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{Stream, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::changes;
use super::translate::text;
use crate::error::{Error, Problem, Result};
use crate::task::Position;

/// Tells proxies of nginx's kind to hand events on at once.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The last event that a caller heard of: where it stands (`Last-Event-ID`).
///
/// # Errors
/// A problem of type `revision` when it is no place in the feed.
pub fn last_event(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let last = headers.get("last-event-id").map(|value| String::from_utf8_lossy(value.as_bytes()));
    last.filter(|text| !text.is_empty()).map(|text| Position::parse(&text)).transpose()
}

/// An answer that goes on for as long as the caller listens. A comment now and then keeps what is in between from taking
/// it for dead.
pub fn stream(events: impl Stream<Item = Result<Event>> + Send + 'static) -> Response {
    let mut response = Sse::new(events).keep_alive(KeepAlive::new()).into_response();
    response.headers_mut().insert(BUFFERING, HeaderValue::from_static("no"));
    response
}

/// A change of a task as an event: what it is called, where a listener stands that has it, and the change.
pub(super) fn of_changes(nodes: impl Stream<Item = Result<Value>>) -> impl Stream<Item = Result<Event>> {
    nodes.map(|node| {
        let change = changes::change(node?)?;
        let (name, id) = (text(&change, "type")?, text(&change, "revision")?);
        Event::default().event(name).id(id).json_data(&change).map_err(Error::internal)
    })
}
