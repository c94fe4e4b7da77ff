//! How the GraphQL door fails: what is refused before anything runs, and what resolvers tell.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Failure, Postgres, Sqlite, TestApp, start};

/// The documents of these that are not refused as a whole with this code, with their answers.
async fn accepted(app: &TestApp, code: &str, calls: impl IntoIterator<Item = (String, Value)>) -> Vec<String> {
    let mut accepted = Vec::new();
    for (query, variables) in calls {
        let body = app.graphql("ann", &query, variables.clone()).await;
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let is_refused = !errors.is_empty() && errors.iter().all(|error| error["extensions"]["code"] == code);
        if !is_refused || body.get("data").is_some() {
            accepted.push(format!("{query} with {variables}: {body}"));
        }
    }
    accepted
}

/// A value that does not fit its type is known before anything runs, so what stands before it has not run either.
#[rstest]
#[tokio::test]
async fn nothing_runs_of_a_document_whose_values_do_not_fit(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.make("bob", "the only task there is").await;
    let cases = [
        ("", "createTask(input: 5) { task { id } }", json!({})),
        ("", "createTask(input: \"text\") { task { id } }", json!({})),
        ("", "createTask(input: [{title: \"t\"}]) { task { id } }", json!({})),
        ("", "createTask(input: null) { task { id } }", json!({})),
        ("", "createTask(input: {}) { task { id } }", json!({})),
        ("", "createTask(input: {title: 5}) { task { id } }", json!({})),
        ("", "createTask(input: {title: null}) { task { id } }", json!({})),
        ("", "createTask(input: {title: [\"t\"]}) { task { id } }", json!({})),
        ("", "createTask(input: {title: \"t\", description: 5}) { task { id } }", json!({})),
        ("", "createTask(input: {title: \"t\", priority: 1}) { task { id } }", json!({})),
        ("", "createTask(input: {title: t}) { task { id } }", json!({})),
        ("", "updateTask(input: {title: \"t\"}) { task { id } }", json!({})),
        ("", "setTaskCompleted(input: {id: 1, completed: null}) { task { id } }", json!({})),
        ("", "setTaskCompleted(input: {id: 1, completed: \"true\"}) { task { id } }", json!({})),
        ("", "setTaskCompleted(input: {id: 1, completed: 1}) { task { id } }", json!({})),
        ("", "toggleTask(input: {id: 1.5}) { task { id } }", json!({})),
        ("", "toggleTask(input: {id: true}) { task { id } }", json!({})),
        ("", "toggleTask(input: {id: null}) { task { id } }", json!({})),
        ("", "toggleTask(input: {id: 1, expectedRevision: 5}) { task { id } }", json!({})),
        ("", "toggleTask(input: {id: 1, expectedRevision: \"abc\"}) { task { id } }", json!({})),
        ("", "toggleTask(input: {id: 1, expectedRevision: \"-1\"}) { task { id } }", json!({})),
        ("$t: String! = \"t\"", "createTask(input: {title: $t, description: 5}) { task { id } }", json!({})),
        ("$d: String", "createTask(input: {title: \"t\", description: $d}) { task { id } }", json!({ "d": 5 })),
        ("$r: Revision", "toggleTask(input: {id: 1, expectedRevision: $r}) { task { id } }", json!({ "r": "abc" })),
        ("$i: CreateTaskInput!", "createTask(input: $i) { task { id } }", json!({})),
        ("$i: CreateTaskInput!", "createTask(input: $i) { task { id } }", json!({ "i": null })),
        ("$i: CreateTaskInput!", "createTask(input: $i) { task { id } }", json!({ "i": 5 })),
        ("$i: CreateTaskInput!", "createTask(input: $i) { task { id } }", json!({ "i": "{\"title\": \"t\"}" })),
        ("$i: CreateTaskInput!", "createTask(input: $i) { task { id } }", json!({ "i": [] })),
        ("$i: CreateTaskInput!", "createTask(input: $i) { task { id } }", json!({ "i": {} })),
        ("$i: CreateTaskInput!", "createTask(input: $i) { task { id } }", json!({ "i": { "title": 5 } })),
        ("$i: CreateTaskInput!", "createTask(input: $i) { task { id } }", json!({ "i": { "title": null } })),
        (
            "$i: CreateTaskInput!",
            "createTask(input: $i) { task { id } }",
            json!({ "i": { "title": "t", "owner": "bob" } }),
        ),
        ("$i: CreateTaskInput! = 5", "createTask(input: $i) { task { id } }", json!({})),
        ("$i: UpdateTaskInput!", "createTask(input: $i) { task { id } }", json!({ "i": { "id": 1, "title": "t" } })),
    ];
    let calls = cases.map(|(declared, second, variables)| {
        let declared = if declared.is_empty() { String::new() } else { format!("({declared})") };
        let query = format!(
            "mutation{declared} {{ first: createTask(input: {{title: \"ran\"}}) {{ task {{ id }} }} {second} }}"
        );
        (query, variables)
    });
    assert_eq!(accepted(&app, "GRAPHQL_VALIDATION_FAILED", calls).await, [""; 0]);
    let data = app.data("ann", "{ tasks { totalCount } viewer { revision } }", Value::Null).await;
    assert_eq!(data, json!({ "tasks": { "totalCount": 0 }, "viewer": { "revision": "0" } }));
}

#[rstest]
#[tokio::test]
async fn a_document_that_does_not_validate_is_refused(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    let cases = [
        ("{ nope }", json!({})),
        ("{ viewer }", json!({})),
        ("{ viewer { id { x } } }", json!({})),
        ("{ viewer { id(x: 1) } }", json!({})),
        ("{ viewer(user: \"bob\") { id } }", json!({})),
        ("{ task { id } }", json!({})),
        ("{ task(id: 1, id: 2) { id } }", json!({})),
        ("query($id: ID) { task(id: $id) { id } }", json!({ "id": 1 })),
        ("query($id: ID!) { viewer { id } }", json!({ "id": 1 })),
        ("{ task(id: $id) { id } }", json!({ "id": 1 })),
        ("query($id: Nope!) { task(id: $id) { id } }", json!({ "id": 1 })),
        ("query($task: Task) { viewer { id } }", json!({})),
        ("query($id: ID!) { task(id: $id) { id } }", json!({})),
        ("query($id: ID!) { task(id: $id) { id } }", json!({ "id": null })),
        ("query($id: ID!) { task(id: $id) { id } }", json!({ "id": {} })),
        ("query($id: ID!) { task(id: $id) { id } }", json!({ "id": 1.5 })),
        ("query($id: ID!) { task(id: $id) { id } }", json!({ "ID": 1 })),
        ("query($with: Boolean) { viewer { id @include(if: $with) } }", json!({})),
        ("{ viewer { id @include } }", json!({})),
        ("{ viewer { id @nope } }", json!({})),
        ("{ viewer { ...F } }", json!({})),
        ("{ viewer { id } } fragment F on Viewer { id }", json!({})),
        ("{ viewer { ...F } } fragment F on Viewer { ...F }", json!({})),
        ("{ viewer { ...F } } fragment F on Task { id }", json!({})),
        ("{ viewer { ...F } } fragment F on Nope { id }", json!({})),
        ("{ a: viewer { id } a: tasks { totalCount } }", json!({})),
        ("{ task(id: 1) { a: id a: title } }", json!({})),
        ("{ tasks(first: \"5\") { totalCount } }", json!({})),
        ("{ tasks(first: 1.5) { totalCount } }", json!({})),
        ("{ tasks(first: 3000000000) { totalCount } }", json!({})),
        ("{ viewer { id } tasks(first: 3000000000) { totalCount } }", json!({})),
        ("query($first: Int) { tasks(first: $first) { totalCount } }", json!({ "first": "5" })),
        ("{ tasks(filter: {status: ALL}) { totalCount } }", json!({})),
        ("{ tasks(filter: {status: pending}) { totalCount } }", json!({})),
        ("{ tasks(filter: {status: 1}) { totalCount } }", json!({})),
        ("{ tasks(filter: {nope: 1}) { totalCount } }", json!({})),
        ("{ tasks(filter: \"milk\") { totalCount } }", json!({})),
        ("query($s: TaskStatus) { tasks(filter: {status: $s}) { totalCount } }", json!({ "s": "nope" })),
        ("{ tasks(orderBy: TITLE) { totalCount } }", json!({})),
        ("{ tasks(orderBy: {field: TITLE}) { totalCount } }", json!({})),
        ("{ tasks(orderBy: {field: null, direction: ASC}) { totalCount } }", json!({})),
        ("mutation { viewer { id } }", json!({})),
    ];
    let calls = cases.map(|(query, variables)| (query.to_owned(), variables));
    assert_eq!(accepted(&app, "GRAPHQL_VALIDATION_FAILED", calls).await, [""; 0]);
    // What the document does not declare does not matter to it.
    app.data("ann", "{ viewer { id } }", json!({ "not": "declared" })).await;
}

/// By the specification (3.5) an enum value is a name in a document, and a string only among the variables.
#[rstest]
#[tokio::test]
async fn an_enum_value_is_no_string(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    let literal = "{ tasks(filter: {status: \"PENDING\"}) { totalCount } }";
    let calls = [(literal.to_owned(), Value::Null)];
    assert_eq!(accepted(&app, "GRAPHQL_VALIDATION_FAILED", calls).await, [""; 0]);
    let variable = "query($s: TaskStatus) { tasks(filter: {status: $s}) { totalCount } }";
    app.data("ann", variable, json!({ "s": "PENDING" })).await;
}

#[rstest]
#[tokio::test]
async fn a_text_that_is_no_document_is_refused(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    let texts = [
        "",
        " ",
        "# only a comment",
        "{",
        "}",
        "{}",
        "query",
        "mutation {",
        "{ viewer { id }",
        "{ viewer { id } } }",
        "{ viewer { id } ) }",
        "{ task(id: ) { id } }",
        "{ task(id: 'x') { id } }",
        "{ tasks(first: 01) { totalCount } }",
        "hello",
        "\u{0}",
        "{ viewer \u{2028} { id } ?",
        "query { viewer { id \" } }",
        "query ($a) { viewer { id } }",
        "type Query { viewer: String }",
        "{ viewer { id } } type Task { id: ID }",
        "{ viewer { id } } { viewer { id } }",
        "query A { viewer { id } } query A { viewer { id } }",
        "query A { viewer { id } } { viewer { id } }",
        "fragment F on Viewer { id }",
    ];
    let calls = texts.map(|text| (text.to_owned(), Value::Null));
    assert_eq!(accepted(&app, "GRAPHQL_PARSE_FAILED", calls).await, [""; 0]);
}

#[rstest]
#[tokio::test]
async fn the_operation_of_a_call_must_be_clear(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    let call = async |query: &str, name: Value| {
        app.post("ann", "/graphql", json!({ "query": query, "operationName": name })).await.json()
    };
    let two = "query A { viewer { id } } query B { a: viewer { id } }";
    assert_eq!(call(two, json!("B")).await, json!({ "data": { "a": { "id": "ann" } } }));
    for (query, name) in [(two, Value::Null), (two, json!("")), (two, json!("C")), (two, json!("a"))] {
        let failure = Failure::of(call(query, name.clone()).await);
        assert_eq!((failure.code.as_str(), &failure.data), ("GRAPHQL_VALIDATION_FAILED", &None), "{name}");
    }
    let one = "query A { viewer { id } }";
    for name in [Value::Null, json!(""), json!("A")] {
        assert_eq!(call(one, name.clone()).await, json!({ "data": { "viewer": { "id": "ann" } } }), "{name}");
    }
    for query in [one, "{ viewer { id } }"] {
        let failure = Failure::of(call(query, json!("B")).await);
        assert_eq!((failure.code.as_str(), &failure.data), ("GRAPHQL_VALIDATION_FAILED", &None), "{query}");
    }
}

/// A field that fails and must not be null takes what is around it along, up to what may be null.
#[rstest]
#[tokio::test]
async fn the_data_is_null_when_a_field_that_must_not_be_fails(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let failure = app
        .failure("ann", "{ viewer { id } list: tasks(first: -1) { totalCount } task(id: 1) { id } }", Value::Null)
        .await;
    assert_eq!(failure.data, Some(Value::Null));
    assert_eq!(failure.code, "VALIDATION_ERROR");
    assert_eq!(failure.error["path"], json!(["list"]));
    assert_eq!(failure.problems(), [("first".to_owned(), "out_of_range".to_owned())]);
    assert_eq!(failure.message, "first: must be from 0 to 100.");
}

#[rstest]
#[tokio::test]
async fn each_failure_is_told_with_its_path(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let theirs = app.make("bob", "theirs").await;
    let query = "query($id: ID!) { a: task(id: $id) { id } b: task(id: \"x\") { id } c: task(id: 999) { id } }";
    let body = app.graphql("ann", query, json!({ "id": theirs["id"] })).await;
    assert_eq!(body["data"], json!({ "a": null, "b": null, "c": null }));
    let mut told: Vec<_> =
        body["errors"].as_array().unwrap().iter().map(|error| (&error["path"], &error["extensions"]["code"])).collect();
    told.sort_by_key(|(path, _)| path.to_string());
    assert_eq!(told, [(&json!(["a"]), &json!("FORBIDDEN")), (&json!(["b"]), &json!("VALIDATION_ERROR"))]);
}

/// A fault of ours says that it is one, and nothing about it.
#[rstest]
#[tokio::test]
async fn a_fault_of_ours_tells_nothing_of_itself(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.make("ann", "milk").await;
    app.database.execute("ALTER TABLE tasks RENAME TO elsewhere").await.unwrap();
    for query in [
        "{ tasks { nodes { id } } }",
        "{ viewer { id taskCounts { total } } }",
        "mutation { createTask(input: {title: \"t\"}) { task { id } } }",
        "mutation { toggleTask(input: {id: 1}) { task { id } } }",
    ] {
        let failure = app.failure("ann", query, Value::Null).await;
        assert_eq!((failure.code.as_str(), &failure.data), ("INTERNAL", &Some(Value::Null)), "{query}");
        assert_eq!(failure.message, "Something went wrong on our side; tell us the request id.");
        assert_eq!(failure.error["extensions"], json!({ "code": "INTERNAL" }));
    }
    let failure = app.failure("ann", "{ task(id: 1) { id } viewer { id } }", Value::Null).await;
    assert_eq!(failure.data, Some(json!({ "task": null, "viewer": { "id": "ann" } })));
}
