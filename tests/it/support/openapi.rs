//! The OpenAPI document, and JSON Schema as far as it uses it: a keyword that is not known here fails the test.

use std::collections::BTreeMap;
use std::sync::Mutex;

use regex::Regex;
use serde_json::{Map, Value};

use super::Answer;

/// The document of the service.
#[derive(Debug)]
pub struct Document(pub Value);

/// An operation and where it is.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'a> {
    pub path: &'a str,
    pub method: &'a str,
    pub value: &'a Value,
}

impl Document {
    pub fn read() -> Self {
        Self(serde_json::from_str(taskgate::server::openapi_document().unwrap()).unwrap())
    }

    pub fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        members(&self.0["paths"])
            .flat_map(|(path, item)| members(item).map(move |(method, value)| Operation { path, method, value }))
    }

    pub fn operation(&self, id: &str) -> &Value {
        self.operations().find(|operation| operation.value["operationId"] == id).unwrap().value
    }

    /// A parameter that an operation lists itself.
    pub fn parameter(&self, operation: &str, name: &str) -> &Value {
        let parameters = self.operation(operation)["parameters"].as_array().unwrap();
        parameters.iter().find(|parameter| parameter["name"] == name).unwrap()
    }

    /// What a reference stands for; anything else stands for itself.
    #[track_caller]
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            None => value,
            Some(reference) => {
                let found = reference.strip_prefix('#').and_then(|pointer| self.0.pointer(pointer));
                found.unwrap_or_else(|| panic!("{reference} leads nowhere"))
            }
        }
    }

    /// What is wrong with a value, by a schema.
    pub fn misfit(&self, schema: &Value, value: &Value) -> Option<String> {
        let schema = self.resolve(schema);
        assert!(schema.is_object(), "there is no schema for {value}");
        let wrong = members(schema).find(|(keyword, rule)| !self.holds(keyword, rule, value, schema))?;
        Some(format!("{value} breaks {}: {}", wrong.0, wrong.1))
    }

    fn holds(&self, keyword: &str, rule: &Value, value: &Value, schema: &Value) -> bool {
        let chars = || value.as_str().map(|text| text.chars().count() as u64);
        let fits = |schema: &Value, value: &Value| self.misfit(schema, value).is_none();
        let known = |name: &String| schema["properties"].get(name).is_some();
        match (keyword, value) {
            ("type", _) => types(rule).any(|name| is_of_type(name, value)),
            ("enum", _) => rule.as_array().unwrap().contains(value),
            ("const", _) => rule == value,
            ("required", Value::Object(object)) => strings(rule).all(|name| object.contains_key(name)),
            ("properties", Value::Object(object)) => {
                object.iter().all(|(name, value)| rule.get(name).is_none_or(|schema| fits(schema, value)))
            }
            ("additionalProperties", Value::Object(object)) => rule != false || object.keys().all(known),
            ("items", Value::Array(items)) => items.iter().all(|item| fits(rule, item)),
            ("oneOf", _) => rule.as_array().unwrap().iter().filter(|schema| fits(schema, value)).count() == 1,
            ("maxItems", Value::Array(items)) => items.len() as u64 <= rule.as_u64().unwrap(),
            ("minItems", Value::Array(items)) => items.len() as u64 >= rule.as_u64().unwrap(),
            ("minimum", Value::Number(number)) => number.as_i64() >= rule.as_i64(),
            ("maximum", Value::Number(number)) => number.as_i64() <= rule.as_i64(),
            ("minLength", Value::String(_)) => chars() >= rule.as_u64(),
            ("maxLength", Value::String(_)) => chars() <= rule.as_u64(),
            ("pattern", Value::String(text)) => matches(rule.as_str().unwrap(), text),
            // These say nothing of a value, or nothing of one of another type.
            (
                "description"
                | "example"
                | "examples"
                | "default"
                | "format"
                | "required"
                | "properties"
                | "items"
                | "additionalProperties"
                | "minItems"
                | "maxItems"
                | "minimum"
                | "maximum"
                | "minLength"
                | "maxLength"
                | "pattern",
                _,
            ) => true,
            _ => panic!("the keyword {keyword} is not known to this test"),
        }
    }

    /// Looks at status, headers and body of an answer of an operation.
    #[track_caller]
    pub fn check(&self, operation: &Value, answer: &Answer) {
        let what = format!("{} {}", operation["operationId"], answer.status);
        let response = operation["responses"].get(answer.status.as_str());
        let response = self.resolve(response.unwrap_or_else(|| panic!("{what} is not documented")));
        for (name, header) in members(&response["headers"]) {
            let header = self.resolve(header);
            match answer.headers.get(name).map(|value| value.to_str().unwrap()) {
                None => assert_ne!(header["required"], true, "{what} has no {name}"),
                Some(text) => {
                    let value = if header["schema"]["type"] == "integer" { text.parse().unwrap() } else { text.into() };
                    assert_eq!(self.misfit(&header["schema"], &value), None, "{what} {name}");
                }
            }
        }
        if response["content"].get("text/event-stream").is_some() {
            assert_eq!(answer.header("content-type"), "text/event-stream", "{what}");
            return;
        }
        match response["content"].get("application/json") {
            None => assert!(answer.body.is_empty(), "{what} has a body"),
            Some(content) => {
                assert_eq!(answer.header("content-type"), "application/json", "{what}");
                assert_eq!(self.misfit(&content["schema"], &answer.json()), None, "{what}");
            }
        }
    }
}

/// Patterns are compiled once: some are large.
fn matches(pattern: &str, text: &str) -> bool {
    static COMPILED: Mutex<BTreeMap<String, Regex>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap();
    compiled.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).unwrap()).is_match(text)
}

/// The members of an object; none of anything else.
pub fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The types of a schema, whether it names one or several.
fn types(rule: &Value) -> impl Iterator<Item = &str> {
    rule.as_str().into_iter().chain(strings(rule))
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not known to this test"),
    }
}
