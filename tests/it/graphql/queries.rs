//! What can be asked.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Postgres, Sqlite, TASK, TestApp, start, start_with};

/// The titles of a list.
async fn titles(app: &TestApp, arguments: &str, variables: Value) -> Vec<String> {
    let declared: Vec<String> = [("search", "String"), ("status", "TaskStatus"), ("filter", "TaskFilter")]
        .iter()
        .filter(|(name, _)| variables.get(name).is_some())
        .map(|(name, of)| format!("${name}: {of}"))
        .collect();
    let declared = if declared.is_empty() { String::new() } else { format!("({})", declared.join(", ")) };
    let query = format!("query{declared} {{ tasks{arguments} {{ nodes {{ title }} }} }}");
    let data = app.data("ann", &query, variables).await;
    let nodes = data["tasks"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["title"].as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[tokio::test]
async fn the_viewer_is_the_subject_of_the_token(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let query = "{ viewer { id revision taskCounts { total pending completed } } }";
    let counts = |total, pending, completed| json!({ "total": total, "pending": pending, "completed": completed });
    let viewer = app.data("ann", query, Value::Null).await["viewer"].take();
    assert_eq!(viewer, json!({ "id": "ann", "revision": "0", "taskCounts": counts(0, 0, 0) }));

    let first = app.make("ann", "milk").await;
    app.make("ann", "bread").await;
    app.make("bob", "of another user").await;
    let id = json!({ "id": first["id"] });
    let done =
        app.data("ann", "mutation($id: ID!) { toggleTask(input: {id: $id}) { task { revision } } }", id.clone()).await;
    let viewer = app.data("ann", query, Value::Null).await["viewer"].take();
    assert_eq!(viewer["taskCounts"], counts(2, 1, 1));
    assert_eq!(viewer["revision"], done["toggleTask"]["task"]["revision"]);

    let gone = app.data("ann", "mutation($id: ID!) { deleteTask(input: {id: $id}) { revision } }", id).await;
    let viewer = app.data("ann", query, Value::Null).await["viewer"].take();
    assert_eq!(viewer["taskCounts"], counts(1, 1, 0));
    assert_eq!(viewer["revision"], gone["deleteTask"]["revision"]);
}

#[rstest]
#[tokio::test]
async fn a_task_has_all_its_fields(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let rest = app.post("ann", "/api/tasks", json!({ "title": "milk", "description": "2 l" })).await;
    let etag = rest.header("etag").trim_matches('"').to_owned();
    let rest = rest.json();
    let query = "query($id: ID!) { task(id: $id) {
        __typename id databaseId title description completed createdAt updatedAt revision } }";
    let task = app.data("ann", query, json!({ "id": rest["id"] })).await["task"].take();
    assert_eq!(
        task,
        json!({
            "__typename": "Task", "id": rest["id"].to_string(), "databaseId": rest["id"], "title": "milk",
            "description": "2 l", "completed": false, "createdAt": rest["created_at"], "updatedAt": rest["updated_at"],
            "revision": etag,
        })
    );
    let created_at = task["createdAt"].as_str().unwrap();
    assert!(created_at.starts_with("2026-01-09T10:00:00.") && created_at.len() == 27 && created_at.ends_with('Z'));
}

#[rstest]
#[tokio::test]
async fn a_task_that_is_not_there_is_null(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.make("ann", "milk").await;
    for id in ["999", "0", "-1", "-0", "9223372036854775807", "9223372036854775808", "-99999999999999999999"] {
        let by_literal = app.data("ann", &format!("{{ task(id: \"{id}\") {TASK} }}"), Value::Null).await;
        assert_eq!(by_literal, json!({ "task": null }), "{id}");
        assert_eq!(app.read("ann", &json!(id)).await, Value::Null, "{id}");
    }
    for number in [999, 0, -1, i64::MAX] {
        let by_literal = app.data("ann", &format!("{{ task(id: {number}) {TASK} }}"), Value::Null).await;
        assert_eq!(by_literal, json!({ "task": null }), "{number}");
        assert_eq!(app.read("ann", &json!(number)).await, Value::Null, "{number}");
    }
}

#[rstest]
#[tokio::test]
async fn an_id_is_a_whole_number(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    for id in ["abc", "", "1.5", "+1", "1e3", " 1", "1 ", "0x1", "\u{661}"] {
        let query = format!("query($id: ID!) {{ task(id: $id) {TASK} }}");
        let failure = app.failure("ann", &query, json!({ "id": id })).await;
        assert_eq!(failure.code, "VALIDATION_ERROR", "{id}");
        assert_eq!(failure.problems(), [("id".to_owned(), "int_parsing".to_owned())], "{id}");
        assert_eq!(failure.data, Some(json!({ "task": null })), "{id}");
        assert_eq!(failure.error["path"], json!(["task"]), "{id}");
    }
}

#[rstest]
#[tokio::test]
async fn another_users_task_is_null_and_forbidden(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let theirs = app.make("bob", "secret").await;
    let own = app.make("ann", "milk").await;
    let query = "query($theirs: ID!, $own: ID!) { theirs: task(id: $theirs) { title } own: task(id: $own) { title } }";
    let failure = app.failure("ann", query, json!({ "theirs": theirs["id"], "own": own["id"] })).await;
    assert_eq!(failure.code, "FORBIDDEN");
    assert_eq!(failure.data, Some(json!({ "theirs": null, "own": { "title": "milk" } })));
    assert_eq!(failure.error["path"], json!(["theirs"]));
    assert_eq!(failure.error["locations"], json!([{ "line": 1, "column": 34 }]));
    assert_eq!(failure.error["extensions"], json!({ "code": "FORBIDDEN" }));
    assert_eq!(titles(&app, "", json!({})).await, ["milk"]);

    app.data("bob", "mutation($id: ID!) { deleteTask(input: {id: $id}) { revision } }", json!({ "id": theirs["id"] }))
        .await;
    assert_eq!(app.read("ann", &theirs["id"]).await, Value::Null, "deleted, it is nobody's");
}

#[rstest]
#[tokio::test]
async fn foreign_tasks_can_be_hidden(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_with(backend, |options| options.hide_foreign_tasks = true).await;
    let theirs = app.make("bob", "secret").await;
    assert_eq!(app.read("ann", &theirs["id"]).await, Value::Null);
    let toggle = "mutation($id: ID!) { toggleTask(input: {id: $id}) { task { id } } }";
    let failure = app.failure("ann", toggle, json!({ "id": theirs["id"] })).await;
    assert_eq!(failure.code, "NOT_FOUND");
    assert_eq!(app.read("bob", &theirs["id"]).await["title"], "secret");
}

#[rstest]
#[tokio::test]
async fn a_list_is_newest_first_and_fifty_long(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let empty = app
        .data(
            "ann",
            "{ tasks { edges { cursor } nodes { id } totalCount revision
               pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }",
            Value::Null,
        )
        .await;
    assert_eq!(
        empty["tasks"],
        json!({
            "edges": [], "nodes": [], "totalCount": 0, "revision": "0",
            "pageInfo": { "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null },
        })
    );
    for number in 1..=101 {
        app.make("ann", &format!("task {number}")).await;
    }
    let query =
        "query($first: Int) { tasks(first: $first) { nodes { title } totalCount revision } viewer { revision } }";
    for (first, length) in [(json!({}), 50), (json!({ "first": null }), 50), (json!({ "first": 100 }), 100)] {
        let data = app.data("ann", query, first).await;
        let nodes = data["tasks"]["nodes"].as_array().unwrap();
        let expected: Vec<Value> = (0..length).map(|at| json!({ "title": format!("task {}", 101 - at) })).collect();
        assert_eq!(*nodes, expected);
        assert_eq!(data["tasks"]["totalCount"], 101);
        assert_eq!(data["tasks"]["revision"], data["viewer"]["revision"]);
    }
}

#[rstest]
#[tokio::test]
async fn edges_nodes_and_page_info_tell_the_same(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for title in ["a", "b", "c"] {
        app.make("ann", title).await;
    }
    let query = "{ tasks(first: 2) {
        edges { cursor node { __typename id title } } nodes { __typename id title }
        pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }";
    let list = app.data("ann", query, Value::Null).await["tasks"].take();
    let edges = list["edges"].as_array().unwrap();
    let nodes: Vec<Value> = edges.iter().map(|edge| edge["node"].clone()).collect();
    assert_eq!(list["nodes"], json!(nodes));
    assert_eq!(list["pageInfo"]["startCursor"], edges[0]["cursor"]);
    assert_eq!(list["pageInfo"]["endCursor"], edges[1]["cursor"]);
    assert_eq!(list["pageInfo"]["hasNextPage"], true);
    assert_eq!(list["pageInfo"]["hasPreviousPage"], false);
}

#[rstest]
#[tokio::test]
async fn a_filter_narrows_by_status_and_text(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let query = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
    for (title, description) in [("Milk", json!("2 l")), ("Bread", json!(null)), ("Oil", json!("olive, no MILK"))] {
        app.data("ann", query, json!({ "input": { "title": title, "description": description } })).await;
    }
    app.make("bob", "milk of another user").await;
    let done = "mutation { setTaskCompleted(input: {id: 1, completed: true}) { task { completed } } }";
    app.data("ann", done, Value::Null).await;

    let all = ["Oil", "Bread", "Milk"];
    for (arguments, expected) in [
        ("", &all[..]),
        ("(filter: null)", &all),
        ("(filter: {})", &all),
        ("(filter: {status: null, search: null})", &all),
        ("(filter: {search: \"\"})", &all),
        ("(filter: {status: PENDING})", &["Oil", "Bread"]),
        ("(filter: {status: COMPLETED})", &["Milk"]),
        ("(filter: {search: \"milk\"})", &["Oil", "Milk"]),
        ("(filter: {search: \"mILk\", status: PENDING})", &["Oil"]),
        ("(filter: {search: \"none such\"})", &[]),
        ("(filter: {search: \"2 l\"})", &["Milk"]),
    ] {
        assert_eq!(titles(&app, arguments, json!({})).await, *expected, "{arguments}");
    }
    for (variables, expected) in [
        (json!({ "filter": null }), &all[..]),
        (json!({ "filter": {} }), &all),
        (json!({ "filter": { "status": "COMPLETED" } }), &["Milk"]),
        (json!({ "filter": { "status": "PENDING", "search": "OIL" } }), &["Oil"]),
    ] {
        assert_eq!(titles(&app, "(filter: $filter)", variables.clone()).await, *expected, "{variables}");
    }
    let members = "(filter: {status: $status, search: $search})";
    let variables = json!({ "status": "PENDING", "search": null });
    assert_eq!(titles(&app, members, variables).await, ["Oil", "Bread"]);
    // What was not sent does not narrow, as what is null.
    let unsent = "query($status: TaskStatus, $search: String) {
        tasks(filter: {status: $status, search: $search}) { totalCount } }";
    let data = app.data("ann", unsent, json!({ "search": "milk" })).await;
    assert_eq!(data["tasks"]["totalCount"], 2);
    assert_eq!(app.data("ann", unsent, Value::Null).await["tasks"]["totalCount"], 3);
}

#[rstest]
#[tokio::test]
async fn search_has_no_wildcards_and_no_case(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let all = ["100 %", "a_b", "back\\slash", "it's \"quoted\"", "STRASSE", "Σίσυφος", "ÅNGSTRÖM", "Ǆungla", "😀 ok"];
    for title in all {
        app.make("ann", title).await;
    }
    for (search, expected) in [
        ("%", "100 %"),
        ("_", "a_b"),
        ("\\", "back\\slash"),
        ("'s \"Q", "it's \"quoted\""),
        ("straße", "STRASSE"),
        ("ΣΊΣΥΦΟσ", "Σίσυφος"),
        ("ångström", "ÅNGSTRÖM"),
        ("ǆUNGLA", "Ǆungla"),
        ("😀 O", "😀 ok"),
    ] {
        let found = titles(&app, "(filter: {search: $search})", json!({ "search": search })).await;
        assert_eq!(found, [expected], "{search}");
    }
}

#[rstest]
#[tokio::test]
async fn a_search_is_at_most_200_characters(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let query = "query($search: String) { tasks(filter: {search: $search}) { totalCount } }";
    let data = app.data("ann", query, json!({ "search": "😀".repeat(200) })).await;
    assert_eq!(data["tasks"]["totalCount"], 0);
    for (search, rule) in [("😀".repeat(201), "string_too_long"), ("a\0b".to_owned(), "string_nul")] {
        let failure = app.failure("ann", query, json!({ "search": search })).await;
        assert_eq!(failure.code, "VALIDATION_ERROR");
        assert_eq!(failure.problems(), [("filter.search".to_owned(), rule.to_owned())]);
        assert_eq!(failure.data, Some(Value::Null), "the list must not be null, so the data is");
    }
}

/// The order is by the folded title, code point by code point, whatever the database's locale is.
#[rstest]
#[tokio::test]
async fn titles_order_by_their_folded_form(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for title in ["b", "Ä", "a b", "B", "ab", "a-b", "Z", "😀", "\u{ff21}", "é", "_", "10", "9", "ß", "SS"] {
        app.make("ann", title).await;
    }
    let ascending = ["10", "9", "_", "a b", "a-b", "ab", "b", "B", "ß", "SS", "Z", "Ä", "é", "\u{ff21}", "😀"];
    assert_eq!(titles(&app, "(orderBy: {field: TITLE, direction: ASC})", json!({})).await, ascending);
    let mut descending = ascending;
    descending.reverse();
    assert_eq!(titles(&app, "(orderBy: {field: TITLE, direction: DESC})", json!({})).await, descending);
}

#[rstest]
#[tokio::test]
async fn lists_order_by_creation_and_by_update(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for title in ["a", "b", "c"] {
        app.make("ann", title).await;
    }
    app.data("ann", "mutation { toggleTask(input: {id: 1}) { task { id } } }", Value::Null).await;
    for (order, expected) in [
        ("{field: CREATED_AT, direction: ASC}", ["a", "b", "c"]),
        ("{field: CREATED_AT, direction: DESC}", ["c", "b", "a"]),
        ("{field: UPDATED_AT, direction: ASC}", ["b", "c", "a"]),
        ("{field: UPDATED_AT, direction: DESC}", ["a", "c", "b"]),
    ] {
        assert_eq!(titles(&app, &format!("(orderBy: {order})"), json!({})).await, expected, "{order}");
    }
    assert_eq!(titles(&app, "(orderBy: null)", json!({})).await, ["c", "b", "a"]);
}

#[rstest]
#[tokio::test]
async fn documents_may_use_the_whole_language(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.make("ann", "milk").await;
    let query = "
        query Other { viewer { id } }
        # A comment with { brackets.
        query Chosen($id: ID!, $with: Boolean = true, $without: Boolean = false) {
            me: viewer { ...Who }
            one: task(id: $id) { ...Node revision @include(if: $without) }
            ... on Query @include(if: $with) { list: tasks(first: 1) { nodes { ...Node } } }
            viewer @skip(if: $with) { id }
        }
        fragment Who on Viewer { name: id __typename }
        fragment Node on Task { id ... on Task { title } ... @skip(if: $without) { completed } }";
    let body = json!({ "query": query, "operationName": "Chosen", "variables": { "id": task["id"] } });
    let answer = app.post("ann", "/graphql", body).await.json();
    let node = json!({ "id": task["id"], "title": "milk", "completed": false });
    let expected = json!({
        "me": { "name": "ann", "__typename": "Viewer" }, "one": node, "list": { "nodes": [node] },
    });
    assert_eq!(answer, json!({ "data": expected }));
    assert_eq!(app.data("ann", "{ __typename }", Value::Null).await, json!({ "__typename": "Query" }));
}
