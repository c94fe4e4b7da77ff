//! GraphiQL for people who explore.

use async_graphql::http::GraphiQLSource;
use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::CONTENT_SECURITY_POLICY;

use super::App;

/// The page, with a token filled in where the server made one.
pub(super) async fn page(State(app): State<App>) -> Response {
    let authorization = app.settings.explorer_token.as_ref().map(|token| format!("Bearer {token}"));
    let mut source = GraphiQLSource::build().endpoint("/graphql").subscription_endpoint("/graphql").title("taskgate");
    if let Some(authorization) = &authorization {
        source = source.header("Authorization", authorization).ws_connection_param("Authorization", authorization);
    }
    let page = source.finish();
    ([(CONTENT_SECURITY_POLICY, policy(&page))], Html(page)).into_response()
}

/// What the page may load and call: its parts from where it names them, itself, and this service, by sockets too (CSP 3,
/// 6.7.2.8: `'self'` matches `ws` where it matches `http`). Its script in the page
/// is known by its hash; styles cannot be, because GraphiQL makes some while it runs.
fn policy(page: &str) -> String {
    let inline = page.split("<script>").skip(1).filter_map(|rest| rest.split("</script>").next());
    let hashes: Vec<String> = inline
        .map(|script| format!("'sha256-{}'", BASE64_STANDARD.encode(digest(&SHA256, script.as_bytes()))))
        .collect();
    let cdn = |package: &str| format!("https://unpkg.com/{package}/");
    let (react, dom, graphiql) = (cdn("react@18"), cdn("react-dom@18"), cdn("graphiql@4"));
    format!(
        "default-src 'none'; script-src {react} {dom} {graphiql} {}; style-src {graphiql} 'unsafe-inline'; \
         font-src data:; img-src data: https://graphql.org/favicon.ico; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hashes.join(" ")
    )
}
