//! The query of `GET /api/tasks`, as the variables of its operation.

use std::borrow::Cow;

use async_graphql::{Value, Variables, value};
use form_urlencoded::Serializer;

use crate::error::{Error, Problem, Result};

/// What the route understands; anything else in the query is passed over.
const KNOWN: [&str; 5] = ["status", "search", "sort", "limit", "cursor"];

/// The parameters of a list, each at most once.
#[derive(Debug, Default)]
pub(super) struct ListQuery<'a> {
    known: Vec<(&'static str, Cow<'a, str>)>,
}

impl<'a> ListQuery<'a> {
    /// # Errors
    /// A problem for each parameter that is given twice.
    pub(super) fn parse(query: &'a str) -> Result<Self> {
        let mut known: Vec<(&'static str, Cow<'a, str>)> = Vec::new();
        let mut problems = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let Some(name) = KNOWN.into_iter().find(|known| *known == name) else { continue };
            if known.iter().any(|(other, _)| *other == name) {
                problems.push(problem(name, "given_twice", "must be given once"));
            }
            known.push((name, value));
        }
        if problems.is_empty() { Ok(Self { known }) } else { Err(Error::Validation(problems)) }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.known.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_ref())
    }

    /// # Errors
    /// A problem for each value that means nothing. The rules of `search` and `cursor` are the schema's.
    pub(super) fn variables(&self) -> Result<Variables> {
        let mut problems = Vec::new();
        let mut read = |name, read: fn(&str) -> Result<Value, Problem>| {
            self.get(name).map_or(Value::Null, |text| {
                read(text).unwrap_or_else(|problem| {
                    problems.push(problem.at(name).at("query"));
                    Value::Null
                })
            })
        };
        let (status, order, first) = (read("status", status), read("sort", order), read("limit", limit));
        if !problems.is_empty() {
            return Err(Error::Validation(problems));
        }
        let text = |name| self.get(name).map_or(Value::Null, Value::from);
        Ok(Variables::from_value(value!({
            "filter": { "status": status, "search": (text("search")) },
            "orderBy": order,
            "first": first,
            "after": (text("cursor")),
        })))
    }

    /// The same list from another place on, as a relative reference.
    pub(super) fn next(&self, cursor: &str) -> String {
        let mut query = Serializer::new(String::new());
        for (name, value) in self.known.iter().filter(|(name, _)| *name != "cursor") {
            query.append_pair(name, value);
        }
        query.append_pair("cursor", cursor);
        format!("/api/tasks?{}", query.finish())
    }
}

fn problem(name: &'static str, kind: &'static str, msg: &'static str) -> Problem {
    Problem::new(kind, msg).at(name).at("query")
}

fn status(text: &str) -> Result<Value, Problem> {
    match text {
        "all" => Ok(Value::Null),
        "pending" => Ok(Value::Enum(async_graphql::Name::new("PENDING"))),
        "completed" => Ok(Value::Enum(async_graphql::Name::new("COMPLETED"))),
        _ => Err(Problem::new("enum", "must be one of all, pending, completed")),
    }
}

fn order(text: &str) -> Result<Value, Problem> {
    let (field, direction) = text.strip_prefix('-').map_or((text, "ASC"), |field| (field, "DESC"));
    let field = match field {
        "created_at" => "CREATED_AT",
        "updated_at" => "UPDATED_AT",
        "title" => "TITLE",
        _ => {
            let msg = "must be one of created_at, updated_at, title, with a leading - for descending";
            return Err(Problem::new("enum", msg));
        }
    };
    Ok(value!({ "field": field, "direction": direction }))
}

fn limit(text: &str) -> Result<Value, Problem> {
    match text.parse::<u8>() {
        Ok(limit @ 1..=100) if !text.starts_with('+') => Ok(Value::from(limit)),
        _ => Err(Problem::new("out_of_range", "must be a whole number from 1 to 100")),
    }
}
