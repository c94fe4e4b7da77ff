//! What pages of other origins may call, and what they may read of an answer (Fetch, 3.2).
//!
//! tower-http decides. What it adds to an answer depends on the origin alone, so it is asked when the service starts,
//! once for each origin that is allowed and once for all others; preflights are its own to answer.

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tower::{Layer as _, service_fn};
use tower_http::cors::CorsLayer;

use super::around::Inner as _;

/// How long browsers need not ask again what a page may call.
const PREFLIGHT: Duration = Duration::from_mins(10);

/// What may be called and read from where.
#[derive(Debug)]
pub(super) struct Cors {
    layer: CorsLayer,
    /// What is added for each origin that is allowed.
    allowed: Vec<(HeaderValue, HeaderMap)>,
    /// What is added for any other, and for none.
    others: HeaderMap,
}

impl Cors {
    pub(super) fn new(origins: &[HeaderValue]) -> Self {
        let layer = layer(origins);
        let of = |origin: Option<&HeaderValue>| {
            let mut request = Request::new(Body::empty());
            request.headers_mut().extend(origin.map(|origin| (header::ORIGIN, origin.clone())));
            // It waits for nothing: the origins are a list.
            ask(&layer, request).now_or_never().map(|answer| answer.into_parts().0.headers).unwrap_or_default()
        };
        let allowed = origins.iter().map(|origin| (origin.clone(), of(Some(origin)))).collect();
        Self { others: of(None), allowed, layer }
    }

    /// What is added to the answer to a request from there, unless that is a preflight.
    pub(super) fn of(&self, origin: Option<&HeaderValue>) -> &HeaderMap {
        let known = self.allowed.iter().find(|(allowed, _)| Some(allowed) == origin);
        known.map_or(&self.others, |(_, added)| added)
    }

    /// The whole answer to a preflight, or to what looks like one.
    pub(super) fn preflight(&self, request: Request) -> BoxFuture<'static, Response> {
        ask(&self.layer, request).boxed()
    }
}

/// Adds headers to those of an answer: `Vary` to what is there, others in place of it.
pub(super) fn add(added: &HeaderMap, headers: &mut HeaderMap) {
    for (name, value) in added {
        if name == header::VARY {
            headers.append(name, value.clone());
        } else {
            headers.insert(name, value.clone());
        }
    }
}

/// What the library answers to a preflight, or adds to an empty answer to another request.
fn ask(layer: &CorsLayer, request: Request) -> impl Future<Output = Response> + use<> {
    let nothing = service_fn(|_| ready(Ok::<_, Infallible>(Response::new(Body::empty()))));
    layer.layer(nothing).answer(request)
}

fn layer(origins: &[HeaderValue]) -> CorsLayer {
    let own = HeaderName::from_static;
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_credentials(true)
        .max_age(PREFLIGHT)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            own("idempotency-key"),
            own("last-event-id"),
            own("x-request-id"),
            own("traceparent"),
            own("tracestate"),
        ])
        .expose_headers([
            header::ETAG,
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
            own("x-request-id"),
            header::WWW_AUTHENTICATE,
            header::ALLOW,
            own("ratelimit"),
            own("ratelimit-policy"),
            own("idempotency-replayed"),
            own("server-timing"),
        ])
}
