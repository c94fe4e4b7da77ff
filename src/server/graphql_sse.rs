//! GraphQL over server-sent events, in distinct connections mode
//! (<https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>). Events of `taskChanges` have ids, so that a peer
//! that sends the last one it heard of (`Last-Event-ID`) goes on from there.

use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::response::Response;
use axum::response::sse::Event;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use http::HeaderMap;

use super::boundary::{self, Fault, RequestId};
use super::{App, graphql_http, live, render};
use crate::auth::Verified;
use crate::error::{Code, Error, Problem, Result};
use crate::graphql::{Operation, Resumption};
use crate::rest::{event_stream, last_event};
use crate::task::Position;

/// Its data is there, and empty: without any, an `EventSource` would not hand it on. [`Event`] cannot say that.
const COMPLETE: Bytes = Bytes::from_static(b"event: complete\ndata: \n\n");

/// What the stream needs to know of its request.
#[derive(Debug)]
pub(super) struct Asked {
    request_id: RequestId,
    last_event: Result<Option<Position>, Problem>,
}

impl Asked {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self { request_id: RequestId::of(headers), last_event: last_event(headers) }
    }
}

/// Answers an operation event by event, and says when it is complete. A document that cannot run is an answer too: who
/// asks for events may see nothing else of it.
///
/// # Errors
/// Whatever is refused for another reason than the document.
pub(super) async fn answer(
    app: &App,
    caller: &Verified,
    asked: Asked,
    prepared: Result<Operation>,
) -> Result<Response> {
    let operation = match prepared {
        Ok(operation) => operation,
        Err(error) if is_of_the_document(&error) => return Ok(one(&render::graphql(&error))),
        Err(error) => return Err(error),
    };
    app.budget.charge(&caller.user, operation.complexity())?;
    if operation.is_subscription() {
        let after = asked.last_event;
        let after = after.map_err(|problem| Error::BadRequest(format!("Last-Event-ID: {}.", problem.msg)))?;
        let resumption = Resumption::after(after);
        let responses = app.graphql.subscribe(operation, caller.user.clone(), resumption.clone());
        let events = events(responses, resumption, asked.request_id.clone());
        return live::hold(app, caller, asked.request_id, completed(event_stream(events)));
    }
    let response = app.graphql.execute(operation, caller.user.clone()).await;
    let mut answer = one(&serde_json::to_vec(&response).map_err(Error::internal)?);
    if let Some(fault) = graphql_http::fault(&response) {
        answer.extensions_mut().insert(Fault(fault.clone()));
    }
    Ok(answer)
}

fn is_of_the_document(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::GraphqlParseFailed
            | Code::GraphqlValidationFailed
            | Code::OperationTooComplex
            | Code::PersistedQueryNotFound
    )
}

/// One result, and that there is no more.
fn one(result: &[u8]) -> Response {
    completed(event_stream(stream::iter([Ok(next(result))])))
}

fn next(result: &[u8]) -> Event {
    Event::default().event("next").data(String::from_utf8_lossy(result))
}

/// Says after the last event that there are no more.
fn completed(response: Response) -> Response {
    let (parts, events) = response.into_parts();
    let events = events.into_data_stream().chain(stream::iter([Ok(COMPLETE)]));
    Response::from_parts(parts, Body::from_stream(events))
}

/// The events of a subscription. A panic is its last result.
fn events(
    responses: impl Stream<Item = async_graphql::Response> + Send,
    resumption: Resumption,
    request_id: RequestId,
) -> impl Stream<Item = Result<Event>> + Send {
    AssertUnwindSafe(responses).catch_unwind().map(move |response| {
        let fault = match &response {
            Ok(response) => graphql_http::fault(response).cloned(),
            Err(panic) => Some(boundary::panic_error(&**panic)),
        };
        if let Some(cause) = fault.as_ref().and_then(Error::cause) {
            tracing::error!(request_id = request_id.as_str(), cause, "a subscription failed");
        }
        let result = match (response, fault) {
            (Ok(response), _) => serde_json::to_vec(&response).map_err(Error::internal)?,
            (Err(_), fault) => fault.map(|fault| render::graphql(&fault)).unwrap_or_default(),
        };
        let event = next(&result);
        Ok(match resumption.stands() {
            Some(place) => event.id(place.to_string()),
            None => event,
        })
    })
}
