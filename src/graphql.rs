//! The schema: its resolvers are the only way to a task.
//!
//! [`Graphql`] runs two kinds of documents over the same resolvers: those of callers, checked in full on every
//! request, and our own (the REST routes), which a test checks against the schema and which run without the callers'
//! page limit.

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{EmptySubscription, Request, Response, Schema, ValidationMode, Value, Variables};

use crate::error::{Error, Result};
use crate::store::Store;
use crate::user::UserId;

mod connection;
mod context;
mod cursor;
mod document;
mod inputs;
mod mutation;
mod query;
mod scalars;
mod types;

pub use context::extensions;
pub use document::{Call, Operation};

type TaskSchema = Schema<query::Query, mutation::Mutation, EmptySubscription>;

/// How long a list may be that names no length, and the most that one may ask for.
#[derive(Debug, Clone, Copy)]
struct PageBounds {
    default: Option<i64>,
    most: i64,
}

/// The schema, ready to run documents.
#[derive(Clone)]
pub struct Graphql {
    callers: TaskSchema,
    trusted: TaskSchema,
    explore: bool,
}

impl Graphql {
    /// The schema over `store`. With `explore` it answers introspection and suggests names; without, it tells nothing
    /// of itself.
    #[must_use]
    pub fn new(store: Store, explore: bool) -> Self {
        let mut callers = build().data(store.clone()).data(PageBounds { default: Some(50), most: 100 });
        if !explore {
            callers = callers.disable_introspection().disable_suggestions();
        }
        let trusted = build()
            .data(store)
            .data(PageBounds { default: None, most: 100 })
            .validation_mode(ValidationMode::Fast)
            .disable_introspection();
        Self { callers: callers.finish(), trusted: trusted.finish(), explore }
    }

    /// Runs a caller's operation as `user`.
    ///
    /// # Errors
    /// `GraphqlValidation` when the document does not validate or its variables do not fit: nothing has run.
    /// Errors of resolvers are in the response, with their codes.
    pub async fn execute(&self, operation: Operation, user: UserId) -> Result<Response> {
        if !self.explore && operation.introspects() {
            return Err(Error::GraphqlValidation("Introspection is off on this server.".to_owned()));
        }
        let mut response = self.callers.execute(operation.into_request().data(user)).await;
        let nothing_ran = response.errors.iter().all(|error| error.source::<Error>().is_none());
        if nothing_ran
            && response.data == Value::Null
            && let Some(first) = response.errors.first()
        {
            return Err(Error::GraphqlValidation(document::sentence(&first.message)));
        }
        for error in &mut response.errors {
            context::render(error);
        }
        Ok(response)
    }

    /// Runs one of our own documents as `user` and answers its data.
    ///
    /// # Errors
    /// The first error of its resolvers.
    pub async fn run(&self, document: &ExecutableDocument, variables: Variables, user: UserId) -> Result<Value> {
        let mut request = Request::new("").variables(variables).data(user);
        request.set_parsed_query(document.clone());
        let response = self.trusted.execute(request).await;
        match response.errors.into_iter().next() {
            None => Ok(response.data),
            Some(error) => Err(match error.source::<Error>() {
                Some(known) => known.clone(),
                None => Error::internal(error.message),
            }),
        }
    }
}

impl std::fmt::Debug for Graphql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graphql").field("explore", &self.explore).finish_non_exhaustive()
    }
}

fn build() -> async_graphql::SchemaBuilder<query::Query, mutation::Mutation, EmptySubscription> {
    Schema::build(query::Query, mutation::Mutation, EmptySubscription)
}

/// The schema in the schema definition language: the text of `schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    let options = async_graphql::SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    let _ = options;
    build().finish().sdl()
}
