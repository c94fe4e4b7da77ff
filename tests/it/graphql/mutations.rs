//! What can be changed.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Postgres, Sqlite, TASK, TestApp, start};

/// The mutations that are about a task, with an input of `{id: $id, …}`.
const CHANGES: [(&str, &str, &str); 4] = [
    ("updateTask", ", title: \"changed\"", "{ task { id } }"),
    ("toggleTask", "", "{ task { id } }"),
    ("setTaskCompleted", ", completed: true", "{ task { id } }"),
    ("deleteTask", "", "{ deletedTaskId }"),
];

fn change((name, members, selection): (&str, &str, &str)) -> String {
    format!(
        "mutation($id: ID!, $expected: Revision) {{
             {name}(input: {{id: $id, expectedRevision: $expected{members}}}) {selection} }}"
    )
}

async fn viewer_revision(app: &TestApp, user: &str) -> String {
    let data = app.data(user, "{ viewer { revision } }", Value::Null).await;
    data["viewer"]["revision"].as_str().unwrap().to_owned()
}

fn number(revision: &Value) -> i64 {
    revision.as_str().unwrap().parse().unwrap()
}

#[rstest]
#[tokio::test]
async fn a_task_lives_from_create_to_delete(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let query = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task {
        __typename id databaseId title description completed createdAt updatedAt revision } } }";
    let input = json!({ "input": { "title": " milk\n", "description": " 2 l " } });
    let created = app.data("ann", query, input).await["createTask"]["task"].take();
    assert_eq!(
        created,
        json!({
            "__typename": "Task", "id": "1", "databaseId": 1, "title": "milk", "description": " 2 l ",
            "completed": false, "createdAt": created["createdAt"], "updatedAt": created["createdAt"],
            "revision": created["revision"],
        })
    );

    let query = "mutation($id: ID!) { toggleTask(input: {id: $id}) { task {
        id title description completed createdAt updatedAt revision } } }";
    let toggled = app.data("ann", query, json!({ "id": 1 })).await["toggleTask"]["task"].take();
    assert_eq!(toggled["completed"], true);
    assert_eq!((&toggled["title"], &toggled["description"]), (&created["title"], &created["description"]));
    assert_eq!(toggled["createdAt"], created["createdAt"]);
    assert!(toggled["updatedAt"].as_str() > created["updatedAt"].as_str());
    assert_eq!(number(&toggled["revision"]), number(&created["revision"]) + 1);
    let again = app.data("ann", query, json!({ "id": "1" })).await["toggleTask"]["task"].take();
    assert_eq!(again["completed"], false);

    let query = "mutation($done: Boolean!) { setTaskCompleted(input: {id: 1, completed: $done}) { task {
        completed revision } } }";
    for done in [true, true, false, false] {
        let before = viewer_revision(&app, "ann").await;
        let set = app.data("ann", query, json!({ "done": done })).await["setTaskCompleted"]["task"].take();
        assert_eq!(set["completed"], done);
        assert_eq!(number(&set["revision"]), before.parse::<i64>().unwrap() + 1, "the same value is a change too");
    }

    let query = "mutation { deleteTask(input: {id: 1}) { __typename deletedTaskId revision } }";
    let deleted = app.data("ann", query, Value::Null).await["deleteTask"].take();
    assert_eq!((&deleted["__typename"], &deleted["deletedTaskId"]), (&json!("DeleteTaskPayload"), &json!("1")));
    assert_eq!(deleted["revision"], viewer_revision(&app, "ann").await);
    assert_eq!(app.read("ann", &json!("1")).await, Value::Null);
    assert_eq!(app.failure("ann", query, Value::Null).await.code, "NOT_FOUND");
    assert_eq!(deleted["revision"], viewer_revision(&app, "ann").await, "what failed raised nothing");
    assert_eq!(app.make("ann", "bread").await["id"], "2", "an id is never given twice");
}

#[rstest]
#[tokio::test]
async fn a_description_may_be_absent_null_or_text_at_the_start(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for (members, expected) in [
        ("", Value::Null),
        (", description: null", Value::Null),
        (", description: \"\"", json!("")),
        (", description: \" as sent\\n\"", json!(" as sent\n")),
    ] {
        let query = format!("mutation {{ createTask(input: {{title: \"t\"{members}}}) {{ task {{ description }} }} }}");
        let data = app.data("ann", &query, Value::Null).await;
        assert_eq!(data["createTask"]["task"]["description"], expected, "{members}");
    }
    let by_member = "mutation($description: String) {
        createTask(input: {title: \"t\", description: $description}) { task { description } } }";
    let whole = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { description } } }";
    for (sent, expected) in [
        (json!({}), Value::Null),
        (json!({ "description": null }), Value::Null),
        (json!({ "description": "text" }), json!("text")),
    ] {
        let data = app.data("ann", by_member, sent.clone()).await;
        assert_eq!(data["createTask"]["task"]["description"], expected, "{sent}");
        let mut input = sent.clone();
        input["title"] = json!("t");
        let data = app.data("ann", whole, json!({ "input": input })).await;
        assert_eq!(data["createTask"]["task"]["description"], expected, "{input}");
    }
}

/// Absent leaves a part as it is, null clears the description, a value is the new one: as literals, as variables of
/// members, and as one variable for the whole input.
#[rstest]
#[tokio::test]
async fn an_update_changes_what_is_present(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let by_members = "mutation($id: ID!, $title: String, $description: String, $completed: Boolean) {
        updateTask(input: {id: $id, title: $title, description: $description, completed: $completed}) {
            task { title description completed } } }";
    let whole = "mutation($input: UpdateTaskInput!) {
        updateTask(input: $input) { task { title description completed } } }";
    for (sent, title, description, completed) in [
        (json!({}), "milk", json!("2 l"), false),
        (json!({ "description": null }), "milk", Value::Null, false),
        (json!({ "description": "3 l" }), "milk", json!("3 l"), false),
        (json!({ "description": "" }), "milk", json!(""), false),
        (json!({ "title": " bread " }), "bread", json!("2 l"), false),
        (json!({ "completed": true }), "milk", json!("2 l"), true),
        (json!({ "completed": false, "title": "milk" }), "milk", json!("2 l"), false),
        (json!({ "title": "t", "description": "d", "completed": true }), "t", json!("d"), true),
    ] {
        let expected = json!({ "title": title, "description": description, "completed": completed });
        let new = async || {
            let query = "mutation { createTask(input: {title: \"milk\", description: \"2 l\"}) { task { id } } }";
            app.data("ann", query, Value::Null).await["createTask"]["task"]["id"].take()
        };

        let id = new().await;
        let members: Vec<String> =
            sent.as_object().unwrap().iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let members = members.join(", ");
        let literal = format!(
            "mutation {{ updateTask(input: {{id: {id} {members}}}) {{ task {{ title description completed }} }} }}"
        );
        assert_eq!(app.data("ann", &literal, Value::Null).await["updateTask"]["task"], expected, "{literal}");

        let mut variables = sent.clone();
        variables["id"] = new().await;
        let data = app.data("ann", by_members, variables.clone()).await;
        assert_eq!(data["updateTask"]["task"], expected, "by members: {variables}");

        variables["id"] = new().await;
        let data = app.data("ann", whole, json!({ "input": variables })).await;
        assert_eq!(data["updateTask"]["task"], expected, "as a whole: {variables}");
    }
}

/// A member whose variable was not sent is absent wherever the document has it.
#[rstest]
#[tokio::test]
async fn a_variable_that_was_not_sent_leaves_its_member_out(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = "{ task { description } }";
    for (case, query) in [
        ("at the root", format!("mutation($id: ID!, $d: String) {{ c: updateTask(input: {{id: $id, description: $d}}) {task} }}")),
        (
            "in a fragment",
            format!(
                "mutation M($id: ID!, $d: String) {{ ...F }}
                 fragment F on Mutation {{ c: updateTask(input: {{id: $id, description: $d}}) {task} }}"
            ),
        ),
        (
            "in an inline fragment with a directive",
            format!(
                "mutation($id: ID!, $d: String, $yes: Boolean = true) {{
                     ... on Mutation @include(if: $yes) {{ c: updateTask(input: {{id: $id, description: $d}}) {task} }} }}"
            ),
        ),
        (
            "beside an operation that is not run",
            format!(
                "mutation M($id: ID!, $d: String) {{ c: updateTask(input: {{id: $id, description: $d}}) {task} }}
                 mutation N($d: String!) {{ createTask(input: {{title: $d}}) {task} }}"
            ),
        ),
        (
            "with several variables",
            format!(
                "mutation($id: ID!, $t: String, $d: String, $c: Boolean, $r: Revision) {{
                     c: updateTask(input: {{id: $id, title: $t, description: $d, completed: $c, expectedRevision: $r}}) {task} }}"
            ),
        ),
    ] {
        let made = "mutation { createTask(input: {title: \"milk\", description: \"2 l\"}) { task { id } } }";
        let id = app.data("ann", made, Value::Null).await["createTask"]["task"]["id"].take();
        let run = async |variables: Value| {
            let name = query.contains("mutation M").then_some("M");
            let body = json!({ "query": query, "variables": variables, "operationName": name });
            let answer = app.post("ann", "/graphql", body).await.json();
            assert!(answer.get("errors").is_none(), "{case}: {answer}");
            answer["data"]["c"]["task"]["description"].clone()
        };
        assert_eq!(run(json!({ "id": id })).await, "2 l", "{case}: not sent");
        assert_eq!(run(json!({ "id": id, "d": "3 l" })).await, "3 l", "{case}: sent");
        assert_eq!(run(json!({ "id": id, "d": null })).await, Value::Null, "{case}: sent as null");
    }
}

#[rstest]
#[tokio::test]
async fn a_default_stands_in_for_a_variable_that_was_not_sent(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.make("ann", "milk").await;
    for (declared, sent, expected) in [
        ("$d: String = \"the default\"", json!({}), json!("the default")),
        ("$d: String = \"the default\"", json!({ "d": "sent" }), json!("sent")),
        ("$d: String = \"the default\"", json!({ "d": null }), Value::Null),
        ("$d: String = null", json!({ "d": "sent" }), json!("sent")),
        ("$d: String = null", json!({}), Value::Null),
        ("$d: String! = \"not null\"", json!({}), json!("not null")),
    ] {
        let query = format!(
            "mutation({declared}) {{ updateTask(input: {{id: 1, description: $d}}) {{ task {{ description }} }} }}"
        );
        let data = app.data("ann", &query, sent.clone()).await;
        assert_eq!(data["updateTask"]["task"]["description"], expected, "{declared} {sent}");
    }
    let whole = "mutation($input: UpdateTaskInput! = {id: 1, title: \"by default\"}) {
        updateTask(input: $input) { task { title description } } }";
    let data = app.data("ann", whole, Value::Null).await;
    assert_eq!(data["updateTask"]["task"], json!({ "title": "by default", "description": "not null" }));
}

#[rstest]
#[tokio::test]
async fn what_must_not_be_null_is_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let before = app.make("ann", "milk").await;
    for members in ["title: null", "completed: null"] {
        let name = members.split(':').next().unwrap();
        let expected = [(format!("input.{name}"), "null_not_allowed".to_owned())];
        let literal = format!("mutation {{ updateTask(input: {{id: 1, {members}}}) {{ task {{ id }} }} }}");
        let failure = app.failure("ann", &literal, Value::Null).await;
        assert_eq!((failure.code.as_str(), failure.problems()), ("VALIDATION_ERROR", expected.to_vec()), "{literal}");
        let whole = "mutation($input: UpdateTaskInput!) { updateTask(input: $input) { task { id } } }";
        let failure = app.failure("ann", whole, json!({ "input": { "id": "1", name: null } })).await;
        assert_eq!((failure.code.as_str(), failure.problems()), ("VALIDATION_ERROR", expected.to_vec()), "{name}");
    }
    let members =
        "mutation($t: String, $c: Boolean) { updateTask(input: {id: 1, title: $t, completed: $c}) { task { id } } }";
    let failure = app.failure("ann", members, json!({ "t": null, "c": null })).await;
    assert_eq!(failure.problems().len(), 2, "every broken rule is told");
    assert_eq!(app.read("ann", &json!("1")).await, before);
}

#[rstest]
#[tokio::test]
async fn every_broken_rule_is_told(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let before = app.make("ann", "milk").await;
    let long = ("title", json!("x".repeat(201)), "string_too_long");
    let cases = [
        long.clone(),
        ("title", json!(""), "string_too_short"),
        ("title", json!(" \t\n\u{3000}\u{2003}"), "string_too_short"),
        ("title", json!("a\0b"), "string_nul"),
        ("description", json!("😀".repeat(1001)), "string_too_long"),
        ("description", json!("\0"), "string_nul"),
    ];
    let create = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
    let update = "mutation($input: UpdateTaskInput!) { updateTask(input: $input) { task { id } } }";
    for (member, value, rule) in cases {
        let expected = [(format!("input.{member}"), rule.to_owned())];
        for (query, mut input) in [(create, json!({ "title": "t" })), (update, json!({ "id": "1" }))] {
            input[member] = value.clone();
            let failure = app.failure("ann", query, json!({ "input": input })).await;
            assert_eq!(failure.code, "VALIDATION_ERROR", "{input}");
            assert_eq!(failure.problems(), expected, "{input}");
            assert_eq!(failure.data, Some(Value::Null), "{input}");
            assert!(failure.message.contains(member), "{}", failure.message);
        }
    }
    let all = json!({ "id": "abc", "title": " ", "description": "\0", "completed": null });
    let failure = app.failure("ann", update, json!({ "input": all })).await;
    let places: Vec<String> = failure.problems().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["input.id", "input.title", "input.description", "input.completed"]);
    assert_eq!(app.read("ann", &json!("1")).await, before);
    assert_eq!(viewer_revision(&app, "ann").await, before["revision"].as_str().unwrap());
}

#[rstest]
#[tokio::test]
async fn the_longest_texts_come_back_whole(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let (title, description) = ("😀".repeat(200), "👩‍🚀 \"\\\n\u{1}\u{202e}é".repeat(100));
    let input = json!({ "title": format!(" {title} "), "description": description });
    let query = format!("mutation($input: CreateTaskInput!) {{ createTask(input: $input) {{ task {TASK} }} }}");
    let task = app.data("ann", &query, json!({ "input": input })).await["createTask"]["task"].take();
    assert_eq!((&task["title"], &task["description"]), (&json!(title), &json!(description)));
    assert_eq!(app.read("ann", &task["id"]).await, task);
}

#[rstest]
#[tokio::test]
async fn several_mutations_run_in_order(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let query = "mutation {
        a: createTask(input: {title: \"a\"}) { task { id revision } }
        b: toggleTask(input: {id: 1}) { task { completed revision } }
        c: updateTask(input: {id: 1, title: \"c\"}) { task { title completed revision } }
        d: createTask(input: {title: \"d\"}) { task { id revision } }
        e: deleteTask(input: {id: 1}) { deletedTaskId revision } }";
    let data = app.data("ann", query, Value::Null).await;
    assert_eq!(data["c"]["task"]["title"], "c");
    assert_eq!(data["c"]["task"]["completed"], true);
    let revisions: Vec<i64> =
        [&data["a"]["task"], &data["b"]["task"], &data["c"]["task"], &data["d"]["task"], &data["e"]]
            .map(|change| number(&change["revision"]))
            .to_vec();
    let first = revisions[0];
    assert_eq!(revisions, (first..first + 5).collect::<Vec<_>>());
    assert_eq!(data.as_object().unwrap().keys().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
}

#[rstest]
#[tokio::test]
async fn what_ran_before_a_failure_stays(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let query = "mutation {
        a: createTask(input: {title: \"a\"}) { task { id } }
        b: toggleTask(input: {id: 999}) { task { id } }
        c: createTask(input: {title: \"c\"}) { task { id } } }";
    let failure = app.failure("ann", query, Value::Null).await;
    assert_eq!((failure.code.as_str(), &failure.data), ("NOT_FOUND", &Some(Value::Null)));
    assert_eq!(failure.error["path"], json!(["b"]));
    assert_eq!(app.read("ann", &json!("1")).await["title"], "a");
}

#[rstest]
#[tokio::test]
async fn tasks_of_others_and_of_nobody_stay_as_they_are(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let own = app.make("ann", "own").await;
    let theirs = app.make("bob", "theirs").await;
    for case in CHANGES {
        let query = change(case);
        // The owner is looked at before the precondition.
        for expected in [Value::Null, json!("1")] {
            for (id, code) in [
                (theirs["id"].clone(), "FORBIDDEN"),
                (json!("999"), "NOT_FOUND"),
                (json!("0"), "NOT_FOUND"),
                (json!("-1"), "NOT_FOUND"),
                (json!("9223372036854775808"), "NOT_FOUND"),
                (json!("abc"), "VALIDATION_ERROR"),
            ] {
                let failure = app.failure("ann", &query, json!({ "id": id, "expected": expected })).await;
                assert_eq!(failure.code, code, "{case:?} {id} {expected}");
                assert_eq!(failure.data, Some(Value::Null), "{case:?} {id}");
                assert_eq!(failure.error["path"], json!([case.0]), "{case:?} {id}");
            }
        }
    }
    assert_eq!(app.read("bob", &theirs["id"]).await, theirs);
    for (user, task) in [("ann", &own), ("bob", &theirs)] {
        assert_eq!(viewer_revision(&app, user).await, task["revision"].as_str().unwrap(), "nothing was raised");
    }
}

#[rstest]
#[tokio::test]
async fn a_change_may_be_conditional_on_the_revision(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for case in CHANGES {
        let query = change(case);
        let task = app.make("ann", "milk").await;
        let id = &task["id"];
        let touch = "mutation($id: ID!) { updateTask(input: {id: $id, title: \"moved on\"}) { task { revision } } }";
        let moved = app.data("ann", touch, json!({ "id": id })).await["updateTask"]["task"]["revision"].take();
        let before = app.read("ann", id).await;

        for stale in [&task["revision"], &json!("0"), &json!("9223372036854775807")] {
            let failure = app.failure("ann", &query, json!({ "id": id, "expected": stale })).await;
            assert_eq!(failure.code, "PRECONDITION_FAILED", "{case:?} {stale}");
            assert_eq!(failure.error["extensions"]["current"], moved, "{case:?} {stale}");
        }
        assert_eq!(app.read("ann", id).await, before, "{case:?}");
        assert_eq!(viewer_revision(&app, "ann").await, moved.as_str().unwrap(), "{case:?}");

        app.data("ann", &query, json!({ "id": id, "expected": moved })).await;
        assert_eq!(number(&json!(viewer_revision(&app, "ann").await)), number(&moved) + 1, "{case:?}");
    }
}

#[rstest]
#[tokio::test]
async fn an_update_of_nothing_changes_nothing(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.make("ann", "milk").await;
    let theirs = app.make("bob", "theirs").await;
    let query = format!(
        "mutation($id: ID!, $expected: Revision) {{
             updateTask(input: {{id: $id, expectedRevision: $expected}}) {{ task {TASK} }} }}"
    );
    for expected in [Value::Null, task["revision"].clone()] {
        let data = app.data("ann", &query, json!({ "id": task["id"], "expected": expected })).await;
        assert_eq!(data["updateTask"]["task"], task);
    }
    let failure = app.failure("ann", &query, json!({ "id": task["id"], "expected": "1" })).await;
    assert_eq!(failure.code, "PRECONDITION_FAILED");
    assert_eq!(failure.error["extensions"]["current"], task["revision"]);
    assert_eq!(app.failure("ann", &query, json!({ "id": theirs["id"] })).await.code, "FORBIDDEN");
    assert_eq!(app.failure("ann", &query, json!({ "id": "999" })).await.code, "NOT_FOUND");
    assert_eq!(viewer_revision(&app, "ann").await, task["revision"].as_str().unwrap());
}
