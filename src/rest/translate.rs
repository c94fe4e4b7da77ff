//! Between REST and the schema: bodies become inputs, problems get the place that they have in the request, and
//! subtrees become bodies.

use std::borrow::Cow;

use async_graphql::{Name, Value, Variables};
use serde_json::Value as Json;

use super::body::Members;
use crate::error::{Error, Problem, Result};
use crate::task::Revision;

/// An input object under construction.
#[derive(Debug, Default)]
pub(super) struct Input {
    members: async_graphql::indexmap::IndexMap<Name, Value>,
    problems: Vec<Problem>,
}

impl Input {
    /// The input of a change to one task.
    pub(super) fn of_task(id: &str, expected: Option<Revision>) -> Self {
        let mut input = Self::default();
        input.set("id", Value::from(id));
        if let Some(expected) = expected {
            input.set("expectedRevision", Value::from(expected.to_string()));
        }
        input
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.members.insert(Name::new(name), value);
    }

    pub(super) fn refuse(&mut self, name: &'static str, kind: &'static str, msg: &'static str) {
        self.problems.push(Problem::new(kind, msg).at(name));
    }

    /// Takes down what is wrong with a member that was taken over.
    pub(super) fn check<T>(&mut self, name: &'static str, value: Result<T, Problem>) {
        self.problems.extend(value.err().map(|problem| problem.at(name)));
    }

    /// Takes over a text from the body; absent stays absent, null stays null where the schema has a meaning for it.
    pub(super) fn text(&mut self, body: &Members, name: &'static str, nullable: bool) {
        match body.get(name) {
            None => {}
            Some(Json::String(text)) => self.set(name, Value::from(text.as_str())),
            Some(Json::Null) if nullable => self.set(name, Value::Null),
            Some(Json::Null) => self.refuse(name, "null_not_allowed", "must not be null"),
            Some(_) => self.refuse(name, "string_type", "must be a string"),
        }
    }

    /// Like [`Input::text`], for a text that must be there.
    pub(super) fn required_text(&mut self, body: &Members, name: &'static str) {
        if body.contains_key(name) {
            self.text(body, name, false);
        } else {
            self.refuse(name, "missing", "is required");
        }
    }

    /// Takes over true or false from the body; absent stays absent.
    pub(super) fn flag(&mut self, body: &Members, name: &'static str) {
        match body.get(name) {
            None => {}
            Some(Json::Bool(flag)) => self.set(name, Value::from(*flag)),
            Some(Json::Null) => self.refuse(name, "null_not_allowed", "must not be null"),
            Some(_) => self.refuse(name, "bool_type", "must be true or false"),
        }
    }

    /// The input, or all that was refused, each at its place in the body.
    pub(super) fn into_value(self) -> Result<Value, Vec<Problem>> {
        if self.problems.is_empty() { Ok(Value::Object(self.members)) } else { Err(self.problems) }
    }

    /// The variables of an operation whose one variable is `$input`.
    ///
    /// # Errors
    /// All that was refused.
    pub(super) fn into_variables(self) -> Result<Variables> {
        self.into_value().map(variables).map_err(of_body)
    }
}

/// The variables of an operation whose one variable is `$input`.
pub(super) fn variables(input: Value) -> Variables {
    Variables::from_value(object("input", input))
}

/// An object of one member.
pub(super) fn object(name: &str, value: Value) -> Value {
    Value::Object([(Name::new(name), value)].into_iter().collect())
}

/// What is wrong with a body.
pub(super) fn of_body(problems: Vec<Problem>) -> Error {
    Error::Validation(problems.into_iter().map(|problem| problem.at("body")).collect())
}

/// An error of an operation as one of the route that ran it: what the schema calls an input is the body, the path or
/// the query here.
pub(super) fn error(error: Error) -> Error {
    match error {
        Error::Validation(problems) => {
            let moved = problems.into_iter().map(|problem| Problem { loc: place(&problem.loc), ..problem });
            Error::Validation(moved.collect())
        }
        other => other,
    }
}

fn place(loc: &[Cow<'static, str>]) -> Vec<Cow<'static, str>> {
    let steps: Vec<&str> = loc.iter().map(AsRef::as_ref).collect();
    match steps.as_slice() {
        ["id"] | ["input", "id"] => vec!["path".into(), "id".into()],
        ["filter", "search"] => vec!["query".into(), "search".into()],
        ["after"] => vec!["query".into(), "cursor".into()],
        ["first"] => vec!["query".into(), "limit".into()],
        // An entry of a list of changes has the members that its kind has in the schema.
        ["input", "changes", _, _, ..] => {
            ["body".into(), loc[2].clone()].into_iter().chain(loc[4..].iter().cloned()).collect()
        }
        ["input", "changes", ..] => std::iter::once("body".into()).chain(loc[2..].iter().cloned()).collect(),
        ["input", ..] => std::iter::once("body".into()).chain(loc[1..].iter().cloned()).collect(),
        _ => loc.to_vec(),
    }
}

/// A member of a subtree, taken out of it.
pub(super) fn take(subtree: &mut Value, name: &str) -> Result<Value> {
    match subtree {
        Value::Object(members) => members.shift_remove(name),
        _ => None,
    }
    .ok_or_else(|| Error::internal(format!("an operation answered without {name}")))
}

/// A member of a subtree that is a string.
pub(super) fn text<'a>(subtree: &'a Value, name: &str) -> Result<&'a str> {
    match subtree {
        Value::Object(members) => match members.get(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(Error::internal(format!("a subtree has no text {name}"))),
        },
        _ => Err(Error::internal("a subtree is no object")),
    }
}

/// A member of a subtree that is a string, taken out of it.
pub(super) fn take_text(subtree: &mut Value, name: &str) -> Result<String> {
    match take(subtree, name)? {
        Value::String(text) => Ok(text),
        _ => Err(Error::internal(format!("an operation answered another type for {name}"))),
    }
}
