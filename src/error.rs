//! The one error that callers can see, and the only place where an error becomes an HTTP status.
//!
//! Every layer returns [`Error`]. Its [`Code`] is stable and the same on both doors; its sentence says what is
//! wrong and what to do. What went wrong inside (SQL, paths, peers) travels as a [`Cause`], which only the log sees.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;

use crate::task::Revision;

/// What went wrong inside. It is logged once, at the boundary, and never shown to a caller.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A cause that every copy of an error shares.
type SharedCause = Arc<dyn std::error::Error + Send + Sync>;

/// A stable error code: `extensions.code` in GraphQL, `code` in REST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    BadRequest,
    NotAcceptable,
    PreconditionFailed,
    PayloadTooLarge,
    UnsupportedMediaType,
    ValidationError,
    GraphqlParseFailed,
    GraphqlValidationFailed,
    OperationTooComplex,
    PersistedQueryNotFound,
    RateLimited,
    QuotaExceeded,
    Internal,
    Unavailable,
    Timeout,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 20] = [
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::BadRequest,
        Self::NotAcceptable,
        Self::PreconditionFailed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::ValidationError,
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::OperationTooComplex,
        Self::PersistedQueryNotFound,
        Self::RateLimited,
        Self::QuotaExceeded,
        Self::Internal,
        Self::Unavailable,
        Self::Timeout,
    ];

    /// The code as callers read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::Conflict => "CONFLICT",
            Self::BadRequest => "BAD_REQUEST",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::ValidationError => "VALIDATION_ERROR",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::OperationTooComplex => "OPERATION_TOO_COMPLEX",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::RateLimited => "RATE_LIMITED",
            Self::QuotaExceeded => "QUOTA_EXCEEDED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::Timeout => "TIMEOUT",
        }
    }

    /// The code that callers read as `text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// The HTTP status of the code (RFC 9110, section 15).
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::BadRequest
            | Self::GraphqlParseFailed
            | Self::GraphqlValidationFailed
            | Self::OperationTooComplex
            | Self::PersistedQueryNotFound => StatusCode::BAD_REQUEST,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ValidationError | Self::QuotaExceeded => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One rule that the input breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The way to the value: `["body", "title"]` in REST, `["input", "title"]` in GraphQL.
    pub loc: Vec<Cow<'static, str>>,
    /// A sentence fragment for a person.
    pub msg: Cow<'static, str>,
    /// A stable name of the rule.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
}

impl Problem {
    /// A broken rule whose place is not known yet: [`Problem::at`] adds it.
    pub fn new(kind: &'static str, msg: impl Into<Cow<'static, str>>) -> Self {
        Self { loc: Vec::new(), msg: msg.into(), kind: kind.into() }
    }

    /// The same problem, one step further out.
    #[must_use]
    pub fn at(mut self, step: impl Into<Cow<'static, str>>) -> Self {
        self.loc.insert(0, step.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.loc.is_empty() { write!(f, "{}", self.msg) } else { write!(f, "{}: {}", self.loc.join("."), self.msg) }
    }
}

/// Why a request was not answered as asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No token, or one that does not verify. The text says which rule, never what was expected instead.
    #[error("{0}")]
    Unauthenticated(&'static str),
    #[error("This task belongs to another user.")]
    Forbidden,
    /// Refused before the token is looked at: the request did not come from where it has to.
    #[error("{0}")]
    ForbiddenHost(&'static str),
    #[error("There is no task with this id.")]
    NoSuchTask,
    #[error("There is no such route.")]
    NoSuchRoute,
    #[error("This route does not take this method; see the Allow header.")]
    MethodNotAllowed,
    #[error("This Idempotency-Key was used for another request; make a new key for a new request.")]
    KeyConflict,
    /// A request to `/graphql` that is no GraphQL request.
    #[error("{0}")]
    BadRequest(String),
    #[error("This route can answer with {0} only.")]
    NotAcceptable(&'static str),
    #[error("The task has changed since; its revision is now {current}. Read it again and repeat the change.")]
    PreconditionFailed { current: Revision },
    #[error("The body is larger than {limit} bytes.")]
    PayloadTooLarge { limit: usize },
    #[error("Send the body as application/json.")]
    UnsupportedMediaType,
    /// Input that breaks a rule; never empty.
    #[error("{}", sentence(.0))]
    Validation(Vec<Problem>),
    /// A GraphQL document that does not parse.
    #[error("{0}")]
    GraphqlParse(String),
    /// A GraphQL document that does not validate, or variables that do not fit it.
    #[error("{0}")]
    GraphqlValidation(String),
    /// A GraphQL document over a bound that holds before any work is done.
    #[error("{0}")]
    TooComplex(String),
    /// A document that was named by an id that the service does not know, or has forgotten.
    #[error("The server does not know a document of this id; send its text.")]
    PersistedQueryNotFound,
    /// A document that is not in the manifest of trusted ones, where no other may run.
    #[error("This server runs the documents of its manifest only, and this is none of them.")]
    UntrustedDocument,
    /// The caller's budget is used up for so many seconds.
    #[error("Too many requests; try again in {retry_after} s.")]
    RateLimited { retry_after: u32 },
    /// One connection runs as many operations as it may.
    #[error("{most} operations run on this connection already, which is the most; complete one first.")]
    TooManyOperations { most: usize },
    /// A user follows as much as one may.
    #[error("{most} streams and sockets of this user are open already, which is the most; close one first.")]
    TooManyStreams { most: u32 },
    #[error("A user may have {most} tasks at most, and there would be more; delete some first.")]
    QuotaExceeded { most: i64 },
    /// One of many changes that are made together or not at all, counted from 0.
    #[error("Change {index}: {error}")]
    OfChange { index: usize, error: Box<Error> },
    /// A fault of ours.
    #[error("Something went wrong on our side; tell us the request id.")]
    Internal(#[source] SharedCause),
    /// Something that we depend on is away.
    #[error("The service cannot answer right now; try again in a moment.")]
    Unavailable(#[source] SharedCause),
    #[error("The service took too long to answer.")]
    Timeout(#[source] SharedCause),
}

/// A result whose error a caller may see.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::OfChange { error, .. } => error.code(),
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::Forbidden | Self::ForbiddenHost(_) => Code::Forbidden,
            Self::NoSuchTask | Self::NoSuchRoute => Code::NotFound,
            Self::MethodNotAllowed => Code::MethodNotAllowed,
            Self::KeyConflict => Code::Conflict,
            Self::BadRequest(_) => Code::BadRequest,
            Self::NotAcceptable(_) => Code::NotAcceptable,
            Self::PreconditionFailed { .. } => Code::PreconditionFailed,
            Self::PayloadTooLarge { .. } => Code::PayloadTooLarge,
            Self::UnsupportedMediaType => Code::UnsupportedMediaType,
            Self::Validation(_) => Code::ValidationError,
            Self::GraphqlParse(_) => Code::GraphqlParseFailed,
            Self::GraphqlValidation(_) => Code::GraphqlValidationFailed,
            Self::TooComplex(_) => Code::OperationTooComplex,
            Self::PersistedQueryNotFound | Self::UntrustedDocument => Code::PersistedQueryNotFound,
            Self::RateLimited { .. } | Self::TooManyOperations { .. } | Self::TooManyStreams { .. } => {
                Code::RateLimited
            }
            Self::QuotaExceeded { .. } => Code::QuotaExceeded,
            Self::Internal(_) => Code::Internal,
            Self::Unavailable(_) => Code::Unavailable,
            Self::Timeout(_) => Code::Timeout,
        }
    }

    /// The broken rules, when input is at fault.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Validation(problems) => problems,
            _ => &[],
        }
    }

    /// What went wrong inside, for the log.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Internal(cause) | Self::Unavailable(cause) | Self::Timeout(cause) => Some(&**cause),
            Self::OfChange { error, .. } => error.cause(),
            _ => None,
        }
    }

    /// The same error, of the nth of many changes, where it is one of that change alone.
    #[must_use]
    pub fn of_change(self, index: usize) -> Self {
        match self {
            Self::Internal(_) | Self::Unavailable(_) | Self::Timeout(_) => self,
            error => Self::OfChange { index, error: Box::new(error) },
        }
    }

    /// A fault of ours, with what is known of it.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into().into())
    }

    /// Something that we depend on is away, with what is known of it.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into().into())
    }

    /// Something that we depend on is too slow, with what is known of it.
    pub fn timeout(cause: impl Into<Cause>) -> Self {
        Self::Timeout(cause.into().into())
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Validation(vec![problem])
    }
}

/// One sentence for all problems: front ends print it as it is.
fn sentence(problems: &[Problem]) -> String {
    let all: Vec<String> = problems.iter().map(Problem::to_string).collect();
    format!("{}.", all.join("; "))
}
