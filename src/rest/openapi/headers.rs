//! The headers that routes share.

use serde_json::{Map, Value, json};

use super::reference;
use crate::idempotency::Key;

/// The revision in the examples: a microsecond of 2026-01-09.
pub(super) const REVISION: i64 = 1_767_952_800_123_456;

const TASK_TAG: &str = r#""1767952800123456""#;
const LIST_TAG: &str = r#""1767952800123456-q83vEjRWeJCr""#;

/// The headers of requests. Their examples are in the schemas: a form fills in those of a parameter.
pub(super) fn parameters() -> Value {
    let parameter = |name: &str, description: &str, examples: Value| {
        json!({
            "name": name,
            "in": "header",
            "description": description,
            "required": false,
            "schema": { "type": "string", "examples": examples },
        })
    };
    json!({
        "X-Request-Id": parameter(
            "X-Request-Id",
            "A name for this request, which the answer and the log carry: 1 to 128 of `[A-Za-z0-9._-]`. Anything else \
             is passed over, and the service makes a name of its own.",
            json!(["checkout-7f3a"]),
        ),
        "If-Match": parameter(
            "If-Match",
            "Change the task only while its `ETag` is one of these; `*` for any.",
            json!([TASK_TAG, "*"]),
        ),
        "Idempotency-Key": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Make the change once: the same request with the same key is answered what happened the \
                            first time, for 24 hours.",
            "required": false,
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": Key::MAX_CHARS,
                "pattern": "^[!-~]+$",
                "examples": ["8e03978e-40d5-43dd-bc93-6894a57f9324"],
            },
        },
        "Last-Event-ID": parameter(
            "Last-Event-ID",
            "The id of the last event that one has: go on after it, whatever `since` says.",
            json!([REVISION.to_string()]),
        ),
        "If-None-Match": parameter(
            "If-None-Match",
            "Answer 304 without a body while the `ETag` is one of these.",
            json!([TASK_TAG, LIST_TAG]),
        ),
    })
}

/// The headers of answers. Each is always there where a route lists it, but for `Link`, `Idempotency-Replayed` and
/// what tells of the rate limit.
pub(super) fn components() -> Value {
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let constant = |value: &str| json!({ "type": "string", "const": value });
    let (cache, vary) = ("private, no-cache", "Authorization, Origin, Accept-Encoding");
    let link = "</api/tasks?limit=50&cursor=AQFsyZzSSpG-XAAAAAAAAAALAAZgwzXT73w>; rel=\"next\"";
    let mut components = json!({
        "X-Request-Id": header("The caller's name for the request, or ours.",
            pattern("^[A-Za-z0-9._-]{1,128}$"), json!("checkout-7f3a")),
        "Cache-Control": header("What a user reads is for that user, and is asked for again each time.",
            constant(cache), json!(cache)),
        "Vary": header("What the answer depends on besides the address.", constant(vary), json!(vary)),
        "ETag": header("The revision of the task; of a list the user's revision and a hash of the query. Weak where \
                        the answer is compressed.",
            pattern("^(W/)?\"[0-9]+(-[A-Za-z0-9_-]{12})?\"$"), json!(TASK_TAG)),
        "Location": header("The address of the new task.", pattern("^/api/tasks/[0-9]+$"), json!("/api/tasks/1")),
        "Link": header("The address of the next page (`next`), while there is more. Where the explorer is on, also that of \
                        its view of the call (`describedby`), on every answer.",
            pattern("^</[^>]+>; rel=\"(next|describedby)\"(, </[^>]+>; rel=\"describedby\")?$"), json!(link)),
        "Idempotency-Replayed": header("The answer is that of an earlier request with the same `Idempotency-Key`. Only \
                                        there where it is.",
            constant("true"), json!("true")),
        "WWW-Authenticate": header("How to authenticate.", constant("Bearer"), json!("Bearer")),
        "Allow": header("The methods that the route takes.", json!({ "type": "string" }), json!("GET,HEAD,POST")),
        "Retry-After": header("How many seconds to wait before trying again.",
            json!({ "type": "integer", "minimum": 0 }), json!(1)),
        "RateLimit-Policy": header("What is never refused: `q` points in any `w` seconds. Here and in `RateLimit` only \
                                    where users are limited and the token is good.",
            pattern("^\"default\";q=[0-9]+;w=[0-9]+$"), json!("\"default\";q=300;w=6")),
        "RateLimit": header("What is left of it: `r` points, which last `t` seconds at the rate at which they refill.",
            pattern("^\"default\";r=[0-9]+;t=[0-9]+$"), json!("\"default\";r=150;t=3")),
    });
    for optional in ["Link", "Idempotency-Replayed", "RateLimit-Policy", "RateLimit"] {
        components[optional]["required"] = json!(false);
    }
    components
}

fn header(description: &str, schema: Value, example: Value) -> Value {
    let mut header = json!({ "description": description, "required": true });
    header["schema"] = schema;
    header["example"] = example;
    header
}

/// References to the headers that an answer has: those of every answer, those of what a user reads, and more.
pub(super) fn of_response<'a>(is_private: bool, more: impl IntoIterator<Item = &'a str>) -> Map<String, Value> {
    let private = if is_private { ["Cache-Control", "Vary", "RateLimit-Policy", "RateLimit"].as_slice() } else { &[] };
    let names = more.into_iter().chain(private.iter().copied()).chain(["X-Request-Id"]);
    names.map(|name| (name.to_owned(), reference("headers", name))).collect()
}
