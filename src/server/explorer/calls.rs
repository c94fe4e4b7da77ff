//! What runs for a call of REST: the operations with their variables, and both answers.
//!
//! The call goes to the routes that answer it elsewhere, so what is shown is what happens. A dry look stops before the
//! first operation: it reads nothing and changes nothing, and so needs no token.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use http::{HeaderValue, header};
use http_body_util::{BodyExt as _, Collected};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::error::{Error, Result};
use crate::graphql::json::write;
use crate::rest::{self, Look, Seen, body};
use crate::server::around::{Around, Inner, Middleware};
use crate::server::boundary::{Boundary, ErrorsOnly};
use crate::server::graphql_http::is_json;
use crate::server::guard::Authenticated;
use crate::server::{App, render};
use crate::user::UserId;

/// The routes of REST, to be looked at. A clone is another handle to the same.
#[derive(Debug, Clone)]
pub(super) struct Calls {
    app: App,
    /// As they answer elsewhere.
    open: Router,
    /// For dry looks: as nobody in particular, and unseen by the log and the metrics.
    dry: Router,
}

/// A call to look at.
#[derive(Debug, Deserialize)]
struct Call {
    method: String,
    /// Path and query.
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    /// Whether to carry it out.
    #[serde(default)]
    run: bool,
}

/// Says that a request is of a user of whom nothing will be read.
#[derive(Debug, Clone)]
struct Nobody(UserId);

impl Middleware for Nobody {
    async fn around(self, mut request: Request, inner: impl Inner) -> Response {
        request.extensions_mut().insert(self.0);
        inner.answer(request).await
    }
}

impl Calls {
    pub(super) fn new(app: &App) -> Self {
        let guard = Around(Authenticated(app.clone()));
        let (open, _) = rest::router(move |routes| routes.route_layer(guard.clone())).split_for_parts();
        let nobody = UserId::parse("nobody").map(|user| Around(Nobody(user)));
        let (dry, _) = rest::router(move |routes| match &nobody {
            Some(nobody) => routes.route_layer(nobody.clone()),
            None => routes,
        })
        .split_for_parts();
        let finish = |routes: Router<rest::Rest>| {
            let routes = routes.fallback(|| async { Error::NoSuchRoute });
            routes.method_not_allowed_fallback(|| async { Error::MethodNotAllowed }).with_state(app.rest.clone())
        };
        Self {
            app: app.clone(),
            open: finish(open).layer(Around(Boundary(app.clone()))),
            dry: finish(dry).layer(Around(ErrorsOnly)),
        }
    }

    /// Answers which operations run for a call, and if it was carried out or refused before any, what REST answered.
    ///
    /// # Errors
    /// `UnsupportedMediaType`, `BadRequest` for what describes no call.
    pub(super) async fn explain(self, request: Request) -> Result<Response> {
        if !is_json(request.headers()) {
            return Err(Error::UnsupportedMediaType);
        }
        let (parts, body) = request.into_parts();
        let bytes = body::bounded(body, self.app.settings.limits.body()).await?;
        let call: Call = serde_json::from_slice(&bytes).map_err(|_| no_call())?;
        let (look, routes) = if call.run { (Look::Run, self.open) } else { (Look::Dry, self.dry) };
        let mut request = call.into_request()?;
        if let Some(token) = parts.headers.get(header::AUTHORIZATION) {
            request.headers_mut().insert(header::AUTHORIZATION, token.clone());
        }
        if let Some(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>() {
            request.extensions_mut().insert(*peer);
        }
        let (answer, seen) = rest::explain(look, routes.oneshot(request)).await;
        let answer = answer.unwrap_or_else(|never| match never {});
        // What answers without its operation has nothing to say.
        let is_told = seen.is_empty() || (look == Look::Run && seen.iter().any(|seen| seen.answer.is_some()));
        let answer = if is_told { described(answer).await } else { Value::Null };
        let operations: Vec<Value> = seen.into_iter().map(operation).collect();
        let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        Ok((no_store, Json(json!({ "operations": operations, "answer": answer }))).into_response())
    }
}

impl Call {
    fn into_request(self) -> Result<Request> {
        let mut request = http::Request::builder().method(self.method.as_str()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Body::from(self.body.unwrap_or_default())).map_err(|_| no_call())
    }
}

fn no_call() -> Error {
    Error::BadRequest("The body must describe a call: method, path, headers, body and run.".to_owned())
}

/// An answer of REST as JSON.
async fn described(answer: Response) -> Value {
    let (parts, body) = answer.into_parts();
    // What is answered here is in memory already.
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let headers: Vec<[String; 2]> = parts
        .headers
        .iter()
        .map(|(name, value)| [name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()])
        .collect();
    json!({ "status": parts.status.as_u16(), "headers": headers, "body": String::from_utf8_lossy(&body) })
}

/// An operation as JSON, with its answer as GraphQL has it.
fn operation(seen: Seen) -> Value {
    let answer = seen.answer.map(|answer| match answer {
        Ok(data) => {
            let mut bytes = Vec::new();
            write(&data, &mut bytes);
            json!({ "data": serde_json::from_slice::<Value>(&bytes).unwrap_or_default() })
        }
        Err(error) => json!({ "data": null, "errors": render::graphql_errors(&error) }),
    });
    json!({
        "name": seen.name, "document": seen.text, "variables": seen.variables, "answer": answer,
    })
}
