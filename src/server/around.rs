//! Layers that are an async function around what is inside of them.
//!
//! axum's `from_fn` puts what is inside into a box for each request and clones all of it for that, layer by layer. Here
//! a layer knows the type of what it surrounds.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use tower::{Layer, Service};

/// What is done around answering a request.
pub(super) trait Middleware: Clone + Send + Sync + 'static {
    /// Answers a request, by `inner` or in place of it. An async function would hold the request twice, for as long as it
    /// runs; where every request passes, this is a function that hands it on before anything is waited for.
    fn around(self, request: Request, inner: impl Inner) -> impl Future<Output = Response> + Send;
}

/// What a layer surrounds. It is always ready, as routes are to axum, so it is not asked whether it is.
pub(super) trait Inner: Send + 'static {
    fn answer(self, request: Request) -> impl Future<Output = Response> + Send;
}

impl<S> Inner for S
where
    S: Service<Request, Error = Infallible> + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    fn answer(mut self, request: Request) -> impl Future<Output = Response> + Send {
        self.call(request).map(|outcome| match outcome {
            Ok(response) => response.into_response(),
            Err(never) => match never {},
        })
    }
}

/// A [`Middleware`] as a layer.
#[derive(Debug, Clone)]
pub(super) struct Around<M>(pub(super) M);

/// A service with a [`Middleware`] around it.
#[derive(Debug)]
pub(super) struct Surrounded<M, S> {
    middleware: M,
    /// axum clones a service for each request, and a route is a box: what is inside is cloned when its turn comes, not
    /// once more for each layer around it.
    inner: Arc<S>,
}

impl<M: Clone, S> Clone for Surrounded<M, S> {
    fn clone(&self) -> Self {
        Self { middleware: self.middleware.clone(), inner: Arc::clone(&self.inner) }
    }
}

impl<M: Clone, S> Layer<S> for Around<M> {
    type Service = Surrounded<M, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Surrounded { middleware: self.0.clone(), inner: Arc::new(inner) }
    }
}

impl<M, S> Service<Request> for Surrounded<M, S>
where
    M: Middleware,
    S: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    /// See [`Inner`].
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (middleware, inner) = (self.middleware.clone(), S::clone(&self.inner));
        // An async block would hold the request twice.
        Box::pin(middleware.around(request, inner).map(Ok))
    }
}
