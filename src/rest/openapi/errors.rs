//! The errors that routes share, by their codes. The sentences in the examples are those of [`Error`] itself.

use serde_json::{Map, Value, json};
use utoipa::openapi::Type;
use utoipa::openapi::schema::{Object, ObjectBuilder};

use super::{headers, reference};
use crate::error::{Cause, Code, Error, Problem};
use crate::rest::{body, envelope};
use crate::task::{Revision, Title};

/// An error as routes answer it.
struct Refusal {
    code: Code,
    description: &'static str,
    examples: Vec<(&'static str, Error)>,
}

impl Refusal {
    fn new(description: &'static str, example: Error) -> Self {
        Self { code: example.code(), description, examples: vec![("", example)] }
    }
}

/// Every error of REST and the health checks.
fn all() -> Vec<Refusal> {
    let cause = || Cause::from("an example");
    let incomplete = "The body ended before all of it arrived.";
    vec![
        Refusal::new(incomplete, Error::BadRequest(incomplete.to_owned())),
        Refusal::new(
            "There is no token, or it does not verify.",
            Error::Unauthenticated("Send a token in the header Authorization: Bearer <token>."),
        ),
        Refusal::new("The task belongs to another user.", Error::Forbidden),
        Refusal::new("There is no such task.", Error::NoSuchTask),
        Refusal::new("The route does not take this method.", Error::MethodNotAllowed),
        Refusal::new("The `Idempotency-Key` was used for another request.", Error::KeyConflict),
        Refusal::new(
            "The task has changed: its `ETag` is none of those in `If-Match`.",
            Error::PreconditionFailed { current: Revision(headers::REVISION) },
        ),
        Refusal::new("The body is too large.", Error::PayloadTooLarge { limit: body::Bounds::default().bytes }),
        Refusal::new("The body is not declared as JSON.", Error::UnsupportedMediaType),
        broken_rules(),
        Refusal::new(
            "The budget of points is used up, or too many requests without a good token came from this address.",
            Error::RateLimited { retry_after: 1 },
        ),
        Refusal::new("A fault of the service. Its log has more under the request id.", Error::internal(cause())),
        Refusal::new("The service, or what it depends on, is away.", Error::unavailable(cause())),
        Refusal::new("The service took too long.", Error::Timeout(cause().into())),
    ]
}

fn broken_rules() -> Refusal {
    let too_long = Problem::new("string_too_long", format!("must have at most {} characters", Title::MAX_CHARS));
    let examples = [
        ("body", too_long.at("title").at("body")),
        ("json", Problem::new("json_invalid", "is not valid JSON (line 1, column 10)").at("body")),
        ("path", Problem::new("int_parsing", "a task id is a whole number").at("id").at("path")),
        ("query", Problem::new("out_of_range", "must be a whole number from 1 to 100").at("limit").at("query")),
    ];
    let mut examples: Vec<_> = examples.map(|(name, problem)| (name, problem.into())).into();
    examples.push(("quota", Error::QuotaExceeded { most: 50_000 }));
    Refusal { code: Code::ValidationError, description: "The request breaks a rule.", examples }
}

/// The answers to requests under `/api`, by the name of their code in Rust.
pub(super) fn components() -> Map<String, Value> {
    all().iter().map(|refusal| (name(refusal.code), response(refusal, true))).collect()
}

/// A reference to the answer of a route under `/api`.
pub(super) fn shared(code: Code) -> Value {
    reference("responses", &name(code))
}

/// The answers, by status, where one of many changes is at fault. They have the tag of no task.
pub(super) fn of_a_change() -> Vec<(&'static str, Value)> {
    let revision = Revision(headers::REVISION);
    vec![
        ("403", Refusal::new("A task belongs to another user.", Error::Forbidden.of_change(0))),
        ("404", Refusal::new("There is no such task.", Error::NoSuchTask.of_change(0))),
        (
            "412",
            Refusal::new(
                "A task has another revision than its change expects.",
                Error::PreconditionFailed { current: revision }.of_change(0),
            ),
        ),
    ]
    .into_iter()
    .map(|(status, refusal)| (status, response(&refusal, true)))
    .collect()
}

/// The answer of a route elsewhere that says in its attributes that it has this status.
pub(super) fn with_status(status: &str) -> Option<Value> {
    let refusal = all().into_iter().find(|refusal| refusal.code.status().as_str() == status)?;
    Some(response(&refusal, false))
}

fn name(code: Code) -> String {
    format!("{code:?}")
}

fn response(refusal: &Refusal, is_private: bool) -> Value {
    let schema = if refusal.code == Code::ValidationError { "ValidationError" } else { "Error" };
    let mut content = json!({ "schema": reference("schemas", schema) });
    match refusal.examples.as_slice() {
        [(_, only)] => content["example"] = envelope(only),
        several => {
            let named = several.iter().map(|(name, error)| ((*name).to_owned(), json!({ "value": envelope(error) })));
            content["examples"] = named.collect::<Map<_, _>>().into();
        }
    }
    let own = match refusal.code {
        Code::Unauthenticated => Some("WWW-Authenticate"),
        Code::MethodNotAllowed => Some("Allow"),
        Code::PreconditionFailed if !is_of_change(refusal) => Some("ETag"),
        Code::RateLimited | Code::Unavailable => Some("Retry-After"),
        _ => None,
    };
    json!({
        "description": refusal.description,
        "headers": headers::of_response(is_private, own),
        "content": { "application/json": content },
    })
}

fn is_of_change(refusal: &Refusal) -> bool {
    refusal.examples.iter().any(|(_, example)| matches!(example, Error::OfChange { .. }))
}

/// The codes that REST and the health checks answer.
pub(super) fn codes() -> Object {
    code(all().into_iter().map(|refusal| refusal.code).filter(|code| *code != Code::ValidationError))
}

/// The codes of a request that breaks a rule.
pub(super) fn validation_code() -> Object {
    code([Code::ValidationError, Code::QuotaExceeded])
}

fn code(codes: impl IntoIterator<Item = Code>) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("What is wrong, as a stable name."))
        .enum_values(Some(codes.into_iter().map(Code::as_str)))
        .build()
}
