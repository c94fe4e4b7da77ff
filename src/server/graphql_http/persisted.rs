//! Which document a request means: its text, or one that the service knows by an id. The id is in
//! `extensions.persistedQuery` (Automatic Persisted Queries) or in `documentId` (GraphQL over HTTP, appendix Persisted
//! Documents).

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::graphql::{DocumentId, Hash, Source};

/// The document of a request, by its members `query`, `documentId` and `extensions`. Apollo's clients send the ids of
/// their manifest where the hash is, so `is_trusted` says what is one.
///
/// # Errors
/// `BadRequest` when they name no document, or not the same one.
pub(super) fn source(
    query: Option<Value>,
    id: Option<Value>,
    extensions: &Map<String, Value>,
    is_trusted: impl Fn(&str) -> bool,
) -> Result<Source> {
    let ids = (document_id(id)?, persisted_query(extensions, is_trusted)?);
    let id = match ids {
        (Some(id), Some(other)) if id != other => {
            return Err(refuse("documentId and extensions.persistedQuery differ"));
        }
        (id, other) => id.or(other),
    };
    match (query, id) {
        (None | Some(Value::Null), Some(id)) => Ok(Source::Known(id)),
        (Some(Value::String(text)), None) => Ok(Source::Text(text)),
        (Some(Value::String(text)), Some(id)) if id == DocumentId::Hash(Hash::of(&text)) => Ok(Source::Text(text)),
        (Some(Value::String(_)), Some(_)) => Err(refuse("query is not the document that the hash beside it is of")),
        _ => Err(refuse("query must be a string: it is the document")),
    }
}

fn document_id(id: Option<Value>) -> Result<Option<DocumentId>> {
    let id = match id {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(id)) => DocumentId::parse(&id),
        Some(_) => None,
    };
    id.map(Some).ok_or_else(|| refuse("documentId must be a string, such as sha256: and 64 hexadecimal digits"))
}

fn persisted_query(extensions: &Map<String, Value>, is_trusted: impl Fn(&str) -> bool) -> Result<Option<DocumentId>> {
    let Some(query) = extensions.get("persistedQuery").filter(|query| !query.is_null()) else { return Ok(None) };
    let version = query.get("version").and_then(Value::as_u64);
    let id = query.get("sha256Hash").and_then(Value::as_str).and_then(|text| match Hash::parse(text) {
        Some(hash) => Some(DocumentId::Hash(hash)),
        None => is_trusted(text).then(|| DocumentId::Custom(text.to_owned())),
    });
    match (version, id) {
        (Some(1), Some(id)) => Ok(Some(id)),
        _ => Err(refuse("extensions.persistedQuery must have version 1 and a sha256Hash of 64 hexadecimal digits")),
    }
}

fn refuse(what: &str) -> Error {
    Error::BadRequest(format!("The member {what}."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "{ viewer { id } }";
    const OTHER: &str = "7dba4bd717b41f10434822356a93c32b1fb4907b983e854300ad839f84cdcd6e";

    /// What a request with these members means: a text, `known`, or the sentence of its refusal.
    fn means(members: &Value) -> String {
        let member = |name: &str| members.get(name).cloned();
        let extensions = member("extensions").and_then(|value| value.as_object().cloned()).unwrap_or_default();
        match source(member("query"), member("documentId"), &extensions, |id| id == "trusted.1") {
            Ok(Source::Text(text)) => text,
            Ok(Source::Known(_)) => "known".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_document_is_a_text_or_known_by_an_id() {
        let hash = Hash::of(TEXT).to_string();
        let apq = |hash: &str| json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        for (members, meaning) in [
            (json!({ "query": TEXT }), TEXT),
            (json!({ "query": TEXT, "documentId": null, "extensions": { "persistedQuery": null } }), TEXT),
            (json!({ "query": TEXT, "extensions": apq(&hash) }), TEXT),
            (json!({ "query": TEXT, "documentId": format!("sha256:{hash}"), "extensions": apq(&hash) }), TEXT),
            (json!({ "extensions": apq(&hash) }), "known"),
            (json!({ "query": null, "extensions": apq(&hash.to_uppercase()) }), "known"),
            (json!({ "extensions": apq("trusted.1") }), "known"),
            (json!({ "documentId": hash }), "known"),
            (json!({ "documentId": "getTasks.v2" }), "known"),
            (json!({ "documentId": "x-app:getTasks" }), "known"),
            (json!({ "documentId": hash, "extensions": apq(&hash) }), "known"),
        ] {
            assert_eq!(means(&members), meaning, "{members}");
        }
    }

    #[test]
    fn what_names_no_document_or_two_is_refused() {
        let hash = Hash::of(TEXT).to_string();
        let apq = |value: Value| json!({ "extensions": { "persistedQuery": value } });
        for members in [
            json!({}),
            json!({ "query": 1, "documentId": hash }),
            json!({ "query": TEXT, "documentId": OTHER }),
            json!({ "query": TEXT, "documentId": "getTasks" }),
            json!({ "documentId": "" }),
            json!({ "documentId": 7 }),
            json!({ "documentId": "sha256:" }),
            json!({ "documentId": format!("sha256:{hash}0") }),
            json!({ "documentId": OTHER, "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } }),
            apq(json!(hash)),
            apq(json!({ "version": 2, "sha256Hash": hash })),
            apq(json!({ "version": "1", "sha256Hash": hash })),
            apq(json!({ "sha256Hash": hash })),
            apq(json!({ "version": 1, "sha256Hash": "trusted.2" })),
            apq(json!({ "version": 1 })),
            apq(json!({ "version": 1, "sha256Hash": hash[1..] })),
            apq(json!({ "version": 1, "sha256Hash": format!("{}g", &hash[1..]) })),
        ] {
            assert!(means(&members).starts_with("The member "), "{members}");
        }
    }
}
