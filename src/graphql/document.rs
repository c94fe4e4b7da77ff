//! A caller's document before it is run: bounded on its text, parsed, its operation chosen, its variables accounted for.

use std::collections::HashSet;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Request, Variables};
use async_graphql_value::Value;

use crate::error::{Error, Result};

/// How deep brackets may nest in the text of a document. The library recurses over them, and thousands overflow the
/// stack, which aborts the process.
const MAX_BRACKETS: usize = 64;

/// What a caller asks to run.
#[derive(Debug)]
pub struct Call {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: Variables,
}

/// The operation of a call, ready to be validated and run.
#[derive(Debug)]
pub struct Operation {
    document: ExecutableDocument,
    name: Option<String>,
    variables: Variables,
    kind: OperationType,
}

impl Operation {
    /// Parses a call and chooses its operation.
    ///
    /// # Errors
    /// `TooComplex` when brackets nest too deeply, `GraphqlParse` when the text is no document, `GraphqlValidation`
    /// when there is no operation of that name or a required variable was not given.
    pub fn parse(call: Call) -> Result<Self> {
        if nests_deeper_than(&call.query, MAX_BRACKETS) {
            return Err(Error::TooComplex(format!("Brackets nest more than {MAX_BRACKETS} deep in the document.")));
        }
        let mut document = async_graphql::parser::parse_query(&call.query)
            .map_err(|error| Error::GraphqlParse(sentence(&error.to_string())))?;
        let name = call.operation_name.filter(|name| !name.is_empty());
        let definition = chosen(&document, name.as_deref())?;
        let kind = definition.ty;
        let absent = absent_variables(definition, &call.variables)?;
        if !absent.is_empty() {
            drop_absent(&mut document, &absent);
        }
        Ok(Self { document, name, variables: call.variables, kind })
    }

    #[must_use]
    pub const fn is_query(&self) -> bool {
        matches!(self.kind, OperationType::Query)
    }

    #[must_use]
    pub const fn is_subscription(&self) -> bool {
        matches!(self.kind, OperationType::Subscription)
    }

    /// Whether it asks for the schema itself. The library answers null to that where introspection is off, and says
    /// nothing.
    pub(super) fn introspects(&self) -> bool {
        let fields = |set: &SelectionSet| {
            set.items.iter().any(|item| {
                matches!(&item.node, Selection::Field(field)
                    if matches!(field.node.name.node.as_str(), "__schema" | "__type"))
            })
        };
        let mut sets: Vec<&SelectionSet> =
            self.document.operations.iter().map(|(_, op)| &op.node.selection_set.node).collect();
        sets.extend(self.document.fragments.values().map(|fragment| &fragment.node.selection_set.node));
        while let Some(set) = sets.pop() {
            if fields(set) {
                return true;
            }
            sets.extend(set.items.iter().filter_map(|item| match &item.node {
                Selection::InlineFragment(fragment) => Some(&fragment.node.selection_set.node),
                _ => None,
            }));
        }
        false
    }

    pub(super) fn into_request(self) -> Request {
        let mut request = Request::new("").variables(self.variables);
        if let Some(name) = self.name {
            request = request.operation_name(name);
        }
        request.set_parsed_query(self.document);
        request
    }
}

/// Whether brackets nest deeper than `most`, in one pass over the text. Those in strings and comments do not count.
fn nests_deeper_than(text: &str, most: usize) -> bool {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        at += match byte {
            b'#' => rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len()),
            b'"' if rest.starts_with(b"\"\"\"") => 3 + block_string_length(&rest[3..]),
            b'"' => 1 + string_length(&rest[1..]),
            b'[' | b'{' | b'(' => {
                depth += 1;
                1
            }
            b']' | b'}' | b')' => {
                depth = depth.saturating_sub(1);
                1
            }
            _ => 1,
        };
        if depth > most {
            return true;
        }
    }
    false
}

/// The length of what follows an opening `"`, its closing quote included. A line's end closes a broken string.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' | b'\n' | b'\r' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The length of what follows an opening `"""`, the closing quotes included.
fn block_string_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"\\\"\"\"") {
            at += 4;
        } else if bytes[at..].starts_with(b"\"\"\"") {
            return at + 3;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// The operation that a call means (GraphQL specification, `GetOperation`).
fn chosen<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Result<&'a OperationDefinition> {
    let mut operations = document.operations.iter();
    let found = match name {
        Some(name) => operations.find(|(other, _)| other.is_some_and(|other| other.as_str() == name)),
        None if operations.len() > 1 => {
            return Err(Error::GraphqlValidation(
                "The document has more than one operation; say which in operationName.".to_owned(),
            ));
        }
        None => operations.next(),
    };
    match found {
        Some((_, operation)) => Ok(&operation.node),
        None => Err(Error::GraphqlValidation("The document has no operation of that name.".to_owned())),
    }
}

/// The variables of an operation that were not given and have no default.
fn absent_variables(operation: &OperationDefinition, given: &Variables) -> Result<HashSet<Name>> {
    let mut absent = HashSet::new();
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let (name, ty) = (&definition.name.node, &definition.var_type.node);
        let value = given.get(name);
        let is_null = matches!(value, Some(async_graphql::Value::Null));
        if definition.default_value.is_none() && value.is_none() && ty.nullable {
            absent.insert(name.clone());
        }
        if !ty.nullable && (is_null || (value.is_none() && definition.default_value.is_none())) {
            return Err(Error::GraphqlValidation(format!(
                "The variable ${name} of type {ty} is required; give it a value in variables."
            )));
        }
    }
    Ok(absent)
}

/// Takes out the arguments and input members whose variable was not given, and the variables themselves. By the
/// specification (6.4.1, 3.10) such a member is absent; the library would take it for null, and an update would erase
/// what it was to leave alone.
fn drop_absent(document: &mut ExecutableDocument, absent: &HashSet<Name>) {
    use async_graphql::parser::types::DocumentOperations;
    let operations: Vec<&mut Positioned<OperationDefinition>> = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![operation],
        DocumentOperations::Multiple(operations) => operations.values_mut().collect(),
    };
    let mut used = HashSet::new();
    let mut definitions = Vec::new();
    for operation in operations {
        let operation = &mut operation.node;
        drop_in_selections(&mut operation.selection_set.node, absent, &mut used);
        definitions.push(&mut operation.variable_definitions);
    }
    for fragment in document.fragments.values_mut() {
        drop_in_selections(&mut fragment.node.selection_set.node, absent, &mut used);
    }
    for definitions in definitions {
        // An item of a list stays, as null, and so does its variable.
        definitions.retain(|definition| {
            let name = &definition.node.name.node;
            !absent.contains(name) || used.contains(name)
        });
    }
}

fn drop_in_selections(set: &mut SelectionSet, absent: &HashSet<Name>, used: &mut HashSet<Name>) {
    for item in &mut set.items {
        match &mut item.node {
            Selection::Field(field) => {
                drop_in_field(&mut field.node, absent, used);
                drop_in_selections(&mut field.node.selection_set.node, absent, used);
            }
            Selection::InlineFragment(fragment) => {
                drop_in_selections(&mut fragment.node.selection_set.node, absent, used);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn drop_in_field(field: &mut Field, absent: &HashSet<Name>, used: &mut HashSet<Name>) {
    field.arguments.retain(|(_, value)| !is_absent(&value.node, absent));
    for (_, value) in &mut field.arguments {
        drop_in_value(&mut value.node, absent, used);
    }
}

fn drop_in_value(value: &mut Value, absent: &HashSet<Name>, used: &mut HashSet<Name>) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !is_absent(member, absent));
            members.values_mut().for_each(|member| drop_in_value(member, absent, used));
        }
        Value::List(items) => items.iter_mut().for_each(|item| drop_in_value(item, absent, used)),
        Value::Variable(name) => {
            used.insert(name.clone());
        }
        _ => {}
    }
}

fn is_absent(value: &Value, absent: &HashSet<Name>) -> bool {
    matches!(value, Value::Variable(name) if absent.contains(name))
}

/// A message of the library as a sentence on one line.
pub(super) fn sentence(message: &str) -> String {
    let mut text = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_counted_outside_strings_and_comments() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(!nests_deeper_than(&deep(64), 64));
        assert!(nests_deeper_than(&deep(65), 64));
        assert!(nests_deeper_than(&"{".repeat(2_000), 64));
        for hidden in [
            format!("\"{}\"", "[".repeat(99)),
            format!("\"\"\"\n{}\\\"\"\"{}\"\"\"", "[".repeat(99), "("),
            format!("#{}\n", "{".repeat(99)),
        ] {
            assert!(!nests_deeper_than(&hidden, 64), "{hidden}");
            assert!(nests_deeper_than(&format!("{hidden}{}", "[".repeat(65)), 64), "{hidden}");
        }
        for odd in ["\"", "\"\\", "\"\"\"", "\"\"\"\\\"\"\"", "#", "]]]", ""] {
            assert!(!nests_deeper_than(odd, 64), "{odd}");
        }
        // A broken string ends with its line, so it cannot hide what follows.
        assert!(nests_deeper_than(&format!("\"\n{}", "[".repeat(65)), 64));
    }
}
