//! Responses that routes have in common.

use async_graphql::Value;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use super::etag;
use super::translate::{take, take_text};
use crate::error::{Error, Result};
use crate::graphql;
use crate::task::Revision;

/// A subtree as the bytes of a body: what is written already, as it is.
pub(super) fn written(subtree: Value) -> Bytes {
    if let Value::Binary(json) = subtree {
        return json;
    }
    let mut bytes = Vec::with_capacity(512);
    graphql::json::write(&subtree, &mut bytes);
    bytes.into()
}

pub(super) fn json(status: StatusCode, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// A task as an operation answers it: written already, with its id first and its revision last.
pub(super) struct Answered(Bytes);

impl Answered {
    pub(super) fn of(task: Value) -> Result<Self> {
        match task {
            Value::Binary(json) => Ok(Self(json)),
            _ => Err(Error::internal("an operation answered a task that is not written")),
        }
    }

    /// The members that REST has of it, without the end of the object, and its revision.
    fn parts(&self) -> Result<(&[u8], Revision)> {
        let parts = || {
            let last = self.0.strip_suffix(b"\"}")?;
            let (members, digits) = last.split_at(last.iter().rposition(|byte| *byte == b'"')? + 1);
            let revision = Revision::parse(str::from_utf8(digits).ok()?).ok()?;
            Some((members.strip_suffix(br#","revision":""#)?, revision))
        };
        parts().ok_or_else(|| Error::internal("an operation answered a task without its revision"))
    }

    pub(super) fn revision(&self) -> Result<Revision> {
        self.parts().map(|(_, revision)| revision)
    }

    fn id(&self) -> Option<&[u8]> {
        self.0.strip_prefix(br#"{"id":"#)?.split(|byte| *byte == b',').next()
    }
}

/// A task, its revision as the entity tag.
pub(super) fn task(task: &Answered) -> Result<Response> {
    let (members, revision) = task.parts()?;
    let mut response = json(StatusCode::OK, [members, b"}"].concat().into());
    response.headers_mut().insert(header::ETAG, etag::of_task(revision)?);
    Ok(response)
}

/// A task that was made, and where it is.
pub(super) fn created(made: &Answered) -> Result<Response> {
    let mut response = task(made)?;
    *response.status_mut() = StatusCode::CREATED;
    let id = made.id().ok_or_else(|| Error::internal("an operation answered a task without its id"))?;
    let place = HeaderValue::from_bytes(&[b"/api/tasks/", id].concat()).map_err(Error::internal)?;
    response.headers_mut().insert(header::LOCATION, place);
    Ok(response)
}

/// A page as a bare array, with the way to the next one while there is more.
pub(super) fn page(
    body: Bytes,
    etag: HeaderValue,
    mut page: Value,
    next: impl FnOnce(&str) -> String,
) -> Result<Response> {
    let mut response = json(StatusCode::OK, body);
    if take(&mut page, "hasNextPage")? == Value::Boolean(true) {
        let link = format!("<{}>; rel=\"next\"", next(&take_text(&mut page, "endCursor")?));
        response.headers_mut().insert(header::LINK, header_value(link)?);
    }
    response.headers_mut().insert(header::ETAG, etag);
    Ok(response)
}

pub(super) fn not_modified(etag: HeaderValue) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response()
}

fn header_value(text: String) -> Result<HeaderValue> {
    HeaderValue::try_from(text).map_err(Error::internal)
}
