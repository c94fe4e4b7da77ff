//! GraphQL over HTTP (<https://graphql.github.io/graphql-over-http/draft/>), over the library's executor.

use async_graphql::Variables;
use async_graphql_axum::GraphQLResponse;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::boundary::Fault;
use super::graphql_sse::{self, Asked};
use super::{App, door, explorer, graphql_ws};
use crate::auth::Verified;
use crate::error::{Code, Error, Result};
use crate::graphql::{Call, Graphql, Operation, json};
use crate::idempotency::{self, Key};
use crate::rest::body;
use crate::user::UserId;

mod persisted;

/// `POST` for every operation, `GET` for queries and, in a browser, for GraphiQL.
pub(super) fn routes() -> MethodRouter<App> {
    axum::routing::get(by_get).post(by_post)
}

/// What a caller accepts.
#[derive(Debug, Clone, Copy)]
struct Accepted {
    /// For one answer, if any will do.
    single: Option<MediaType>,
    /// Whether it may come event by event.
    stream: bool,
}

impl Accepted {
    fn of(headers: &HeaderMap) -> Result<Self> {
        let stream = ranges(headers).iter().any(|(range, q)| range == "text/event-stream" && *q > 0);
        match MediaType::accepted(headers) {
            Ok(single) => Ok(Self { single: Some(single), stream }),
            Err(_) if stream => Ok(Self { single: None, stream }),
            Err(refusal) => Err(refusal),
        }
    }

    /// In what to answer an operation once. What can have many answers has them as events, if the caller takes those, and
    /// anything else only if the caller takes nothing but events.
    fn for_one(self, operation: Option<&Operation>) -> Option<MediaType> {
        let is_subscription = operation.is_some_and(Operation::is_subscription);
        self.single.filter(|_| !(is_subscription && self.stream))
    }
}

/// What an answer is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/json`, where a document that does not validate is an answer like any other.
    Json,
    /// `application/graphql-response+json`, where the status tells.
    GraphqlResponse,
}

impl MediaType {
    /// The best that the caller accepts; JSON for one that says nothing.
    fn accepted(headers: &HeaderMap) -> Result<Self> {
        let ranges = ranges(headers);
        if ranges.is_empty() {
            return Ok(Self::Json);
        }
        let quality = |names: [&str; 3]| {
            // The most specific range decides.
            names.iter().find_map(|name| ranges.iter().find(|(range, _)| range == name).map(|(_, q)| *q)).unwrap_or(0)
        };
        let graphql = quality(["application/graphql-response+json", "application/*", "*/*"]);
        let json = quality(["application/json", "application/*", "*/*"]);
        let names_graphql = ranges.iter().any(|(range, _)| range == "application/graphql-response+json");
        match (graphql, json) {
            (0, 0) => Err(Error::NotAcceptable("application/graphql-response+json or application/json")),
            (graphql, json) if graphql > json || (graphql == json && names_graphql) => Ok(Self::GraphqlResponse),
            _ => Ok(Self::Json),
        }
    }

    /// What an error is written in, whatever the caller accepts.
    pub(super) fn of_error(headers: &HeaderMap) -> Self {
        Self::accepted(headers).unwrap_or(Self::Json)
    }

    /// The value of `Content-Type`.
    pub(super) const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        })
    }

    /// The status of a refusal. Under `application/json` a document that does not parse or validate is a well-formed
    /// request with an answer: 200.
    pub(super) fn status_of(self, error: &Error) -> StatusCode {
        match (self, error.code()) {
            (Self::Json, Code::GraphqlParseFailed | Code::GraphqlValidationFailed) => StatusCode::OK,
            (_, code) => code.status(),
        }
    }
}

/// The media ranges of `Accept` in lower case, with their weights in thousandths.
fn ranges(headers: &HeaderMap) -> Vec<(String, u16)> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(',')).filter(|range| !range.trim().is_empty());
    ranges
        .map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            let weight = weight.and_then(|text| text.parse::<f32>().ok()).map_or(1.0, |q| q.clamp(0.0, 1.0));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to 1000")]
            (name, (weight * 1000.0) as u16)
        })
        .collect()
}

/// Whether the caller is a browser that wants a page: HTML by name, and nothing that we answer in.
fn wants_page(headers: &HeaderMap) -> bool {
    let ranges = ranges(headers);
    let names = |name: &str| ranges.iter().any(|(range, q)| range == name && *q > 0);
    names("text/html") && !names("application/json") && !names("application/graphql-response+json")
}

async fn by_get(State(app): State<App>, request: Request) -> Result<Response> {
    if graphql_ws::is_upgrade(&request) {
        return graphql_ws::upgrade(app, request);
    }
    if wants_page(request.headers()) {
        if app.settings.explore {
            return Ok(explorer::page(State(app)).await);
        }
        return Err(Error::NotAcceptable("application/graphql-response+json or application/json"));
    }
    let accepted = Accepted::of(request.headers())?;
    let caller = door::admit(&app, request.headers(), request.extensions()).await?;
    let call = call_of_query(request.uri().query().unwrap_or_default(), &app.graphql)?;
    let prepared = app.graphql.prepare(Call { is_safe: true, ..call }).await;
    if matches!(prepared, Err(Error::MethodNotAllowed)) {
        let allow = [(header::ALLOW, HeaderValue::from_static("POST"))];
        return Ok((allow, Error::MethodNotAllowed).into_response());
    }
    answer(&app, &caller, accepted, Asked::of(request.headers()), prepared).await
}

async fn by_post(State(app): State<App>, request: Request) -> Result<Response> {
    let accepted = Accepted::of(request.headers())?;
    let caller = door::admit(&app, request.headers(), request.extensions()).await?;
    if !is_json(request.headers()) {
        return Err(Error::UnsupportedMediaType);
    }
    let key =
        Key::of(request.headers()).map_err(|problem| Error::BadRequest(format!("Idempotency-Key {}.", problem.msg)));
    let asked = Asked::of(request.headers());
    let bytes = body::bounded(request.into_body(), app.settings.limits.body()).await?;
    let prepared = app.graphql.prepare(call_of_body(&bytes, &app.graphql)?).await;
    let prepared = match (prepared, key?) {
        (Ok(operation), Some(key)) => operation.under(key),
        (prepared, _) => prepared,
    };
    answer(&app, &caller, accepted, asked, prepared).await
}

async fn answer(
    app: &App,
    caller: &Verified,
    accepted: Accepted,
    asked: Asked,
    prepared: Result<Operation>,
) -> Result<Response> {
    match accepted.for_one(prepared.as_ref().ok()) {
        Some(media_type) => answer_once(app, prepared?, caller.user.clone(), media_type).await,
        None => Box::pin(graphql_sse::answer(app, caller, asked, prepared)).await,
    }
}

async fn answer_once(app: &App, operation: Operation, user: UserId, media_type: MediaType) -> Result<Response> {
    if operation.is_subscription() {
        return Err(Error::BadRequest(
            "A subscription has many answers: accept text/event-stream, or use a WebSocket with graphql-transport-ws."
                .to_owned(),
        ));
    }
    app.budget.charge(&user, operation.complexity())?;
    let keyed = operation.keyed().cloned();
    let operation = operation.to_be_written();
    let takes_written = operation.takes_written();
    let answer = app.graphql.execute(operation, user).await;
    let fault = fault(&answer).cloned();
    let mut response = if takes_written {
        json::response(&answer).into_response()
    } else {
        GraphQLResponse::from(answer).into_response()
    };
    response.headers_mut().insert(header::CONTENT_TYPE, media_type.header());
    if keyed.is_some_and(|keyed| keyed.is_replayed()) {
        response.headers_mut().insert(idempotency::REPLAYED, HeaderValue::from_static("true"));
    }
    if let Some(fault) = fault {
        response.extensions_mut().insert(Fault(fault));
    }
    Ok(response)
}

/// A fault of ours in an answer, whose cause is for the log.
pub(super) fn fault(answer: &async_graphql::Response) -> Option<&Error> {
    answer.errors.iter().filter_map(|error| error.source::<Error>()).find(|error| error.cause().is_some())
}

/// Only JSON in UTF-8: whatever a cross-site form can post is refused before a resolver sees it.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    declared.and_then(|text| text.parse::<mime::Mime>().ok()).is_some_and(|mime| {
        mime.essence_str() == "application/json" && mime.get_param(mime::CHARSET).is_none_or(|set| set == mime::UTF_8)
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<Value>,
    document_id: Option<Value>,
    operation_name: Option<Value>,
    variables: Option<Value>,
    extensions: Option<Value>,
}

impl Parameters {
    fn into_call(self, graphql: &Graphql) -> Result<Call> {
        let refuse = |what: &str| Error::BadRequest(format!("The member {what} of the request."));
        let operation_name = match self.operation_name {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(refuse("operationName must be a string")),
        };
        let extensions = match self.extensions {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(extensions)) => extensions,
            Some(_) => return Err(refuse("extensions must be an object")),
        };
        let variables = match self.variables {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(variables)) => variables,
            Some(_) => return Err(refuse("variables must be an object")),
        };
        Ok(Call {
            document: persisted::source(self.query, self.document_id, &extensions, |id| graphql.is_trusted(id))?,
            operation_name,
            variables: Variables::from_json(Value::Object(variables)),
            is_safe: false,
        })
    }
}

fn call_of_body(bytes: &[u8], graphql: &Graphql) -> Result<Call> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(request)) => call_of_request(request, graphql),
        Ok(_) => Err(Error::BadRequest("The body must be one JSON object; batches are not taken.".to_owned())),
        Err(error) => Err(Error::BadRequest(format!(
            "The body is not valid JSON (line {}, column {}).",
            error.line(),
            error.column()
        ))),
    }
}

/// The call that a request means, however it came.
///
/// # Errors
/// `BadRequest` when a member is missing or of a wrong type.
pub(super) fn call_of_request(request: Map<String, Value>, graphql: &Graphql) -> Result<Call> {
    serde_json::from_value::<Parameters>(Value::Object(request))
        .map_err(|_| Error::BadRequest("The body is not a GraphQL request.".to_owned()))?
        .into_call(graphql)
}

fn call_of_query(query: &str, graphql: &Graphql) -> Result<Call> {
    let mut parameters = Parameters::default();
    let json = |name: &str, text: &str| match text {
        "" => Ok(None),
        text => serde_json::from_str(text)
            .map(Some)
            .map_err(|_| Error::BadRequest(format!("The parameter {name} is not valid JSON."))),
    };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "query" => parameters.query = Some(Value::String(value.into_owned())),
            "documentId" => parameters.document_id = Some(Value::String(value.into_owned())),
            "operationName" => parameters.operation_name = Some(Value::String(value.into_owned())),
            "variables" => parameters.variables = json("variables", &value)?,
            "extensions" => parameters.extensions = json("extensions", &value)?,
            _ => {}
        }
    }
    parameters.into_call(graphql)
}
