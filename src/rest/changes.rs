//! Changes as REST writes them: `{"type": "upserted", "revision", "task"}`, `{"type": "deleted", "revision", "id"}`,
//! `{"type": "reset", "revision"}`.

use async_graphql::{Value, value};

use super::translate::{take, take_text};
use crate::error::{Error, Result};
use crate::task::TaskId;

/// A page of changes, and where it ends.
pub(super) fn page(mut feed: Value) -> Result<(Value, String)> {
    let Value::List(nodes) = take(&mut feed, "nodes")? else {
        return Err(Error::internal("an operation answered changes that are no list"));
    };
    let changes = nodes.into_iter().map(change).collect::<Result<_>>().map(Value::List)?;
    let has_more = take(&mut take(&mut feed, "pageInfo")?, "hasNextPage")?;
    let revision = take_text(&mut feed, "revision")?;
    Ok((value!({ "changes": changes, "revision": (revision.as_str()), "has_more": has_more }), revision))
}

/// One change, of a node that has its type's name as `type`.
pub(super) fn change(mut node: Value) -> Result<Value> {
    let revision = take(&mut node, "revision")?;
    match take_text(&mut node, "type")?.as_str() {
        "TaskUpserted" => {
            let task = take(&mut node, "task")?;
            Ok(value!({ "type": "upserted", "revision": revision, "task": task }))
        }
        "TaskDeleted" => {
            let id = TaskId::parse(&take_text(&mut node, "taskId")?).map_err(|problem| Error::internal(problem.msg))?;
            Ok(value!({ "type": "deleted", "revision": revision, "id": (id.0) }))
        }
        "FeedReset" => Ok(value!({ "type": "reset", "revision": revision })),
        other => Err(Error::internal(format!("there is no change of the type {other} in REST"))),
    }
}
