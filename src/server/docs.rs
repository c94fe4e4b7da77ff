//! The REST routes for people and tools: Swagger UI at `/docs`, from assets in the binary, and `/openapi.json`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::{Path, State};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use utoipa_swagger_ui::Config;

use super::assets::{Asset, Keep, escape};
use super::{App, health};
use crate::error::{Error, Result};
use crate::rest::{self, openapi};

/// What the page may load: its own files, and the images that its style sheet carries inside.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const PAGE: &str = include_str!("docs/index.html");

/// What the page asks for, of what the library has.
const LIBRARY: [&str; 4] = ["favicon-32x32.png", "index.css", "swagger-ui-bundle.js", "swagger-ui.css"];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/openapi.json", get(openapi_json))
        .route("/docs", get(page))
        .route("/docs/{asset}", get(asset))
        .route_layer(map_response(harden))
}

/// The OpenAPI document of every route, as JSON text: what `/openapi.json` answers.
///
/// # Errors
/// `Internal` when the program was built wrong; a test rules it out.
pub fn openapi_document() -> Result<&'static str> {
    static DOCUMENT: LazyLock<Result<String>> = LazyLock::new(|| {
        let (_, mut routes) = rest::router(std::convert::identity).split_for_parts();
        routes.merge(health::routes().into_openapi());
        openapi::complete(routes)
    });
    DOCUMENT.as_deref().map_err(Clone::clone)
}

pub(super) async fn openapi_json() -> Result<Response> {
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((json, openapi_document()?).into_response())
}

/// The page. The token is in it and in no script: a script is what a foreign page may load and run.
async fn page(State(app): State<App>) -> Response {
    let token = app.settings.explorer_token.as_deref().unwrap_or_default();
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (headers, Html(PAGE.replace("{{token}}", &escape(token)))).into_response()
}

async fn asset(Path(name): Path<String>, request: HeaderMap) -> Result<Response> {
    static ASSETS: LazyLock<Result<BTreeMap<&str, Asset>>> = LazyLock::new(assets);
    let assets = ASSETS.as_ref().map_err(Clone::clone)?;
    Ok(assets.get(name.as_str()).ok_or(Error::NoSuchRoute)?.answer(&request))
}

/// Every file that the page asks for, by name.
fn assets() -> Result<BTreeMap<&'static str, Asset>> {
    let own = |text: &'static str, content_type| {
        Asset::new(Bytes::from_static(text.as_bytes()), content_type, false, Keep::WhileUnchanged)
    };
    let mut assets = BTreeMap::from([
        ("initializer.js", own(include_str!("docs/initializer.js"), "text/javascript")?),
        ("page.css", own(include_str!("docs/page.css"), "text/css")?),
    ]);
    let config = Arc::new(Config::default());
    for name in LIBRARY {
        let file =
            utoipa_swagger_ui::serve(name, config.clone()).map_err(|error| Error::internal(error.to_string()))?;
        let file = file.ok_or_else(|| Error::internal(format!("Swagger UI has no {name}")))?;
        let bytes = match file.bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        assets.insert(name, Asset::new(bytes, &file.content_type, file.gzpipped, Keep::WhileUnchanged)?);
    }
    Ok(assets)
}

/// What every answer here has, so that nothing but the page's own files runs on it or shows it.
async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
