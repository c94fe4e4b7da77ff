//! GraphiQL for people who explore.

use async_graphql::http::GraphiQLSource;
use axum::extract::State;
use axum::response::Html;

use super::App;

/// The page, with a token filled in where the server made one.
pub(super) async fn page(State(app): State<App>) -> Html<String> {
    let authorization = app.settings.explorer_token.as_ref().map(|token| format!("Bearer {token}"));
    let mut source = GraphiQLSource::build().endpoint("/graphql").title("taskgate");
    if let Some(authorization) = &authorization {
        source = source.header("Authorization", authorization);
    }
    Html(source.finish())
}
