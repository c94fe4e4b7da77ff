//! `@oneOf` (3.10.1 of the specification), in a document and in variables.

use rstest::rstest;
use serde_json::{Value, json};

use super::{CHANGE, make, state};
use crate::support::{Backend, Failure, Sqlite, start};

#[rstest]
#[tokio::test]
async fn a_change_is_exactly_one(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    make(&app, "ann", &["one"]).await;
    let before = state(&app, "ann").await;
    let document = |change: &str| {
        format!("mutation {{ changeTasks(input: {{ changes: [{change}] }}) {{ results {{ revision }} }} }}")
    };
    let failed = async |answer: Value, case: &str| {
        assert_eq!(Failure::of(answer).code, "GRAPHQL_VALIDATION_FAILED", "{case}");
    };
    for change in [
        "{}",
        "{ delete: null }",
        "{ delete: { id: 1 }, create: { title: \"t\" } }",
        "{ delete: { id: 1 }, create: null }",
        "{ toggle: { id: 1 } }",
        "null",
        "1",
    ] {
        failed(app.graphql("ann", &document(change), Value::Null).await, change).await;
    }
    for change in [
        json!({}),
        json!({ "delete": null }),
        json!({ "delete": { "id": 1 }, "create": { "title": "t" } }),
        json!({ "delete": { "id": 1 }, "create": null }),
        json!({ "toggle": { "id": 1 } }),
        json!({ "update": { "id": 1, "expectedRevision": "x" } }),
        json!(null),
        json!(1),
    ] {
        let whole = app.graphql("ann", CHANGE, json!({ "input": { "changes": [change] } })).await;
        failed(whole, &change.to_string()).await;
        let query = "mutation($change: TaskChangeInput!) { changeTasks(input: { changes: [$change] }) { results { revision } } }";
        failed(app.graphql("ann", query, json!({ "change": change })).await, &change.to_string()).await;
    }
    // Nothing runs, not even a field before it: it is a rule of the document.
    let first = "createTask(input: { title: \"t\" }) { task { id } }";
    for (variables, change) in [
        ("$a: DeleteTaskInput!, $b: CreateTaskInput!", "{ delete: $a, create: $b }"),
        ("$a: DeleteTaskInput", "{ delete: $a }"),
        ("$a: ID!", "{ delete: { id: $a }, create: null }"),
    ] {
        let query = format!(
            "mutation({variables}) {{ {first} ...F }} fragment F on Mutation {{
                 changeTasks(input: {{ changes: [{change}] }}) {{ results {{ revision }} }} }}"
        );
        for given in [json!({}), json!({ "a": { "id": 1 } }), json!({ "a": { "id": 1 }, "b": { "title": "t" } })] {
            failed(app.graphql("ann", &query, given).await, change).await;
        }
    }
    assert_eq!(state(&app, "ann").await, before);
    let query =
        "mutation($a: DeleteTaskInput!) { changeTasks(input: { changes: [{ delete: $a }] }) { results { revision } } }";
    app.data("ann", query, json!({ "a": { "id": 1 } })).await;
}
