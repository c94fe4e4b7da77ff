//! The operations that run on a socket.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::Response;
use futures_util::stream::{self, AbortHandle, Abortable, BoxStream, SelectAll};
use futures_util::{FutureExt as _, Stream, StreamExt as _};

use super::super::boundary::{self, RequestId};
use super::super::{App, graphql_http};
use super::message;
use crate::error::{Error, Result};
use crate::graphql::{Call, Resumption};
use crate::user::UserId;

/// Operations by their ids. Each goes on only when what it said before was taken.
#[derive(Default)]
pub(super) struct Operations {
    running: SelectAll<Abortable<BoxStream<'static, Said>>>,
    handles: HashMap<Arc<str>, AbortHandle>,
}

/// A message of an operation.
#[derive(Debug)]
struct Said {
    id: Arc<str>,
    text: String,
    is_last: bool,
}

/// What becomes of an operation.
enum Event {
    Next(Response),
    Complete,
    Error(Error),
}

impl Operations {
    pub(super) fn count(&self) -> usize {
        self.handles.len()
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.handles.contains_key(id)
    }

    /// Begins to run a call as `user` under an id that no other operation has. The log tells of its faults under
    /// `request_id`.
    pub(super) fn start(&mut self, id: &str, app: App, user: UserId, call: Call, request_id: RequestId) {
        let id: Arc<str> = id.into();
        let name = Arc::clone(&id);
        let said = run(app, user, call).map(move |event| say(Arc::clone(&name), event, request_id.as_str())).boxed();
        let (handle, registration) = AbortHandle::new_pair();
        self.handles.insert(id, handle);
        self.running.push(Abortable::new(said, registration));
    }

    /// Gives an operation up, if it still runs; nothing more is said of it.
    pub(super) fn stop(&mut self, id: &str) {
        if let Some(handle) = self.handles.remove(id) {
            handle.abort();
        }
    }

    /// Waits for the next message; `None` when nothing runs. Nothing is lost when that is given up.
    pub(super) async fn next(&mut self) -> Option<String> {
        let Said { id, text, is_last } = self.running.next().await?;
        if is_last {
            self.handles.remove(&id);
        }
        Some(text)
    }
}

/// Runs a call.
fn run(app: App, user: UserId, call: Call) -> impl Stream<Item = Event> + Send {
    let events = async move {
        match begin(&app, user, call).await {
            Ok(responses) => responses.map(Event::Next).chain(stream::iter([Event::Complete])).boxed(),
            Err(error) => stream::iter([Event::Error(error)]).boxed(),
        }
    };
    contained(events.flatten_stream())
}

/// Answers a call within the bounds of a request, which costs what it would cost over HTTP. A subscription is past them
/// once it has begun.
async fn begin(app: &App, user: UserId, call: Call) -> Result<BoxStream<'static, Response>> {
    let begun = app.gate.run(true, async {
        app.budget.admit(&user)?;
        let operation = app.graphql.prepare(call).await?;
        app.budget.charge(&user, operation.complexity())?;
        Ok(if operation.is_subscription() {
            app.graphql.subscribe(operation, user, Resumption::default()).boxed()
        } else {
            stream::iter([app.graphql.execute(operation, user).await]).boxed()
        })
    });
    begun.await?
}

/// Makes a panic an error of this operation, and of no other.
fn contained(events: impl Stream<Item = Event> + Send) -> impl Stream<Item = Event> + Send {
    let caught = AssertUnwindSafe(events).catch_unwind();
    caught.map(|event| event.unwrap_or_else(|payload| Event::Error(boundary::panic_error(&*payload))))
}

/// Writes an event down for the peer, and the cause of a fault for the log.
fn say(id: Arc<str>, event: Event, request_id: &str) -> Said {
    let is_next = matches!(event, Event::Next(_));
    let said = match event {
        Event::Next(response) => {
            message::next(&id, &response).map(|text| (text, graphql_http::fault(&response).cloned()))
        }
        Event::Complete => Ok((message::complete(&id), None)),
        Event::Error(error) => Err(error),
    };
    let is_last = said.is_err() || !is_next;
    let (text, fault) = said.unwrap_or_else(|error| (message::error(&id, &error), Some(error)));
    if let Some(cause) = fault.as_ref().and_then(Error::cause) {
        tracing::error!(request_id, cause, "an operation on a socket failed");
    }
    Said { id, text, is_last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_operation() {
        let events = async { [Event::Complete, Event::Complete] };
        let panics = events.into_stream().flat_map(stream::iter).map(|_| panic!("the resolver's own words"));
        let said: Vec<Said> = contained(panics).map(|event| say("1".into(), event, "id")).collect().await;
        assert_eq!(said.len(), 1);
        assert!(said[0].is_last);
        let told: serde_json::Value = serde_json::from_str(&said[0].text).unwrap();
        assert_eq!((&told["type"], &told["id"]), (&"error".into(), &"1".into()));
        assert_eq!(told["payload"][0]["extensions"]["code"], "INTERNAL");
        assert!(!said[0].text.contains("words"));
    }
}
