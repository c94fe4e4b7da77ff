//! The page at `/`: what this is, whether its database can be reached, and where everything is. It needs no script.

use std::sync::LazyLock;

use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderValue, header};

use super::App;
use super::assets::hash_source;
use crate::error::{Error, Result};

const PAGE: &str = include_str!("home/index.html");

/// Where something is, what it is, and whether it is on.
type Place = (&'static str, &'static str, fn(&App) -> bool);

const PLACES: [Place; 9] = [
    ("/graphiql", "The explorer: try GraphQL, and see what runs for a call of REST", |app| app.settings.explore),
    ("/docs", "The REST routes, explained and to be tried", |app| app.settings.docs),
    ("/api/tasks", "REST, for callers with a token", |_| true),
    ("/graphql", "GraphQL, for callers with a token: queries, mutations and subscriptions", |_| true),
    ("/openapi.json", "The REST routes as an OpenAPI document", |app| app.settings.docs),
    ("/schema.graphql", "The GraphQL schema", |app| app.settings.explore),
    ("/health", "The health check of the front ends", |_| true),
    ("/livez", "Whether the process lives", |_| true),
    ("/readyz", "Whether it can take requests", |_| true),
];

pub(super) async fn page(State(app): State<App>) -> Result<Response> {
    static POLICY: LazyLock<Result<HeaderValue>> = LazyLock::new(policy);
    let policy = POLICY.clone()?;
    let (class, state) = match app.store.check().await {
        _ if app.stop.has_begun() => ("bad", "The service is about to stop."),
        Ok(()) => ("good", "The database can be reached."),
        Err(_) => ("bad", "The database cannot be reached right now. The log of the service says why."),
    };
    let places: Vec<String> = PLACES
        .iter()
        .filter(|(.., is_on)| is_on(&app))
        .map(|(path, what, _)| format!("<dt><a href=\"{path}\">{path}</a></dt><dd>{what}</dd>"))
        .collect();
    let page = PAGE
        .replace("{{class}}", class)
        .replace("{{state}}", state)
        .replace("{{places}}", &places.join("\n      "))
        .replace("{{version}}", env!("CARGO_PKG_VERSION"));
    let headers =
        [(header::CACHE_CONTROL, HeaderValue::from_static("no-store")), (header::CONTENT_SECURITY_POLICY, policy)];
    Ok((headers, Html(page)).into_response())
}

/// Nothing may run or be loaded; the style of the page is known by its hash.
fn policy() -> Result<HeaderValue> {
    let style = PAGE.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next()).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src {}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash_source(style)
    );
    HeaderValue::try_from(policy).map_err(Error::internal)
}
