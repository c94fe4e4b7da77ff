//! The two forms of a manifest.

use std::fmt;

use serde_json::{Map, Value};

const APOLLO: &str = "apollo-persisted-query-manifest";

/// One document of a manifest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: String,
    /// The name that Apollo's tools write beside it.
    name: Option<String>,
    pub(super) text: String,
}

/// How an operator finds it.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} (id {:?})", self.id),
            None => write!(f, "{:?}", self.id),
        }
    }
}

/// The documents of a manifest, in its order.
///
/// # Errors
/// A phrase that says what is wrong with its form.
pub(super) fn entries(manifest: &str) -> Result<Vec<Entry>, String> {
    let manifest = serde_json::from_str(manifest)
        .map_err(|error| format!("it is not valid JSON (line {}, column {})", error.line(), error.column()))?;
    match manifest {
        Value::Object(members) if members.contains_key("format") => apollo(&members),
        Value::Object(members) => members.into_iter().map(relay).collect(),
        _ => Err("it is not a JSON object".to_owned()),
    }
}

fn relay((id, text): (String, Value)) -> Result<Entry, String> {
    match text {
        Value::String(text) => Ok(Entry { id, name: None, text }),
        _ => Err(format!("the document {id:?} is not a text")),
    }
}

fn apollo(manifest: &Map<String, Value>) -> Result<Vec<Entry>, String> {
    match (manifest["format"].as_str(), manifest.get("version"), manifest.get("operations")) {
        (Some(APOLLO), Some(version), Some(Value::Array(operations))) if *version == 1 => {
            let entries = operations.iter().enumerate();
            entries.map(|(i, one)| entry(one).ok_or_else(|| format!("operation {i} has no id or no body"))).collect()
        }
        _ => Err(format!("it is not of the format {APOLLO}, version 1, with operations")),
    }
}

fn entry(operation: &Value) -> Option<Entry> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Entry { id: text("id")?, name: text("name"), text: text("body")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(manifest: &str) -> Vec<(String, String)> {
        entries(manifest).unwrap().into_iter().map(|entry| (entry.to_string(), entry.text)).collect()
    }

    #[test]
    fn both_forms_are_read() {
        let relay = r#"{"3be4abb8": "query A {a}", "sha256:x": "query B {b}"}"#;
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(found(relay), [pair("\"3be4abb8\"", "query A {a}"), pair("\"sha256:x\"", "query B {b}")]);
        let apollo = r#"{"format": "apollo-persisted-query-manifest", "version": 1, "operations":
            [{"id": "1", "name": "A", "type": "query", "body": "query A {a}", "clientName": "web"}]}"#;
        assert_eq!(found(apollo), [pair("A (id \"1\")", "query A {a}")]);
        assert_eq!(found("{}"), []);
    }

    #[test]
    fn what_is_no_manifest_is_told() {
        for (manifest, told) in [
            ("", "not valid JSON"),
            ("{", "not valid JSON"),
            ("[]", "not a JSON object"),
            (r#"{"a": 1}"#, "\"a\" is not a text"),
            (r#"{"format": "other", "version": 1, "operations": []}"#, "version 1"),
            (r#"{"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}"#, "version 1"),
            (r#"{"format": "apollo-persisted-query-manifest", "version": 1}"#, "operations"),
            (
                r#"{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "1"}]}"#,
                "operation 0",
            ),
        ] {
            let reason = entries(manifest).unwrap_err();
            assert!(reason.contains(told), "{manifest}: {reason}");
        }
    }
}
