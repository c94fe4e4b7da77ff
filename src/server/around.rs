//! Layers that are an async function around what is inside of them.
//!
//! axum's `from_fn` puts what is inside into a box for each request and clones all of it for that, layer by layer. Here
//! a layer knows the type of what it surrounds.

use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use tower::{Layer, Service, ServiceExt as _};

/// What is done around answering a request.
pub(super) trait Middleware: Clone + Send + Sync + 'static {
    /// Answers a request, by `inner` or in place of it.
    fn around(self, request: Request, inner: impl Inner) -> impl Future<Output = Response> + Send;
}

/// What a layer surrounds.
pub(super) trait Inner: Send + 'static {
    fn answer(self, request: Request) -> impl Future<Output = Response> + Send;
}

impl<S> Inner for S
where
    S: Service<Request, Error = Infallible> + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    async fn answer(self, request: Request) -> Response {
        match self.oneshot(request).await {
            Ok(response) => response.into_response(),
            Err(never) => match never {},
        }
    }
}

/// A [`Middleware`] as a layer.
#[derive(Debug, Clone)]
pub(super) struct Around<M>(pub(super) M);

/// A service with a [`Middleware`] around it.
#[derive(Debug, Clone)]
pub(super) struct Surrounded<M, S> {
    middleware: M,
    inner: S,
}

impl<M: Clone, S> Layer<S> for Around<M> {
    type Service = Surrounded<M, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Surrounded { middleware: self.0.clone(), inner }
    }
}

impl<M, S> Service<Request> for Surrounded<M, S>
where
    M: Middleware,
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The one that was asked whether it is ready is the one to call.
        let next = self.inner.clone();
        let inner = mem::replace(&mut self.inner, next);
        let middleware = self.middleware.clone();
        Box::pin(async move { Ok(middleware.around(request, inner).await) })
    }
}
