//! Tasks, filled in one pass.
//!
//! The library resolves an object field by field, each as a future of its own, and an answer as a tree of values. A task
//! has nothing to wait for: here its members are filled in at once, and a task, or a list of them, is written as JSON where
//! nobody looks into it before it is sent. Whatever is asked for in a way that is not known here is left to the library.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::resolve_list;
use async_graphql::{ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value};

use super::json;
use super::types::{DerivedTask, TaskNode};
use crate::clock::{Rfc3339, Timestamp};
use crate::task::Task;

/// In the data of a request: whoever gets the answer takes tasks and lists of them that are written already (see [`json`]),
/// and none of them has to be merged with another of the same response key.
#[derive(Debug, Clone, Copy)]
pub(super) struct TakesWritten;

fn takes_written(ctx: &ContextSelectionSet<'_>) -> bool {
    ctx.data_opt::<TakesWritten>().is_some()
}

/// About how much a task is as JSON.
const BYTES_PER_TASK: usize = 256;

/// A member of a task.
#[derive(Debug, Clone, Copy)]
enum Member {
    TypeName,
    Id,
    DatabaseId,
    Title,
    Description,
    Completed,
    CreatedAt,
    UpdatedAt,
    Revision,
}

impl Member {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "__typename" => Self::TypeName,
            "id" => Self::Id,
            "databaseId" => Self::DatabaseId,
            "title" => Self::Title,
            "description" => Self::Description,
            "completed" => Self::Completed,
            "createdAt" => Self::CreatedAt,
            "updatedAt" => Self::UpdatedAt,
            "revision" => Self::Revision,
            _ => return None,
        })
    }

    fn value(self, task: &Task) -> Value {
        match self {
            Self::TypeName => Value::String("Task".to_owned()),
            Self::Id => Value::String(task.id.to_string()),
            Self::DatabaseId => task.id.0.into(),
            Self::Title => Value::String(task.title.clone()),
            Self::Description => task.description.clone().map_or(Value::Null, Value::String),
            Self::Completed => task.completed.into(),
            Self::CreatedAt => time(task.created_at),
            Self::UpdatedAt => time(task.updated_at),
            Self::Revision => Value::String(task.revision.to_string()),
        }
    }

    fn write(self, task: &Task, out: &mut Vec<u8>) {
        match self {
            Self::TypeName => json::text("Task", out),
            Self::Id => json::quoted(task.id.0, out),
            Self::DatabaseId => json::number(task.id.0, out),
            Self::Title => json::text(&task.title, out),
            Self::Description => match &task.description {
                Some(description) => json::text(description, out),
                None => out.extend_from_slice(b"null"),
            },
            Self::Completed => out.extend_from_slice(if task.completed { b"true" } else { b"false" }),
            Self::CreatedAt => json::time(task.created_at, out),
            Self::UpdatedAt => json::time(task.updated_at, out),
            Self::Revision => json::quoted(task.revision.0, out),
        }
    }
}

fn time(instant: Timestamp) -> Value {
    let text = instant.rfc3339();
    Value::String(text.as_ref().map(Rfc3339::as_str).unwrap_or_default().to_owned())
}

/// What is asked for of a task: members by response key, in the order of the answer.
struct Selected<'a>(Vec<(&'a Name, Member)>);

impl<'a> Selected<'a> {
    /// `None` where there is something that only the library knows.
    fn of(ctx: &ContextSelectionSet<'a>) -> Option<Self> {
        let set = &ctx.item.node;
        let mut selected = Self(Vec::with_capacity(set.items.len()));
        selected.add(ctx, set)?;
        Some(selected)
    }

    /// Fragments do not spread themselves: such documents are refused.
    fn add(&mut self, ctx: &ContextSelectionSet<'a>, set: &'a SelectionSet) -> Option<()> {
        for selection in &set.items {
            // Those that the library knows are carried out by now, and taken out.
            if !selection.node.directives().is_empty() {
                return None;
            }
            match &selection.node {
                Selection::Field(field) => {
                    let (key, member) = (&field.node.response_key().node, Member::named(&field.node.name.node)?);
                    if self.0.iter().all(|(known, _)| *known != key) {
                        self.0.push((key, member));
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &ctx.query_env.fragments.get(&spread.node.fragment_name.node)?.node;
                    (fragment.type_condition.node.on.node == "Task").then_some(())?;
                    self.add(ctx, &fragment.selection_set.node)?;
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    condition.is_none_or(|condition| condition.node.on.node == "Task").then_some(())?;
                    self.add(ctx, &fragment.node.selection_set.node)?;
                }
            }
        }
        Some(())
    }

    fn object(&self, task: &Task) -> Value {
        let mut members = IndexMap::with_capacity(self.0.len());
        members.extend(self.0.iter().map(|(key, member)| ((*key).clone(), member.value(task))));
        Value::Object(members)
    }

    fn write(&self, task: &Task, out: &mut Vec<u8>) {
        json::object(&self.0, out, |(key, member), out| {
            json::name(key, out);
            member.write(task, out);
        });
    }
}

impl OutputType for TaskNode {
    fn type_name() -> Cow<'static, str> {
        <DerivedTask<'_> as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <DerivedTask<'_> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match Selected::of(ctx) {
            Some(selected) if takes_written(ctx) => {
                let mut bytes = Vec::with_capacity(BYTES_PER_TASK);
                selected.write(&self.0, &mut bytes);
                Ok(json::written(bytes))
            }
            Some(selected) => Ok(selected.object(&self.0)),
            None => DerivedTask(&self.0).resolve(ctx, field).await,
        }
    }
}

/// A list of tasks.
#[derive(Debug, Clone, Copy)]
pub struct Tasks<'a>(pub(super) &'a [TaskNode]);

impl OutputType for Tasks<'_> {
    fn type_name() -> Cow<'static, str> {
        <&[TaskNode] as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <&[TaskNode] as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <&[TaskNode] as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let tasks = || self.0.iter().map(|node| &node.0);
        match Selected::of(ctx) {
            Some(selected) if takes_written(ctx) => {
                let mut bytes = Vec::with_capacity(self.0.len() * BYTES_PER_TASK);
                json::list(tasks(), &mut bytes, |task, out| selected.write(task, out));
                Ok(json::written(bytes))
            }
            Some(selected) => Ok(Value::List(tasks().map(|task| selected.object(task)).collect())),
            None => resolve_list(ctx, field, self.0, Some(self.0.len())).await,
        }
    }
}

#[cfg(test)]
mod tests;
