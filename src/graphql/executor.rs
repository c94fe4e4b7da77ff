//! Runs operations that are known to be valid, without the library's preparations for each request: it would visit the
//! whole document again, for rules that were checked when it was taken in. What resolves is the library's all the same.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError};

use async_graphql::extensions::Extensions;
use async_graphql::parser::types::{FragmentDefinition, OperationDefinition, OperationType};
use async_graphql::resolver_utils::{resolve_container, resolve_container_serial};
use async_graphql::{
    Context, Data, IntrospectionMode, Name, Pos, Positioned, QueryEnv, QueryEnvInner, Request, Response, SchemaEnv,
    Variables,
};
use futures_util::FutureExt as _;

use super::TaskSchema;
use super::mutation::Mutation;
use super::query::Query;
use crate::error::{Error, Result};

/// An operation with nothing in it that has to be prepared: no directives, and no questions about the schema.
#[derive(Debug)]
pub(super) struct Plain<'a> {
    pub(super) operation: &'a OperationDefinition,
    pub(super) fragments: HashMap<Name, Positioned<FragmentDefinition>>,
    pub(super) variables: Variables,
}

/// What the library keeps to itself of a schema. Every resolver sees it, so one is asked.
#[derive(Default)]
pub(super) struct Insides(OnceLock<(SchemaEnv, Extensions)>);

impl Insides {
    /// Where the request asks for it, leaves it there.
    pub(super) fn leave(ctx: &Context<'_>) {
        if let Some(insides) = ctx.data_opt::<Arc<Self>>() {
            let _ = insides.0.set((ctx.schema_env.clone(), ctx.query_env.extensions.clone()));
        }
    }
}

/// A schema, and what runs operations on it that need no preparation.
pub(super) struct Executor {
    /// Runs all others.
    pub(super) schema: TaskSchema,
    env: SchemaEnv,
    extensions: Extensions,
    session: Arc<Data>,
}

impl Executor {
    /// # Errors
    /// `Internal` when the schema has no resolver that tells, which a test rules out.
    pub(super) fn of(schema: TaskSchema) -> Result<Self> {
        let insides = Arc::new(Insides::default());
        let question = Request::new("{ viewer { __typename } }").data(Arc::clone(&insides));
        schema.execute(question).now_or_never();
        match insides.0.get().cloned() {
            Some((env, extensions)) => Ok(Self { schema, env, extensions, session: Arc::default() }),
            None => Err(Error::internal("the schema has no resolver that tells what it is made of")),
        }
    }

    /// Runs a query or a mutation with the data of its request.
    pub(super) async fn execute(&self, plain: Plain<'_>, data: Data) -> Response {
        let Plain { operation, fragments, variables } = plain;
        // All that the library looks for in it is what the variables are.
        let without_selections = OperationDefinition {
            ty: operation.ty,
            variable_definitions: operation.variable_definitions.clone(),
            directives: Vec::new(),
            selection_set: Positioned::default(),
        };
        let env = QueryEnv::new(QueryEnvInner {
            extensions: self.extensions.clone(),
            variables,
            operation_name: None,
            operation: Positioned::new(without_selections, Pos::default()),
            fragments,
            uploads: Vec::new(),
            session_data: Arc::clone(&self.session),
            query_data: Arc::new(data),
            http_headers: std::sync::Mutex::default(),
            introspection_mode: IntrospectionMode::Disabled,
            errors: std::sync::Mutex::default(),
        });
        let ctx = env.create_context(&self.env, None, &operation.selection_set, None);
        let outcome = if operation.ty == OperationType::Mutation {
            resolve_container_serial(&ctx, &Mutation::default()).await
        } else {
            resolve_container(&ctx, &Query).await
        };
        let mut response = outcome.map_or_else(|error| Response::from_errors(vec![error]), Response::new);
        let mut errors = env.errors.lock().unwrap_or_else(PoisonError::into_inner);
        response.errors.append(&mut errors);
        response
    }
}
