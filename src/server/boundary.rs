//! The outermost layer: request ids, one log line a request, errors as the caller reads them, cache headers.

use std::any::Any;
use std::borrow::Cow;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use futures_util::future::Either;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::around::{Inner, Middleware};
use super::door::{self, Caller};
use super::metrics::{self, Route};
use super::{App, cors, explorer, graphql_http, render};
use crate::error::Error;
use crate::{timing, trace};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// An error that the answer already tells of in its own way; its cause is still for the log.
#[derive(Debug, Clone)]
pub(super) struct Fault(pub(super) Error);

/// Names the request, measures it and logs it once when it is answered, and gives the answer the headers that every one
/// has.
#[derive(Debug, Clone)]
pub(super) struct Boundary(pub(super) App);

impl Middleware for Boundary {
    fn around(self, mut request: Request, inner: impl Inner) -> impl Future<Output = Response> + Send {
        let Self(app) = self;
        let started = Instant::now();
        let running = app.metrics.begin();
        let id = request_id(request.headers());
        let (method, route) = (request.method().clone(), Route::of(request.extensions()));
        let span = trace::request(metrics::name(&method), route.template(), request.uri().path(), request.headers());
        let (is_api, speech) = (is_api(request.uri().path()), Speech::of(&request));
        let (caller, link) = (Caller::default(), explorer::Link::of(&request, &route, &app.settings));
        request.headers_mut().insert(REQUEST_ID, id.clone());
        request.extensions_mut().insert(caller.clone());

        let origin = request.headers().get(header::ORIGIN).cloned();
        let answered = if method == Method::OPTIONS {
            Either::Left(app.cors.preflight(request))
        } else {
            Either::Right(inner.answer(request))
        };
        let answered = answered.instrument(span.clone());
        let answered = if app.settings.server_timing {
            Either::Left(timing::collect(answered).map(|(response, timings)| (response, Some(timings))))
        } else {
            Either::Right(answered.map(|response| (response, None)))
        };
        answered.map(move |(mut response, timings)| {
            let _running = running;
            if let Some(timings) = timings {
                let header = HeaderValue::try_from(timings.header(started.elapsed()));
                response.headers_mut().extend(header.ok().map(|header| (SERVER_TIMING, header)));
            }
            if method != Method::OPTIONS {
                cors::add(app.cors.of(origin.as_ref()), response.headers_mut());
            }
            door::tell_what_is_left(&app, &caller, &mut response);
            speech.render_error(&mut response);
            link.add_to(response.headers_mut());
            complete(response.headers_mut(), &id, is_api, app.settings.hsts);
            let took = started.elapsed();
            trace::answered(&span, response.status());
            log(&method, &route, &id, &span, &response, took);
            app.metrics.answered(&method, route, response.status(), took);
            response
        })
    }
}

/// The headers that every answer has, whatever it is.
fn complete(headers: &mut HeaderMap, id: &HeaderValue, is_api: bool, hsts: bool) {
    headers.insert(REQUEST_ID, id.clone());
    secure(headers, hsts);
    if is_api {
        mark_private(headers);
    }
    weaken_etag(headers);
}

/// One line a request, with the cause where something went wrong.
fn log(method: &Method, route: &Route, id: &HeaderValue, span: &Span, response: &Response, took: Duration) {
    let (route, status, milliseconds) = (route.as_str(), response.status().as_u16(), took.as_secs_f64() * 1e3);
    // As texts, which the log writes as they are.
    let (method, id, trace_id) = (method.as_str(), id.to_str().unwrap_or_default(), trace::id(span));
    let extensions = response.extensions();
    let error = extensions.get::<Error>().or(extensions.get::<Fault>().map(|fault| &fault.0));
    if let Some(cause) = error.and_then(Error::cause) {
        tracing::error!(method, route, status, milliseconds, request_id = id, trace_id, cause, "request failed");
    } else {
        tracing::info!(method, route, status, milliseconds, request_id = id, trace_id, "request");
    }
}

/// What errors are written in: that of GraphQL on its route, that of REST on all others.
#[derive(Debug, Clone, Copy)]
struct Speech(Option<graphql_http::MediaType>);

impl Speech {
    fn of(request: &Request) -> Self {
        let is_graphql = request.uri().path() == "/graphql";
        Self(is_graphql.then(|| graphql_http::MediaType::of_error(request.headers())))
    }

    /// Gives an error that a handler or a layer left behind the body that its route speaks.
    fn render_error(self, response: &mut Response) {
        let Some(error) = response.extensions().get::<Error>().cloned() else { return };
        let (content_type, body) = match self.0 {
            Some(media_type) => (media_type.header(), render::graphql(&error)),
            None => (HeaderValue::from_static("application/json"), render::rest(&error)),
        };
        if let Some(media_type) = self.0 {
            *response.status_mut() = media_type.status_of(&error);
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.remove(header::CONTENT_LENGTH);
        render::headers(&error, headers);
        if self.0.is_none()
            && let Error::PreconditionFailed { current } = error
        {
            // Digits in quotes are a header value.
            headers.extend(HeaderValue::try_from(format!("\"{current}\"")).ok().map(|etag| (header::ETAG, etag)));
        }
        *response.body_mut() = Body::from(body);
    }
}

/// Errors as callers of REST read them, and nothing else.
#[derive(Debug, Clone, Copy)]
pub(super) struct ErrorsOnly;

impl Middleware for ErrorsOnly {
    async fn around(self, request: Request, inner: impl Inner) -> Response {
        let mut response = inner.answer(request).await;
        Speech(None).render_error(&mut response);
        response
    }
}

/// What a caller gets when a handler panics. The panic's own text goes to the log.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the payload over")]
pub(super) fn panicked(payload: Box<dyn Any + Send>) -> Response {
    panic_error(&*payload).into_response()
}

/// A panic as an error of ours.
pub(super) fn panic_error(payload: &(dyn Any + Send)) -> Error {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref().copied());
    Error::internal(format!("a handler panicked: {}", text.unwrap_or("without a message")))
}

/// The name of a request, for the log of what goes on after its answer has begun.
#[derive(Debug, Clone)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// The name that [`boundary`] gave the request.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self(headers.get(REQUEST_ID).cloned().unwrap_or(HeaderValue::from_static("unknown")))
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// The caller's request id, if it is 1 to 128 of `[A-Za-z0-9._-]`, else one of ours.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_good = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        matches!(bytes.len(), 1..=128)
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    };
    headers.get(&REQUEST_ID).filter(is_good).cloned().unwrap_or_else(|| {
        let id = Cow::<str>::from(Uuid::new_v4().to_string());
        HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("unknown"))
    })
}

fn is_api(path: &str) -> bool {
    path == "/graphql" || path == "/api" || path.starts_with("/api/")
}

/// Keeps browsers from making more of an answer than it is. A page brings a policy of its own; anything else is data.
fn secure(headers: &mut HeaderMap, hsts: bool) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(nothing);
    if hsts {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

/// What a user reads is for that user, and is asked for again each time; `ETag` makes that cheap.
fn mark_private(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Authorization, Origin, Accept-Encoding"));
}

/// Compressed bytes are another representation, so a strong tag would be a lie (RFC 9110, 8.8.1).
fn weaken_etag(headers: &mut HeaderMap) {
    if !headers.contains_key(header::CONTENT_ENCODING) {
        return;
    }
    if let Some(etag) = headers.get(header::ETAG)
        && !etag.as_bytes().starts_with(b"W/")
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", etag.as_bytes()].concat())
    {
        headers.insert(header::ETAG, weak);
    }
}
