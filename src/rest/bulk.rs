//! The body of `POST /api/tasks/bulk`, a list of changes, as the input of one operation. What is wrong with any of them
//! is told at once, so the rules of texts are looked at here too, not only by the schema.

use async_graphql::{Value, Variables};
use serde_json::Value as Json;

use super::body::Members;
use super::translate::{self, Input};
use crate::error::{Problem, Result};
use crate::task::{Description, Revision, TaskId, Title};

/// The most changes of a request.
const MOST: usize = 100;

/// The variables of the operation that makes these changes.
///
/// # Errors
/// All that is wrong with them, each with the index of its entry.
pub(super) fn variables(entries: &[Json]) -> Result<Variables> {
    let refused = match entries.len() {
        0 => Some(Problem::new("too_short", "must have at least 1 entry")),
        1..=MOST => None,
        _ => Some(Problem::new("too_long", format!("must have at most {MOST} entries"))),
    };
    let mut problems = Vec::from_iter(refused);
    let mut changes = Vec::new();
    for (index, entry) in entries.iter().enumerate().take(MOST) {
        match change(entry) {
            Ok(change) => changes.push(change),
            Err(wrong) => problems.extend(wrong.into_iter().map(|problem| problem.at(index.to_string()))),
        }
    }
    if problems.is_empty() {
        Ok(translate::variables(translate::object("changes", Value::List(changes))))
    } else {
        Err(translate::of_body(problems))
    }
}

/// One change as the schema takes it: the member that is named by its kind, with the input of a single one.
fn change(entry: &Json) -> Result<Value, Vec<Problem>> {
    let Json::Object(members) = entry else {
        return Err(vec![Problem::new("object_type", "must be a JSON object")]);
    };
    let wrong_op = |kind, msg| Err(vec![Problem::new(kind, msg).at("op")]);
    let op = match members.get("op") {
        Some(Json::String(op)) => op.as_str(),
        Some(_) => return wrong_op("string_type", "must be a string"),
        None => return wrong_op("missing", "is required"),
    };
    let mut input = Input::default();
    let kind = match op {
        "create" => {
            input.required_text(members, "title");
            input.text(members, "description", true);
            "create"
        }
        "update" => {
            name(&mut input, members);
            input.text(members, "title", false);
            input.text(members, "description", true);
            input.flag(members, "completed");
            "update"
        }
        "complete" => {
            name(&mut input, members);
            input.set("completed", true.into());
            input.flag(members, "completed");
            "setCompleted"
        }
        "delete" => {
            name(&mut input, members);
            "delete"
        }
        _ => return wrong_op("enum", "must be create, update, complete or delete"),
    };
    if matches!(kind, "create" | "update") {
        check_texts(&mut input, members);
    }
    Ok(translate::object(kind, input.into_value()?))
}

/// Takes over which task is meant, and which revision it must have.
fn name(input: &mut Input, members: &Members) {
    match members.get("id") {
        None => input.refuse("id", "missing", "is required"),
        Some(id) => {
            // A number that is whole is one, however JSON writes it.
            let digits = match id.as_f64().filter(|_| id.is_f64()) {
                Some(float) if float.fract() == 0.0 => format!("{float:.0}"),
                _ => id.to_string(),
            };
            input.check("id", TaskId::parse(&digits));
            input.set("id", digits.into());
        }
    }
    match members.get("revision") {
        None => {}
        Some(Json::String(revision)) => {
            input.check("revision", Revision::parse(revision));
            input.set("expectedRevision", revision.as_str().into());
        }
        Some(Json::Null) => input.refuse("revision", "null_not_allowed", "must not be null"),
        Some(_) => input.refuse("revision", "string_type", "must be a string"),
    }
}

fn check_texts(input: &mut Input, members: &Members) {
    if let Some(Json::String(title)) = members.get("title") {
        input.check("title", Title::parse(title));
    }
    if let Some(Json::String(description)) = members.get("description") {
        input.check("description", Description::parse(description.clone()));
    }
}
