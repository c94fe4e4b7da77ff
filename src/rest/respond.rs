//! Responses that routes have in common.

use async_graphql::Value;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::etag;
use super::translate::{take, take_text};
use crate::error::{Error, Result};
use crate::graphql;

/// A subtree as the bytes of a body.
pub(super) fn written(subtree: &Value) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    graphql::json::write(subtree, &mut bytes);
    bytes
}

pub(super) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// A task, its revision as the entity tag.
pub(super) fn task(mut task: Value) -> Result<Response> {
    let etag = etag::of_task(&take_text(&mut task, "revision")?)?;
    let mut response = json(StatusCode::OK, written(&task));
    response.headers_mut().insert(header::ETAG, etag);
    Ok(response)
}

/// A task that was made, and where it is.
pub(super) fn created(made: Value) -> Result<Response> {
    let place = match &made {
        Value::Object(members) => members.get("id").map(|id| header_value(format!("/api/tasks/{id}"))).transpose()?,
        _ => None,
    };
    let mut response = task(made)?;
    *response.status_mut() = StatusCode::CREATED;
    response.headers_mut().extend(place.map(|place| (header::LOCATION, place)));
    Ok(response)
}

/// A page as a bare array, with the way to the next one while there is more.
pub(super) fn page(
    body: Vec<u8>,
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
