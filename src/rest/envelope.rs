//! What an error is as a body, on every route but `/graphql`.

use serde_json::{Value, json};

use crate::error::{Error, Problem};

/// `{"detail", "code"}`; a 422 adds `errors`, each with its place in the request.
#[must_use]
pub fn envelope(error: &Error) -> Value {
    let sentence = error.to_string();
    let mut body = json!({ "detail": sentence, "code": error.code().as_str() });
    match error {
        // It is not about a part of the request.
        Error::QuotaExceeded { .. } => {
            let reason = sentence.trim_end_matches('.').to_owned();
            body["errors"] = json!([Problem::new("quota_exceeded", reason).at("body")]);
        }
        Error::Validation(problems) => body["errors"] = json!(problems),
        _ => {}
    }
    body
}
