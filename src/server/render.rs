//! Errors as a caller reads them: one envelope for REST, one for GraphQL.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

use crate::error::Error;
use crate::graphql::extensions;
use crate::rest::envelope;

/// How long a caller should wait before it tries again, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// The same for one who follows too much at once: the others end when they will.
const STREAMS_RETRY_AFTER: HeaderValue = HeaderValue::from_static("10");

/// An error leaves a handler without a body; [`super::boundary`] gives it the one that its route speaks.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.code().status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The headers that belong to an error on every route.
pub(super) fn headers(error: &Error, headers: &mut HeaderMap) {
    match error {
        Error::Unauthenticated(_) => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Error::Unavailable(_) => {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        Error::TooManyStreams { .. } => {
            headers.insert(header::RETRY_AFTER, STREAMS_RETRY_AFTER);
        }
        Error::RateLimited { retry_after } => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
        }
        _ => {}
    }
}

/// The body of an error on every route but `/graphql`.
pub(super) fn rest(error: &Error) -> Vec<u8> {
    envelope(error).to_string().into_bytes()
}

/// The body of a request to `/graphql` that was refused before anything ran: no `data`.
pub(super) fn graphql(error: &Error) -> Vec<u8> {
    json!({ "errors": graphql_errors(error) }).to_string().into_bytes()
}

/// An error as the list that GraphQL answers have of them.
pub(super) fn graphql_errors(error: &Error) -> Value {
    json!([{ "message": error.to_string(), "extensions": extensions(error) }])
}
