//! What an operation gets by what it has: a path with an id, a body, a method that can be conditional.

use serde_json::{Value, json};

use super::{errors, headers, members, reference};
use crate::error::Code;

/// Completes what a route says of itself.
pub(super) fn complete(operation: &mut Value, method: &str, path: &str, schemas: &Value) {
    let is_api = path.starts_with("/api/");
    let is_bulk = path.ends_with("/bulk");
    require_body_or_none(operation);
    let is_conditional = matches!(method, "put" | "patch" | "delete") || path.ends_with("/restore");
    let is_stream = operation["responses"]["200"]["content"].get("text/event-stream").is_some();
    let own = match method {
        _ if is_stream => Some("Last-Event-ID"),
        "get" if is_api => Some("If-None-Match"),
        _ => is_conditional.then_some("If-Match"),
    };
    let key = (is_api && method != "get").then_some("Idempotency-Key");
    add_parameters(operation, own.into_iter().chain(key).chain(["X-Request-Id"]));
    operation["security"] = if is_api { json!([{ "bearer": [] }]) } else { json!([]) };
    if is_api && method == "get" && !is_stream {
        operation["responses"]["304"] = json!({ "description": "Nothing has changed since the `ETag` that was sent." });
    }
    let is_paged = has_parameter(operation, "cursor");
    for (status, response) in members(operation, "responses") {
        let own = own_headers(status, is_api && !is_bulk && !is_stream, is_paged);
        complete_response(response, status, is_api, own, schemas);
        if is_api && method != "get" {
            response["headers"]["Idempotency-Replayed"] = reference("headers", "Idempotency-Replayed");
        }
    }
    if is_api {
        for code in errors_of(operation, method, path, is_conditional) {
            operation["responses"][code.status().as_str()] = errors::shared(code);
        }
        if is_bulk {
            for (status, response) in errors::of_a_change() {
                operation["responses"][status] = response;
            }
        }
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        responses.sort_keys();
    }
}

/// utoipa writes an optional body as one that may be null. No body is none at all; null is no object.
fn require_body_or_none(operation: &mut Value) {
    let Some(body) = operation.get_mut("requestBody") else { return };
    let schema = &mut body["content"]["application/json"]["schema"];
    let mut either = schema["oneOf"].as_array().into_iter().flatten();
    let some = either.find(|one| one["type"] != "null").cloned();
    let is_required = some.is_none();
    if let Some(some) = some {
        *schema = some;
    }
    body["required"] = is_required.into();
}

fn add_parameters<'a>(operation: &mut Value, added: impl Iterator<Item = &'a str>) {
    let added = added.map(|name| reference("parameters", name));
    let own = operation["parameters"].take();
    let own = own.as_array().into_iter().flatten().cloned().map(demote_example);
    operation["parameters"] = own.chain(added).collect();
}

/// Moves the example of an optional parameter into its schema: a form fills in that of a parameter, and a list would be
/// narrowed to the example.
fn demote_example(mut parameter: Value) -> Value {
    if parameter["required"] == false
        && let Some(example) = parameter.as_object_mut().and_then(|parameter| parameter.shift_remove("example"))
    {
        parameter["schema"]["examples"] = json!([example]);
    }
    parameter
}

fn has_parameter(operation: &Value, name: &str) -> bool {
    operation["parameters"].as_array().is_some_and(|all| all.iter().any(|parameter| parameter["name"] == name))
}

fn errors_of(operation: &Value, method: &str, path: &str, is_conditional: bool) -> Vec<Code> {
    let mut codes = vec![
        Code::Unauthenticated,
        Code::ValidationError,
        Code::RateLimited,
        Code::Internal,
        Code::Unavailable,
        Code::Timeout,
    ];
    if path.contains("{id}") {
        codes.extend([Code::Forbidden, Code::NotFound]);
    }
    if operation.get("requestBody").is_some() {
        codes.extend([Code::BadRequest, Code::PayloadTooLarge, Code::UnsupportedMediaType]);
    }
    if is_conditional {
        codes.push(Code::PreconditionFailed);
    }
    if method != "get" {
        codes.push(Code::Conflict);
    }
    codes
}

/// The headers that an answer has beside those of every answer.
fn own_headers(status: &str, has_tag: bool, is_paged: bool) -> &'static [&'static str] {
    match status {
        "201" => &["Location", "ETag"],
        "200" if is_paged => &["ETag", "Link"],
        "200" | "304" if has_tag => &["ETag"],
        _ => &[],
    }
}

/// Gives an answer its headers and the example of its schema; an error that is named by its status alone, all of it.
fn complete_response(response: &mut Value, status: &str, is_api: bool, own: &[&str], schemas: &Value) {
    if let Some(error) = errors::with_status(status) {
        let description = response["description"].take();
        *response = error;
        response["description"] = description;
        return;
    }
    response["headers"] = headers::of_response(is_api, own.iter().copied()).into();
    for (_, content) in members(response, "content") {
        if content.get("example").is_none()
            && let Some(example) = example_of(&content["schema"], schemas)
        {
            content["example"] = example;
        }
    }
}

fn example_of(schema: &Value, schemas: &Value) -> Option<Value> {
    if let Some(items) = schema.get("items") {
        return example_of(items, schemas).map(|item| json!([item]));
    }
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    schemas[name]["examples"].get(0).cloned()
}
