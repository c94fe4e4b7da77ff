//! The schema: its resolvers are the only way to a task.
//!
//! [`Graphql`] runs two kinds of documents over the same resolvers: those of callers, checked in full on every
//! request, and our own (the REST routes), which a test checks against the schema and which run without the callers'
//! page limit.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{
    Data, Name, PathSegment, Request, Response, SDLExportOptions, Schema, SchemaBuilder, ValidationMode, Value,
    Variables,
};
use futures_util::stream::{Stream, StreamExt as _};

use prometheus_client::registry::Registry;
use tracing::{Instrument as _, Span};

use crate::error::{Code, Error, Result};
use crate::idempotency::Keyed;
use crate::store::Store;
use crate::trace;
use crate::user::UserId;

mod bulk;
mod complexity;
mod connection;
mod context;
mod cursor;
mod document;
mod executor;
mod feed;
mod flat;
mod guard;
mod inputs;
pub mod json;
mod merging;
mod mutation;
mod operations;
mod query;
mod scalars;
mod subscription;
mod text;
mod trash;
mod trusted;
mod types;
mod validator;
mod variables;

pub use complexity::MAX as MAX_COMPLEXITY;
pub use context::extensions;
pub use document::{DocumentId, Hash, Operation};
pub use subscription::Resumption;
pub use trusted::{TrustMode, TrustedDocuments};

use document::{Document, Documents};
use executor::{Executor, Plain};
use flat::TakesWritten;
use operations::{Label, Operations};
use validator::Validator;
use variables::InputTypes;

type TaskSchema = Schema<query::Query, mutation::Mutation, subscription::Subscription>;

/// How long a list may be that names no length, and the most that one may ask for.
#[derive(Debug, Clone, Copy)]
struct PageBounds {
    default: Option<i64>,
    most: i64,
}

/// What a caller asks to run.
#[derive(Debug)]
pub struct Call {
    pub document: Source,
    pub operation_name: Option<String>,
    pub variables: Variables,
    /// Whether it came by a method that changes nothing (RFC 9110, 9.2.1).
    pub is_safe: bool,
}

/// Where a document comes from.
#[derive(Debug)]
pub enum Source {
    Text(String),
    /// A text that the service has already.
    Known(DocumentId),
}

/// The schema, ready to run documents. A clone is another handle to the same.
#[derive(Clone)]
pub struct Graphql(Arc<Inner>);

struct Inner {
    validator: Validator,
    /// Runs what is known to be valid, within the callers' page bounds.
    callers: Executor,
    /// Runs our own documents.
    trusted: Executor,
    input_types: InputTypes,
    documents: Documents,
    store: Store,
    trusted_documents: Option<TrustedDocuments>,
    operations: Operations,
    explore: bool,
}

impl Graphql {
    /// The schema over `store`. With `explore` it answers introspection and suggests names; without, it tells nothing
    /// of itself. With trusted documents it knows which they are, and may run no other.
    ///
    /// # Errors
    /// `Internal` when the schema's own text cannot be read, which a test rules out.
    pub fn new(store: &Store, explore: bool, trusted_documents: Option<TrustedDocuments>) -> Result<Self> {
        let sdl = sdl();
        let bounds = |default| PageBounds { default, most: 100 };
        let fast = || build().validation_mode(ValidationMode::Fast).data(store.clone());
        Ok(Self(Arc::new(Inner {
            validator: Validator::new(&sdl, explore)?,
            callers: Executor::of(fast().data(bounds(Some(50))).finish())?,
            trusted: Executor::of(fast().data(bounds(None)).disable_introspection().finish())?,
            input_types: InputTypes::of(&sdl)?,
            documents: Documents::new(),
            store: store.clone(),
            trusted_documents,
            operations: Operations::default(),
            explore,
        })))
    }

    /// Makes a call ready to run. A document is parsed and validated once and then known by its hash; variables are
    /// coerced every time.
    ///
    /// # Errors
    /// `TooComplex` when it is over a bound, `GraphqlParse`, `GraphqlValidation` when the document does not validate
    /// or its variables do not fit, `PersistedQueryNotFound` when an id is not known, `UntrustedDocument` when only
    /// trusted documents may run, `MethodNotAllowed` for a mutation by a safe method.
    pub async fn prepare(&self, call: Call) -> Result<Operation> {
        let label = Label::of_caller(call.operation_name.as_deref().filter(|name| !name.is_empty()));
        let prepared = self.prepared(call).await;
        if let Err(error) = &prepared {
            self.0.operations.count(label, Some(error.code()));
        }
        prepared
    }

    async fn prepared(&self, call: Call) -> Result<Operation> {
        let document = self.document(call.document).await?;
        if !self.0.explore && document.introspects() {
            return Err(Error::GraphqlValidation("Introspection is off on this server.".to_owned()));
        }
        let name = call.operation_name.filter(|name| !name.is_empty());
        let (operation, definition) = document.operation(name.as_deref())?;
        if call.is_safe && definition.ty == OperationType::Mutation {
            return Err(Error::MethodNotAllowed);
        }
        let operation = operation.map(Name::as_str);
        let mut label = Label::of_caller(operation);
        if let Some(trusted) = &self.0.trusted_documents {
            if trusted.contains(&DocumentId::Hash(document.hash())) {
                label = operation.and_then(|name| trusted.name(name)).map_or(label, Label::Trusted);
            } else {
                tracing::warn!(hash = %document.hash(), operation, "a document that is not in the manifest");
            }
        }
        let variables = self.0.input_types.coerced(definition, &call.variables)?;
        let complexity = complexity::of(document.parsed(), definition, &variables)?;
        let (kind, absent) = (definition.ty, document::absent(definition, &variables));
        Ok(Operation { document, name, variables, kind, absent, complexity, label, keyed: None, takes_written: false })
    }

    async fn document(&self, source: Source) -> Result<Arc<Document>> {
        let (id, text) = match source {
            Source::Known(id) => (id, None),
            Source::Text(text) => (DocumentId::Hash(Hash::of(&text)), Some(text)),
        };
        if let Some(trusted) = &self.0.trusted_documents {
            match trusted.get(&id) {
                Some(document) => return Ok(document),
                None if trusted.are_all() => return Err(Error::UntrustedDocument),
                None => {}
            }
        }
        let DocumentId::Hash(hash) = id else { return Err(Error::PersistedQueryNotFound) };
        if let Some(document) = self.0.documents.get(hash) {
            return Ok(document);
        }
        let text = text.ok_or(Error::PersistedQueryNotFound)?;
        // In a box, so that those whose document is known do not make room for it.
        let document = Arc::new(Box::pin(self.0.validator.document(&text)).await?);
        self.0.documents.insert(hash, Arc::clone(&document));
        Ok(document)
    }

    /// Whether a manifest calls a document that.
    #[must_use]
    pub fn is_trusted(&self, id: &str) -> bool {
        let documents = self.0.trusted_documents.as_ref();
        documents.is_some_and(|documents| documents.contains(&DocumentId::Custom(id.to_owned())))
    }

    /// Runs a caller's operation as `user`. Errors of resolvers are in the response, with their codes.
    pub async fn execute(&self, mut operation: Operation, user: UserId) -> Response {
        let (label, kind) = (operation.label.clone(), operation.kind_name());
        let store = operation.keyed().cloned().map(|keyed| self.0.store.under(keyed));
        let data = data_of(user, store, operation.takes_written());
        let span = trace::operation(kind, label.known());
        let response = if let Some(plain) = operation.plain() {
            self.0.callers.execute(plain, data).instrument(span.clone()).await
        } else {
            let mut request = operation.into_request();
            request.data = data;
            // In a box for the same reason as a document that is not known.
            Box::pin(self.0.callers.schema.execute(request)).instrument(span.clone()).await
        };
        let response = rendered(response);
        self.ended(&span, label, response.errors.first().map(context::code));
        response
    }

    /// Runs a caller's subscription as `user`, for a peer that goes on where it stood: a response for each event, with
    /// errors as in [`Graphql::execute`]. It works only while it is polled, and ends with being dropped. An operation of
    /// another kind answers once.
    pub fn subscribe(
        &self,
        operation: Operation,
        user: UserId,
        resumption: Resumption,
    ) -> impl Stream<Item = Response> + Send + use<> {
        self.0.callers.schema.execute_stream(operation.into_request().data(user).data(resumption)).map(rendered)
    }

    /// Runs one of our own subscriptions as `user` and answers the data of each event. An error is the last item.
    pub fn follow(
        &self,
        document: &ExecutableDocument,
        variables: Variables,
        user: UserId,
    ) -> impl Stream<Item = Result<Value>> + Send + use<> {
        let mut request = Request::new("").variables(variables).data(user);
        request.set_parsed_query(document.clone());
        self.0.trusted.schema.execute_stream(request).map(data)
    }

    /// Runs one of our own operations as `user`, once where there is a key, and answers its data, which may hold what is
    /// written already (see [`json`]). It has neither fragments nor directives. Operators know it by `name`.
    ///
    /// # Errors
    /// The first error of its resolvers.
    pub async fn run(
        &self,
        name: &'static str,
        operation: &OperationDefinition,
        variables: Variables,
        user: UserId,
        keyed: Option<Keyed>,
    ) -> Result<Value> {
        let store = keyed.map(|keyed| self.0.store.under(keyed));
        let data_of_request = data_of(user, store, true);
        let span = trace::operation(document::kind_name(operation.ty), Some(name));
        let plain = Plain { operation, fragments: HashMap::new(), variables };
        let response = self.0.trusted.execute(plain, data_of_request).instrument(span.clone()).await;
        let outcome = data(response);
        self.ended(&span, Label::Own(name), outcome.as_ref().err().map(Error::code));
        outcome
    }

    /// Tells operators how an operation ended.
    fn ended(&self, span: &Span, label: Label, code: Option<Code>) {
        if let Some(code) = code {
            trace::refused(span, code);
        }
        self.0.operations.count(label, code);
    }

    /// Shows operators how many operations came to which end.
    pub fn register(&self, registry: &mut Registry) {
        self.0.operations.register(registry);
    }
}

impl std::fmt::Debug for Graphql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graphql").field("explore", &self.0.explore).finish_non_exhaustive()
    }
}

/// What the operations of a document cost with these variables.
///
/// # Errors
/// `TooComplex` when one is more than an operation may cost.
pub fn complexity(document: &ExecutableDocument, variables: &Variables) -> Result<u32> {
    document.operations.iter().map(|(_, operation)| complexity::of(document, &operation.node, variables)).sum()
}

fn build() -> SchemaBuilder<query::Query, mutation::Mutation, subscription::Subscription> {
    Schema::build(query::Query, mutation::Mutation::default(), subscription::Subscription)
}

/// A response as callers read it.
fn rendered(mut response: Response) -> Response {
    if response.errors.iter().any(|error| is_left_out(&response.data, &error.path)) {
        response.data = Value::Null;
    }
    response.errors.iter_mut().for_each(context::render);
    response
}

/// The data of a response, or its first error.
fn data(response: Response) -> Result<Value> {
    match response.errors.into_iter().next() {
        None => Ok(response.data),
        Some(error) => Err(match error.source::<Error>() {
            Some(known) => known.clone(),
            None => Error::internal(error.message),
        }),
    }
}

/// What resolvers find in a request. A store comes before that of the schema.
fn data_of(user: UserId, store: Option<Store>, takes_written: bool) -> Data {
    let mut data = Data::default();
    data.insert(user);
    if let Some(store) = store {
        data.insert(store);
    }
    if takes_written {
        data.insert(TakesWritten);
    }
    data
}

/// Whether there is no place for what failed in the data, not even a null. The library leaves a field out that failed;
/// by the specification (6.4.4) null takes the place of the nearest thing around it that may be null. That is the data
/// as a whole: `Query.task` may be null too, and leaves one itself.
fn is_left_out(data: &Value, path: &[PathSegment]) -> bool {
    let mut place = data;
    for segment in path {
        let next = match (place, segment) {
            (Value::Object(fields), PathSegment::Field(name)) => fields.get(name.as_str()),
            (Value::List(items), PathSegment::Index(index)) => items.get(*index),
            _ => return false,
        };
        match next {
            Some(value) => place = value,
            None => return true,
        }
    }
    false
}

/// The schema in the schema definition language: the text of `schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    let text = build().finish().sdl_with_options(SDLExportOptions::new().use_space_ident());
    format!("{}\n", text.trim_end())
}

/// For the fuzz target of documents.
#[cfg(fuzzing)]
pub fn fuzz_document(text: &str) {
    if let Ok(document) = Document::parse(text)
        && let Ok(operation) = document.operation(None)
    {
        let _ = complexity::of(document.parsed(), operation, &Variables::default());
    }
}

/// For the fuzz target of cursors.
#[cfg(fuzzing)]
pub fn fuzz_cursor(text: &str) {
    cursor::fuzz(text);
}
