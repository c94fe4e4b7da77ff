//! The queries of the routes that list, as the variables of their operations.

use std::borrow::Cow;

use async_graphql::{Value, Variables, value};
use form_urlencoded::Serializer;

use crate::error::{Error, Problem, Result};
use crate::task::Position;

/// What `GET /api/tasks` understands; anything else in the query is passed over.
const OF_A_LIST: [&str; 5] = ["status", "search", "sort", "limit", "cursor"];

/// What `GET /api/tasks/trash` understands.
const OF_TRASH: [&str; 2] = ["limit", "cursor"];

/// What `GET /api/tasks/changes` understands.
const OF_CHANGES: [&str; 2] = ["since", "limit"];

/// How many changes or deleted tasks a page has where nobody says.
const PAGE: u8 = 50;

/// The parameters of a query that a route understands, each at most once.
#[derive(Debug)]
struct Parameters<'a>(Vec<(&'static str, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    /// # Errors
    /// A problem for each parameter that is given twice.
    fn parse(query: &'a str, known: &[&'static str]) -> Result<Self> {
        let mut found: Vec<(&'static str, Cow<'a, str>)> = Vec::new();
        let mut problems = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let Some(name) = known.iter().copied().find(|known| *known == name) else { continue };
            if found.iter().any(|(other, _)| *other == name) {
                problems.push(problem(name, "given_twice", "must be given once"));
            }
            found.push((name, value));
        }
        if problems.is_empty() { Ok(Self(found)) } else { Err(Error::Validation(problems)) }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_ref())
    }

    /// The value of a parameter as `read` understands it, null where it is not given. A problem goes to `problems`.
    fn read(
        &self,
        problems: &mut Vec<Problem>,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<Value, Problem>,
    ) -> Value {
        self.get(name).map_or(Value::Null, |text| {
            read(text).unwrap_or_else(|problem| {
                problems.push(problem.at(name).at("query"));
                Value::Null
            })
        })
    }

    /// The limit of a list that is never whole.
    fn page(&self, problems: &mut Vec<Problem>) -> Value {
        match self.read(problems, "limit", limit) {
            Value::Null => Value::from(PAGE),
            first => first,
        }
    }

    /// The same query from another place on.
    fn next(&self, path: &str, cursor: &str) -> String {
        let mut query = Serializer::new(String::new());
        for (name, value) in self.0.iter().filter(|(name, _)| *name != "cursor") {
            query.append_pair(name, value);
        }
        query.append_pair("cursor", cursor);
        format!("{path}?{}", query.finish())
    }
}

/// The query of `GET /api/tasks/trash`.
#[derive(Debug)]
pub(super) struct TrashQuery<'a>(Parameters<'a>);

impl<'a> TrashQuery<'a> {
    /// # Errors
    /// A problem for each parameter that is given twice.
    pub(super) fn parse(query: &'a str) -> Result<Self> {
        Parameters::parse(query, &OF_TRASH).map(Self)
    }

    /// # Errors
    /// A problem where the limit means nothing. The rules of `cursor` are the schema's.
    pub(super) fn variables(&self) -> Result<Variables> {
        let mut problems = Vec::new();
        let first = self.0.page(&mut problems);
        if !problems.is_empty() {
            return Err(Error::Validation(problems));
        }
        let after = self.0.get("cursor").map_or(Value::Null, Value::from);
        Ok(Variables::from_value(value!({ "first": first, "after": after })))
    }

    /// The same list from another place on, as a relative reference.
    pub(super) fn next(&self, cursor: &str) -> String {
        self.0.next("/api/tasks/trash", cursor)
    }
}

/// The variables of the operation for a page of changes. Without a limit it has 50.
///
/// # Errors
/// A problem for each value that means nothing, or is not there and must be.
pub(super) fn changes(query: &str) -> Result<Variables> {
    let parameters = Parameters::parse(query, &OF_CHANGES)?;
    let mut problems = Vec::new();
    if parameters.get("since").is_none() {
        problems.push(problem("since", "missing", "is required; it is 0 for a client that has nothing"));
    }
    let after = parameters.read(&mut problems, "since", place);
    let first = parameters.page(&mut problems);
    if problems.is_empty() {
        Ok(Variables::from_value(value!({ "after": after, "first": first })))
    } else {
        Err(Error::Validation(problems))
    }
}

/// The variables of the operation that follows changes: after the last event that the caller heard of, else `since`, else
/// from now on.
///
/// # Errors
/// A problem when either means nothing.
pub(super) fn events(query: &str, last_event: Result<Option<Position>, Problem>) -> Result<Variables> {
    let parameters = Parameters::parse(query, &["since"])?;
    let mut problems = Vec::new();
    let since = parameters.read(&mut problems, "since", place);
    let last = last_event.unwrap_or_else(|problem| {
        problems.push(problem.at("last-event-id").at("header"));
        None
    });
    if !problems.is_empty() {
        return Err(Error::Validation(problems));
    }
    let after = last.map_or(since, |place| Value::from(place.to_string()));
    Ok(Variables::from_value(value!({ "after": after })))
}

/// A place in the feed.
fn place(text: &str) -> Result<Value, Problem> {
    Position::parse(text).map(|place| Value::from(place.to_string()))
}

/// The query of `GET /api/tasks`.
#[derive(Debug)]
pub(super) struct ListQuery<'a>(Parameters<'a>);

impl<'a> ListQuery<'a> {
    /// # Errors
    /// A problem for each parameter that is given twice.
    pub(super) fn parse(query: &'a str) -> Result<Self> {
        Parameters::parse(query, &OF_A_LIST).map(Self)
    }

    /// # Errors
    /// A problem for each value that means nothing. The rules of `search` and `cursor` are the schema's.
    pub(super) fn variables(&self) -> Result<Variables> {
        let mut problems = Vec::new();
        let mut read = |name, read: fn(&str) -> Result<Value, Problem>| self.0.read(&mut problems, name, read);
        let (status, order, first) = (read("status", status), read("sort", order), read("limit", limit));
        if !problems.is_empty() {
            return Err(Error::Validation(problems));
        }
        let text = |name| self.0.get(name).map_or(Value::Null, Value::from);
        Ok(Variables::from_value(value!({
            "filter": { "status": status, "search": (text("search")) },
            "orderBy": order,
            "first": first,
            "after": (text("cursor")),
        })))
    }

    /// The same list from another place on, as a relative reference.
    pub(super) fn next(&self, cursor: &str) -> String {
        self.0.next("/api/tasks", cursor)
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
