//! GraphiQL from a CDN: what a program has that was built without its own explorer.

use async_graphql::http::GraphiQLSource;
use axum::response::{Html, IntoResponse, Response};
use http::header::CONTENT_SECURITY_POLICY;

use crate::server::assets::hash_source;

/// What the page says of itself.
const NOTE: &str = "<p>This taskgate was built without its explorer, so this page is loaded from unpkg.com and needs the \
                    internet. <code>scripts/explorer</code>, and then another build, puts the explorer in.</p>";

/// The page, with a token filled in where the server made one.
pub(super) fn page(token: Option<&str>) -> Response {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut source = GraphiQLSource::build().endpoint("/graphql").subscription_endpoint("/graphql").title("taskgate");
    if let Some(authorization) = &authorization {
        source = source.header("Authorization", authorization).ws_connection_param("Authorization", authorization);
    }
    let page = source.finish().replacen("<body>", &format!("<body>{NOTE}"), 1);
    ([(CONTENT_SECURITY_POLICY, policy(&page))], Html(page)).into_response()
}

/// What the page may load and call: its parts from where it names them, itself, and this service, by sockets too (CSP 3,
/// 6.7.2.8: `'self'` matches `ws` where it matches `http`). Its script in the page
/// is known by its hash; styles cannot be, because GraphiQL makes some while it runs.
fn policy(page: &str) -> String {
    let inline = page.split("<script>").skip(1).filter_map(|rest| rest.split("</script>").next());
    let hashes: Vec<String> = inline.map(hash_source).collect();
    let cdn = |package: &str| format!("https://unpkg.com/{package}/");
    let (react, dom, graphiql) = (cdn("react@18"), cdn("react-dom@18"), cdn("graphiql@4"));
    format!(
        "default-src 'none'; script-src {react} {dom} {graphiql} {}; style-src {graphiql} 'unsafe-inline'; \
         font-src data:; img-src data: https://graphql.org/favicon.ico; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hashes.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn the_page_may_load_what_it_names_and_nothing_else() {
        let (parts, body) = page(Some("a.b.c")).into_parts();
        let page = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let policy = parts.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        let scripts = policy.split("; ").find(|part| part.starts_with("script-src")).unwrap();
        assert!(scripts.contains("'sha256-") && !scripts.contains("unsafe"), "{policy}");
        // Whatever the page loads is in the policy, and whatever runs in it is hashed.
        for address in page.split('"').filter(|text| text.starts_with("https://unpkg.com/")) {
            let folder = address.splitn(5, '/').take(4).collect::<Vec<_>>().join("/");
            assert!(policy.contains(&format!("{folder}/")), "{address}: {policy}");
        }
        assert_eq!(page.matches("<script>").count(), policy.matches("'sha256-").count());
        // What it subscribes to comes over the socket, as the same user.
        assert!(page.contains("subscriptionUrl: createUrl('/graphql', true)"), "{page}");
        assert_eq!(page.split("wsConnectionParams").nth(1).map(|rest| rest.contains("Bearer a.b.c")), Some(true));
        // It tells what it is, and what to do about it.
        assert!(page.contains("<body><p>") && page.contains("scripts/explorer"), "{page}");
    }
}
