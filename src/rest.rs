//! The routes that front ends call, each a fixed operation of the schema and a translation of its answer.
//!
//! Nothing here knows the store: route → variables, error → place in the request, part of the answer → body. The
//! documents in `operations/` alias fields to the names that REST has, so that a body is a subtree of the answer.

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use async_graphql::{Value, Variables, value};
use futures_util::stream::{Stream, StreamExt as _};
use std::sync::Arc;

use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::graphql::{self, Graphql};
use crate::idempotency::Keyed;
use crate::user::UserId;

pub mod body;
mod bulk;
mod change;
mod changes;
mod envelope;
mod etag;
mod events;
mod explain;
pub mod openapi;
mod query;
mod respond;
mod routes;
mod translate;

pub use envelope::envelope;
pub use events::{last_event, stream as event_stream};
pub use explain::{Look, Seen, explain};
pub use routes::router;

/// The text of each operation, by name.
pub const OPERATIONS: [(&str, &str); 13] = [
    ("list_tasks", include_str!("rest/operations/list_tasks.graphql")),
    ("list_revision", include_str!("rest/operations/list_revision.graphql")),
    ("create_task", include_str!("rest/operations/create_task.graphql")),
    ("get_task", include_str!("rest/operations/get_task.graphql")),
    ("update_task", include_str!("rest/operations/update_task.graphql")),
    ("toggle_task", include_str!("rest/operations/toggle_task.graphql")),
    ("set_task_completed", include_str!("rest/operations/set_task_completed.graphql")),
    ("delete_task", include_str!("rest/operations/delete_task.graphql")),
    ("restore_task", include_str!("rest/operations/restore_task.graphql")),
    ("list_deleted_tasks", include_str!("rest/operations/list_deleted_tasks.graphql")),
    ("task_changes", include_str!("rest/operations/task_changes.graphql")),
    ("task_events", include_str!("rest/operations/task_events.graphql")),
    ("change_tasks", include_str!("rest/operations/change_tasks.graphql")),
];

/// One of [`OPERATIONS`], by its place in it.
#[derive(Debug, Clone, Copy)]
enum Operation {
    ListTasks,
    ListRevision,
    CreateTask,
    GetTask,
    UpdateTask,
    ToggleTask,
    SetTaskCompleted,
    DeleteTask,
    RestoreTask,
    ListDeletedTasks,
    TaskChanges,
    TaskEvents,
    ChangeTasks,
}

/// How many tasks a list counts as that names no limit.
const UNLIMITED: u32 = 100;

/// What the routes need: the schema, their operations parsed once, and the budgets that they are charged to. A clone is
/// another handle to the same.
#[derive(Debug, Clone)]
pub struct Rest(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    graphql: Graphql,
    budget: Budget,
    operations: Vec<Prepared>,
    bounds: body::Bounds,
}

/// An operation, and its complexity: so much, and so much more for each task of a list or each of many changes.
#[derive(Debug)]
struct Prepared {
    name: &'static str,
    text: &'static str,
    document: ExecutableDocument,
    /// The one operation of the document.
    definition: OperationDefinition,
    fixed: u32,
    each: u32,
}

impl Prepared {
    fn new(name: &'static str, text: &'static str) -> Result<Self> {
        let document = parse_query(text).map_err(Error::internal)?;
        let of = |items: u32| {
            let changes = vec![Value::Null; items as usize];
            let variables = value!({ "first": items, "input": { "changes": (Value::List(changes)) } });
            graphql::complexity(&document, &Variables::from_value(variables))
        };
        let (one, two) = (of(1)?, of(2)?);
        let definition = match document.operations.iter().next() {
            Some((_, definition)) => definition.node.clone(),
            None => return Err(Error::internal("a document has no operation")),
        };
        Ok(Self { name, text, document, definition, fixed: one - (two - one), each: two - one })
    }

    fn complexity(&self, variables: &Variables) -> u32 {
        self.each.saturating_mul(items(variables).unwrap_or(UNLIMITED)).saturating_add(self.fixed)
    }
}

/// How many tasks a list is to have, or how many changes are to be made.
fn items(variables: &Variables) -> Option<u32> {
    let changes = match variables.get("input") {
        Some(Value::Object(input)) => input.get("changes"),
        _ => None,
    };
    match (variables.get("first"), changes) {
        (Some(Value::Number(limit)), _) => limit.as_u64().and_then(|limit| u32::try_from(limit).ok()),
        (_, Some(Value::List(changes))) => u32::try_from(changes.len()).ok(),
        _ => None,
    }
}

impl Rest {
    /// The routes over a schema, with bodies within `bounds`.
    ///
    /// # Errors
    /// `Internal` when an operation does not parse, which a test rules out.
    pub fn new(graphql: Graphql, budget: Budget, bounds: body::Bounds) -> Result<Self> {
        let operations = OPERATIONS.iter().map(|(name, text)| Prepared::new(name, text)).collect::<Result<_>>()?;
        Ok(Self(Arc::new(Inner { graphql, budget, operations, bounds })))
    }

    /// Charges an operation to `user`, runs it, once where there is a key, and answers the subtree of its one root field.
    async fn run(
        &self,
        operation: Operation,
        variables: Variables,
        user: &UserId,
        keyed: Option<&Keyed>,
    ) -> Result<Value> {
        let operation = &self.0.operations[operation as usize];
        explain::begins(operation, &variables, Look::Dry)?;
        self.0.budget.charge(user, operation.complexity(&variables))?;
        let run = self.0.graphql.run(operation.name, &operation.definition, variables, user.clone(), keyed.cloned());
        let data = run.await;
        explain::ends(&data);
        root_field(data.map_err(translate::error)?)
    }

    /// Charges a subscription to `user` and follows it: the subtree of its one root field, event by event. An error is the
    /// last item.
    fn follow(
        &self,
        operation: Operation,
        variables: Variables,
        user: &UserId,
    ) -> Result<impl Stream<Item = Result<Value>> + Send + use<>> {
        let operation = &self.0.operations[operation as usize];
        explain::begins(operation, &variables, Look::Run)?;
        self.0.budget.charge(user, operation.complexity(&variables))?;
        let events = self.0.graphql.follow(&operation.document, variables, user.clone());
        Ok(events.map(|data| data.map_err(translate::error).and_then(root_field)))
    }
}

fn root_field(data: Value) -> Result<Value> {
    match data {
        Value::Object(fields) => {
            fields.into_values().next().ok_or_else(|| Error::internal("an operation answered without its field"))
        }
        _ => Err(Error::internal("an operation answered without data")),
    }
}
