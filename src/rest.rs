//! The routes that front ends call, each a fixed operation of the schema and a translation of its answer.
//!
//! Nothing here knows the store: route → variables, error → place in the request, part of the answer → body. The
//! documents in `operations/` alias fields to the names that REST has, so that a body is a subtree of the answer.

use async_graphql::Variables;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::graphql::Graphql;
use crate::user::UserId;

pub mod body;
mod etag;
pub mod openapi;
mod query;
mod routes;
mod translate;

pub use routes::router;

/// The text of each operation, by name.
pub const OPERATIONS: [(&str, &str); 7] = [
    ("list_tasks", include_str!("rest/operations/list_tasks.graphql")),
    ("create_task", include_str!("rest/operations/create_task.graphql")),
    ("get_task", include_str!("rest/operations/get_task.graphql")),
    ("update_task", include_str!("rest/operations/update_task.graphql")),
    ("toggle_task", include_str!("rest/operations/toggle_task.graphql")),
    ("set_task_completed", include_str!("rest/operations/set_task_completed.graphql")),
    ("delete_task", include_str!("rest/operations/delete_task.graphql")),
];

/// One of [`OPERATIONS`], by its place in it.
#[derive(Debug, Clone, Copy)]
enum Operation {
    ListTasks,
    CreateTask,
    GetTask,
    UpdateTask,
    ToggleTask,
    SetTaskCompleted,
    DeleteTask,
}

/// What the routes need: the schema, and their operations parsed once.
#[derive(Debug, Clone)]
pub struct Rest {
    graphql: Graphql,
    documents: Arc<[ExecutableDocument]>,
}

impl Rest {
    /// The routes over a schema.
    ///
    /// # Errors
    /// `Internal` when an operation does not parse, which a test rules out.
    pub fn new(graphql: Graphql) -> Result<Self> {
        let parsed = OPERATIONS.iter().map(|(_, text)| parse_query(text)).collect::<Result<Vec<_>, _>>();
        let documents = parsed.map_err(Error::internal)?.into();
        Ok(Self { graphql, documents })
    }

    /// Runs an operation as `user` and answers the subtree of its one root field.
    async fn run(&self, operation: Operation, variables: Variables, user: &UserId) -> Result<async_graphql::Value> {
        let document = &self.documents[operation as usize];
        let data = self.graphql.run(document, variables, user.clone()).await.map_err(translate::error)?;
        match data {
            async_graphql::Value::Object(fields) => {
                fields.into_values().next().ok_or_else(|| Error::internal("an operation answered without its field"))
            }
            _ => Err(Error::internal("an operation answered without data")),
        }
    }
}
