//! Mutations that make many changes, all or none.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Postgres, Sqlite, TASK, TestApp, start, start_with};

mod one_of;

const CREATE: &str =
    "mutation($input: CreateTasksInput!) { createTasks(input: $input) { tasks { id title revision } } }";
const UPDATE: &str = "mutation($input: UpdateTasksInput!) { updateTasks(input: $input) { tasks { id title description completed revision } } }";
const COMPLETE: &str =
    "mutation($input: CompleteTasksInput!) { completeTasks(input: $input) { tasks { id completed revision } } }";
const DELETE: &str = "mutation($input: DeleteTasksInput!) { deleteTasks(input: $input) { deletedTaskIds revision } }";
const CHANGE: &str = "mutation($input: ChangeTasksInput!) {
    changeTasks(input: $input) { results { revision task { id title completed revision } } } }";
const CLEAR: &str = "mutation { clearCompletedTasks { deletedTaskIds revision hasMore } }";

fn number(revision: &Value) -> i64 {
    revision.as_str().unwrap().parse().unwrap()
}

async fn revision(app: &TestApp) -> i64 {
    number(&app.data("ann", "{ viewer { revision } }", Value::Null).await["viewer"]["revision"])
}

/// All that a user can see of the tasks.
async fn state(app: &TestApp, user: &str) -> Value {
    let query = format!("{{ viewer {{ revision taskCounts {{ total }} }} tasks(first: 100) {{ nodes {TASK} }} }}");
    app.data(user, &query, Value::Null).await
}

async fn make(app: &TestApp, user: &str, titles: &[&str]) -> Vec<Value> {
    let tasks: Vec<Value> = titles.iter().map(|title| json!({ "title": title })).collect();
    let mut data = app.data(user, CREATE, json!({ "input": { "tasks": tasks } })).await;
    data["createTasks"]["tasks"].as_array_mut().unwrap().drain(..).map(|mut task| task["id"].take()).collect()
}

#[rstest]
#[tokio::test]
async fn each_makes_its_changes_in_order(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let tasks = json!([{ "title": " one " }, { "title": "two", "description": "2" }, { "title": "three" }]);
    let created = app.data("ann", CREATE, json!({ "input": { "tasks": tasks } })).await;
    let first = number(&created["createTasks"]["tasks"][0]["revision"]);
    let task = |id: i64, title: &str, revision: i64| json!({ "id": id.to_string(), "title": title, "revision": revision.to_string() });
    let expected = json!([task(1, "one", first), task(2, "two", first + 1), task(3, "three", first + 2)]);
    assert_eq!(created["createTasks"]["tasks"], expected);
    assert_eq!(revision(&app).await, first + 2);

    let tasks = json!([
        { "id": 3, "title": "3", "expectedRevision": (first + 2).to_string() },
        { "id": 1, "description": "more" },
        { "id": 2 },
        { "id": 3, "description": "last", "expectedRevision": (first + 2).to_string() },
        { "id": 2, "description": null, "completed": true },
    ]);
    let updated = app.data("ann", UPDATE, json!({ "input": { "tasks": tasks } })).await;
    let task = |id: i64, title: &str, description: Value, completed: bool, revision: i64| {
        json!({ "id": id.to_string(), "title": title, "description": description, "completed": completed,
                "revision": revision.to_string() })
    };
    assert_eq!(
        updated["updateTasks"]["tasks"],
        json!([
            task(3, "3", json!(null), false, first + 3),
            task(1, "one", json!("more"), false, first + 4),
            task(2, "two", json!("2"), false, first + 1),
            task(3, "3", json!("last"), false, first + 5),
            task(2, "two", json!(null), true, first + 6),
        ])
    );
    for (id, place) in [(1, 1), (2, 4), (3, 3)] {
        assert_eq!(app.read("ann", &json!(id)).await, updated["updateTasks"]["tasks"][place]);
    }

    let completed = app.data("ann", COMPLETE, json!({ "input": { "ids": [3, "1"], "completed": true } })).await;
    let task = |id: &str, revision: i64| json!({ "id": id, "completed": true, "revision": revision.to_string() });
    assert_eq!(completed["completeTasks"]["tasks"], json!([task("3", first + 7), task("1", first + 8)]));

    let deleted = app.data("ann", DELETE, json!({ "input": { "ids": [2, 1] } })).await;
    let revision_then = (first + 10).to_string();
    assert_eq!(deleted["deleteTasks"], json!({ "deletedTaskIds": ["2", "1"], "revision": revision_then }));
    assert_eq!(app.database.numbers("SELECT revision FROM tasks ORDER BY id").await, [10, 9, 7].map(|n| first + n));
    assert_eq!(app.database.numbers("SELECT task_count FROM owners").await, [1]);
    assert_eq!(state(&app, "ann").await["tasks"]["nodes"][0]["title"], "3");
}

#[rstest]
#[tokio::test]
async fn changes_of_any_kind_are_made_together(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let ids = make(&app, "ann", &["one", "two"]).await;
    let first = revision(&app).await + 1;
    let changes = json!([
        { "create": { "title": "three" } },
        { "update": { "id": ids[0], "title": "1" } },
        { "setCompleted": { "id": ids[0], "completed": true } },
        { "delete": { "id": ids[0], "expectedRevision": (first - 2).to_string() } },
        { "update": { "id": ids[1] } },
        { "create": { "title": "four" } },
    ]);
    let answer = app.data("ann", CHANGE, json!({ "input": { "changes": changes } })).await;
    let result = |revision: i64, task: Option<(&str, &str, bool)>| {
        let revision = revision.to_string();
        let task = task.map(
            |(id, title, completed)| json!({ "id": id, "title": title, "completed": completed, "revision": revision }),
        );
        json!({ "revision": revision, "task": task })
    };
    assert_eq!(
        answer["changeTasks"]["results"],
        json!([
            result(first, Some(("3", "three", false))),
            result(first + 1, Some(("1", "1", false))),
            result(first + 2, Some(("1", "1", true))),
            result(first + 3, None),
            result(first - 1, Some(("2", "two", false))),
            result(first + 4, Some(("4", "four", false))),
        ])
    );
    assert_eq!(revision(&app).await, first + 4);
    assert_eq!(app.read("ann", &ids[0]).await, Value::Null);
    assert_eq!(app.database.numbers("SELECT task_count FROM owners").await, [3]);
    // What is found by its text is found by the new one.
    let search = |text: &str| format!("{{ tasks(filter: {{ search: \"{text}\" }}) {{ nodes {{ id }} }} }}");
    app.data("ann", UPDATE, json!({ "input": { "tasks": [{ "id": ids[1], "title": "STRASSE" }] } })).await;
    let found = app.data("ann", &search("straße"), Value::Null).await;
    assert_eq!(found["tasks"]["nodes"], json!([{ "id": "2" }]));
    assert_eq!(app.data("ann", &search("two"), Value::Null).await["tasks"]["nodes"], json!([]));
}

/// A change that cannot be made, at each place of a list: nothing is made, and no revision is used up.
#[rstest]
#[tokio::test]
async fn all_are_made_or_none(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let own = make(&app, "ann", &["one", "two", "three", "gone"]).await;
    app.data("ann", DELETE, json!({ "input": { "ids": [own[3]] } })).await;
    let foreign = make(&app, "bob", &["bob's"]).await;
    let (before, of_bob) = (state(&app, "ann").await, state(&app, "bob").await);
    let good = [
        json!({ "update": { "id": own[0], "title": "1" } }),
        json!({ "create": { "title": "new" } }),
        json!({ "setCompleted": { "id": own[1], "completed": true } }),
        json!({ "delete": { "id": own[2] } }),
    ];
    let missing = "There is no task with this id.";
    for (id, expected, code, sentence) in [
        (&foreign[0], None, "FORBIDDEN", "This task belongs to another user."),
        (&foreign[0], Some("1"), "FORBIDDEN", "This task belongs to another user."),
        (&own[3], None, "NOT_FOUND", missing),
        (&json!(999), Some("1"), "NOT_FOUND", missing),
        (&json!("-99999999999999999999"), None, "NOT_FOUND", missing),
        (&own[0], Some("1"), "PRECONDITION_FAILED", "The task has changed since"),
    ] {
        for index in 0..=good.len() {
            for change in [
                json!({ "update": { "id": id, "title": "t", "expectedRevision": expected } }),
                json!({ "update": { "id": id, "expectedRevision": expected } }),
                json!({ "setCompleted": { "id": id, "completed": true, "expectedRevision": expected } }),
                json!({ "delete": { "id": id, "expectedRevision": expected } }),
            ] {
                let mut changes = good.to_vec();
                changes.insert(index, change.clone());
                let failure = app.failure("ann", CHANGE, json!({ "input": { "changes": changes } })).await;
                assert_eq!((failure.code.as_str(), &failure.data), (code, &Some(Value::Null)), "{change}");
                assert!(failure.message.starts_with(&format!("Change {index}: {sentence}")), "{}", failure.message);
                assert_eq!(failure.error["extensions"]["index"], index);
            }
        }
    }
    // Of several, the first is told; what an earlier change of the list deletes is gone.
    let twice =
        json!([{ "delete": { "id": own[0] } }, { "delete": { "id": own[0] } }, { "delete": { "id": foreign[0] } }]);
    let failure = app.failure("ann", CHANGE, json!({ "input": { "changes": twice } })).await;
    assert_eq!((failure.code.as_str(), &failure.error["extensions"]["index"]), ("NOT_FOUND", &json!(1)));
    let failure = app.failure("ann", DELETE, json!({ "input": { "ids": [own[0], own[1], foreign[0]] } })).await;
    assert_eq!((failure.code.as_str(), &failure.error["extensions"]["index"]), ("FORBIDDEN", &json!(2)));
    let failure =
        app.failure("ann", COMPLETE, json!({ "input": { "ids": [own[3], own[1]], "completed": true } })).await;
    assert_eq!((failure.code.as_str(), &failure.error["extensions"]["index"]), ("NOT_FOUND", &json!(0)));

    assert_eq!((state(&app, "ann").await, state(&app, "bob").await), (before, of_bob));
    assert_eq!(app.database.numbers("SELECT task_count FROM owners ORDER BY user_id").await, [3, 1]);
}

#[rstest]
#[tokio::test]
async fn a_foreign_task_may_look_like_none(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_with(backend, |options| options.hide_foreign_tasks = true).await;
    let foreign = make(&app, "bob", &["bob's"]).await;
    let failure = app.failure("ann", DELETE, json!({ "input": { "ids": foreign } })).await;
    assert_eq!(
        (failure.code.as_str(), failure.message.as_str()),
        ("NOT_FOUND", "Change 0: There is no task with this id.")
    );
}

#[rstest]
#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    make(&app, "ann", &["one"]).await;
    let before = state(&app, "ann").await;
    let long = "x".repeat(201);
    let update = json!({ "id": "x", "title": long, "description": "\0" });
    for (query, input, problems) in [
        (CREATE, json!({ "tasks": [] }), "input.tasks too_short"),
        (CREATE, json!({ "tasks": vec![json!({ "title": "t" }); 101] }), "input.tasks too_long"),
        (
            CREATE,
            json!({ "tasks": [{ "title": "t" }, { "title": "", "description": "x".repeat(1001) }, { "title": long }] }),
            "input.tasks.1.title string_too_short, input.tasks.1.description string_too_long, \
             input.tasks.2.title string_too_long",
        ),
        (
            UPDATE,
            json!({ "tasks": [update, { "id": 1 }, { "id": "1.5", "title": null, "completed": null }] }),
            "input.tasks.0.id int_parsing, input.tasks.0.title string_too_long, input.tasks.0.description string_nul, \
             input.tasks.2.id int_parsing, input.tasks.2.title null_not_allowed, input.tasks.2.completed null_not_allowed",
        ),
        (UPDATE, json!({ "tasks": [] }), "input.tasks too_short"),
        (DELETE, json!({ "ids": [] }), "input.ids too_short"),
        (DELETE, json!({ "ids": (1..=101).collect::<Vec<_>>() }), "input.ids too_long"),
        (
            DELETE,
            json!({ "ids": [1, "x", "01", "", 0, -1, "0", 1] }),
            "input.ids.1 int_parsing, \
          input.ids.2 given_twice, input.ids.3 int_parsing, input.ids.7 given_twice",
        ),
        (COMPLETE, json!({ "ids": [1, 1], "completed": true }), "input.ids.1 given_twice"),
        (COMPLETE, json!({ "ids": [], "completed": true }), "input.ids too_short"),
        (CHANGE, json!({ "changes": [] }), "input.changes too_short"),
        (
            CHANGE,
            json!({ "changes": [{ "create": { "title": " " } }, { "delete": { "id": "x" } },
                    { "setCompleted": { "id": "y", "completed": true } }, { "update": update }] }),
            "input.changes.0.create.title string_too_short, input.changes.1.delete.id int_parsing, \
             input.changes.2.setCompleted.id int_parsing, input.changes.3.update.id int_parsing, \
             input.changes.3.update.title string_too_long, input.changes.3.update.description string_nul",
        ),
    ] {
        let failure = app.failure("ann", query, json!({ "input": input })).await;
        assert_eq!(failure.code, "VALIDATION_ERROR", "{}", failure.message);
        let told: Vec<String> = failure.problems().iter().map(|(place, kind)| format!("{place} {kind}")).collect();
        assert_eq!(told.join(", "), problems, "{}", failure.message);
    }
    assert_eq!(state(&app, "ann").await, before);
}

/// One value stands for a list of it (3.11 of the specification).
#[rstest]
#[tokio::test]
async fn one_change_needs_no_list(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    app.data("ann", CREATE, json!({ "input": { "tasks": { "title": "by variable" } } })).await;
    app.data("ann", "mutation { createTasks(input: { tasks: { title: \"literal\" } }) { tasks { id } } }", Value::Null)
        .await;
    app.data("ann", DELETE, json!({ "input": { "ids": 1 } })).await;
    assert_eq!(app.database.numbers("SELECT task_count FROM owners").await, [1]);
}

#[rstest]
#[tokio::test]
async fn the_quota_holds_once_all_are_made(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_with(backend, |options| options.max_tasks = 3).await;
    let tasks = |n: usize| json!({ "input": { "tasks": vec![json!({ "title": "t" }); n] } });
    let failure = app.failure("ann", CREATE, tasks(4)).await;
    assert_eq!(failure.code, "QUOTA_EXCEEDED");
    assert_eq!(failure.message, "A user may have 3 tasks at most, and there would be more; delete some first.");
    assert_eq!(failure.error["extensions"].get("index"), None);
    assert_eq!(revision(&app).await, 0, "there is not even an owner");
    app.data("ann", CREATE, tasks(2)).await;
    let before = state(&app, "ann").await;
    assert_eq!(app.failure("ann", CREATE, tasks(2)).await.code, "QUOTA_EXCEEDED");
    let create = json!({ "create": { "title": "t" } });
    let changes = json!([create, create, { "update": { "id": 1, "title": "t" } }]);
    let failure = app.failure("ann", CHANGE, json!({ "input": { "changes": changes } })).await;
    assert_eq!(failure.code, "QUOTA_EXCEEDED");
    assert_eq!(state(&app, "ann").await, before);
    // What is deleted makes room, wherever it stands.
    let changes = json!([create, create, create, { "delete": { "id": 1 } }, { "delete": { "id": 2 } }]);
    app.data("ann", CHANGE, json!({ "input": { "changes": changes } })).await;
    assert_eq!(app.database.numbers("SELECT task_count FROM owners").await, [3]);
}

#[rstest]
#[tokio::test]
async fn completed_tasks_are_cleared_the_longest_unchanged_first(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let nothing = json!({ "deletedTaskIds": [], "revision": "0", "hasMore": false });
    assert_eq!(app.data("ann", CLEAR, Value::Null).await["clearCompletedTasks"], nothing);
    let ids = make(&app, "ann", &["one", "two", "three", "pending"]).await;
    let of_bob = make(&app, "bob", &["bob's"]).await;
    app.data("bob", COMPLETE, json!({ "input": { "ids": of_bob, "completed": true } })).await;
    for id in [&ids[1], &ids[2], &ids[0]] {
        app.data("ann", COMPLETE, json!({ "input": { "ids": [id], "completed": true } })).await;
    }
    let before = revision(&app).await;
    let cleared = app.data("ann", CLEAR, Value::Null).await;
    let expected =
        json!({ "deletedTaskIds": [ids[1], ids[2], ids[0]], "revision": (before + 3).to_string(), "hasMore": false });
    assert_eq!(cleared["clearCompletedTasks"], expected);
    assert_eq!(app.database.numbers("SELECT task_count FROM owners ORDER BY user_id").await, [1, 1]);
    let in_order = "SELECT revision FROM tasks WHERE user_id = 'ann' AND deleted_at IS NOT NULL ORDER BY updated_at";
    assert_eq!(app.database.numbers(in_order).await, [1, 2, 3].map(|n| before + n));
    let nothing = json!({ "deletedTaskIds": [], "revision": (before + 3).to_string(), "hasMore": false });
    assert_eq!(app.data("ann", CLEAR, Value::Null).await["clearCompletedTasks"], nothing);
    assert_eq!(app.read("bob", &of_bob[0]).await["completed"], true);
}

#[rstest]
#[tokio::test]
async fn a_hundred_are_cleared_at_once(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let mut all = Vec::new();
    for n in [100, 100, 1] {
        let ids = make(&app, "ann", &vec!["t"; n]).await;
        app.data("ann", COMPLETE, json!({ "input": { "ids": ids, "completed": true } })).await;
        all.extend(ids);
    }
    let mut cleared = Vec::new();
    for has_more in [true, true, false] {
        let answer = app.data("ann", CLEAR, Value::Null).await["clearCompletedTasks"].take();
        assert_eq!((number(&answer["revision"]), &answer["hasMore"]), (revision(&app).await, &json!(has_more)));
        cleared.extend(answer["deletedTaskIds"].as_array().unwrap().clone());
        let cleared_now = i64::try_from(cleared.len()).unwrap();
        assert_eq!(app.database.numbers("SELECT task_count FROM owners").await, [201 - cleared_now]);
    }
    assert_eq!(cleared, all, "which were completed in the order of their ids");
}

/// A list of a hundred changes may be as much work as a hundred mutations, and no more than an operation may be.
#[rstest]
#[tokio::test]
async fn each_change_costs_what_one_would(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    let tasks = json!({ "input": { "tasks": vec![json!({ "title": "t" }); 100] } });
    let wide = |fields: usize| {
        let fields = "title ".repeat(fields);
        format!("mutation($input: CreateTasksInput!) {{ createTasks(input: $input) {{ tasks {{ {fields} }} }} }}")
    };
    // The field, its list, and 48 more make 50 points a change.
    app.data("ann", &wide(48), tasks.clone()).await;
    assert_eq!(app.failure("ann", &wide(49), tasks).await.code, "OPERATION_TOO_COMPLEX");
    assert_eq!(app.database.numbers("SELECT task_count FROM owners").await, [100]);
}
