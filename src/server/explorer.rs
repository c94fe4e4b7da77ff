//! The explorer for people: GraphiQL, and REST beside it. The page and what it loads are in the program, where it was built
//! with them (`scripts/explorer`, `build.rs`); else GraphiQL comes from a CDN.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use super::assets::{Asset, Keep, escape};
use super::{App, docs};
use crate::error::{Error, Result};

mod calls;
mod cdn;
mod link;

pub(super) use link::Link;

use calls::Calls;

/// The page and its files, as `build.rs` found them.
mod files {
    include!(concat!(env!("OUT_DIR"), "/explorer.rs"));
}

/// What the page may load: its own files and fonts, and images that its style sheet carries inside. Its editor makes
/// styles while it runs. `connect-src` holds for sockets too (CSP 3, 6.7.2.8).
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; \
     font-src 'self' data:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// Whether the explorer is in the program, or else a page that a CDN has to serve.
#[must_use]
pub const fn is_embedded() -> bool {
    files::PAGE.is_some()
}

pub(super) fn routes(app: &App) -> Router<App> {
    let calls = Calls::new(app);
    Router::new()
        .route("/graphiql", get(page))
        .route("/graphiql/assets/{name}", get(asset))
        .route("/graphiql/openapi.json", get(docs::openapi_json))
        .route("/graphiql/calls", post(move |request: Request| calls.explain(request)))
}

/// The page. The token is in it and in no script: a script is what a foreign page may load and run.
pub(super) async fn page(State(app): State<App>) -> Response {
    let token = app.settings.explorer_token.as_deref();
    let Some(page) = files::PAGE else { return cdn::page(token) };
    let headers =
        [(header::CACHE_CONTROL, HeaderValue::from_static("no-store")), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, Html(page.replace("{{token}}", &escape(token.unwrap_or_default())))).into_response()
}

async fn asset(Path(name): Path<String>, request: HeaderMap) -> Result<Response> {
    static ASSETS: LazyLock<Result<BTreeMap<&str, Asset>>> = LazyLock::new(assets);
    let assets = ASSETS.as_ref().map_err(Clone::clone)?;
    Ok(assets.get(name.as_str()).ok_or(Error::NoSuchRoute)?.answer(&request))
}

/// The files by name; those that end in `.gz` are called without it.
fn assets() -> Result<BTreeMap<&'static str, Asset>> {
    let asset = |(file, bytes): &(&'static str, &'static [u8])| {
        let name = file.strip_suffix(".gz").unwrap_or(file);
        let content_type = match name.rsplit('.').next() {
            Some("js") => "text/javascript",
            Some("css") => "text/css",
            Some("svg") => "image/svg+xml",
            Some("ttf") => "font/ttf",
            Some("woff2") => "font/woff2",
            _ => "text/plain; charset=utf-8",
        };
        Ok((name, Asset::new(Bytes::from_static(bytes), content_type, name != *file, Keep::Forever)?))
    };
    files::FILES.iter().map(asset).collect()
}
