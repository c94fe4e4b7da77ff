//! Compressed answers, for callers who take them.
//!
//! The body of an answer that may be compressed has room for a compressor, 6 KB, and is moved whole from layer to layer. So
//! a caller who names no encoding gets the answer from the service inside.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use futures_util::future::{BoxFuture, Either, Map};
use futures_util::{FutureExt as _, TryFutureExt as _};
use http::header;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use tower::{Layer, Service};
use tower_http::CompressionLevel;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _};
use tower_http::compression::{Compression, CompressionLayer};

type Outcome = Result<Response, Infallible>;

/// Compresses the answers of a service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compressed;

impl<S> Layer<S> for Compressed {
    type Service = Compressing<S>;

    fn layer(&self, inner: S) -> Compressing<S> {
        Compressing(CompressionLayer::new().quality(CompressionLevel::Fastest).layer(inner))
    }
}

/// A service whose answers are [`Compressed`].
#[derive(Clone)]
pub(super) struct Compressing<S>(Compression<S>);

impl<S> Service<Request> for Compressing<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Map<S::Future, fn(Outcome) -> Outcome>, BoxFuture<'static, Outcome>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.get_mut().poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.headers().contains_key(header::ACCEPT_ENCODING) {
            self.0.call(request).map_ok(|answer| answer.map(boxed)).boxed().right_future()
        } else {
            let varying: fn(Outcome) -> Outcome = |outcome| outcome.map(varying);
            self.0.get_mut().call(request).map(varying).left_future()
        }
    }
}

/// Says of an answer that would be compressed for others that it would be (RFC 9110, 12.5.5).
fn varying(mut answer: Response) -> Response {
    let is_encoded = answer.headers().contains_key(header::CONTENT_ENCODING);
    if !is_encoded && DefaultPredicate::new().should_compress(&answer) {
        answer.headers_mut().append(header::VARY, header::ACCEPT_ENCODING.into());
    }
    answer
}

/// A body in the box that axum has for them: axum would move it several times on its way there, because it might be one of
/// its own.
fn boxed<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    Body::new(UnsyncBoxBody::new(body.map_err(axum::Error::new)))
}
