//! Requests that are sent again with the same `Idempotency-Key`.

use futures_util::future::join_all;
use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use taskgate::database_url::DatabaseUrl;

use crate::support::wire::Wire;
use crate::support::{Answer, Backend, Database, Postgres, Sqlite, TestApp, start, start_on, start_with};

const DAY: i64 = 24 * 60 * 60;

async fn send(app: &TestApp, user: &str, key: &str, request: (Method, &str, Value)) -> Answer {
    let (method, path, body) = request;
    let call = app.call(user, method, path).header("idempotency-key", key);
    if body.is_null() { call.send().await } else { call.json(&body).send().await }
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
}

/// Sends a request twice; the second answer is the first one again, and says so.
async fn twice(app: &TestApp, key: &str, request: (Method, &str, Value)) -> Answer {
    let first = send(app, "ann", key, request.clone()).await;
    assert!(first.status.is_success() && !is_replayed(&first), "{}", first.text());
    let second = send(app, "ann", key, request).await;
    assert!(is_replayed(&second), "{}", second.text());
    assert_eq!((second.status, second.text()), (first.status, first.text()));
    for header in ["etag", "location"] {
        assert_eq!(second.headers.get(header), first.headers.get(header), "{header}");
    }
    second
}

#[rstest]
#[tokio::test]
async fn a_request_that_is_sent_again_is_made_once(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let made =
        twice(&app, "make", (Method::POST, "/api/tasks", json!({ "title": "milk", "description": "2 l" }))).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/api/tasks/1"));
    assert_eq!(app.get("ann", "/api/tasks").await.json().as_array().unwrap().len(), 1);

    let toggle = (Method::PATCH, "/api/tasks/1/complete", Value::Null);
    assert_eq!(twice(&app, "toggle", toggle.clone()).await.json()["completed"], true);
    assert_eq!(twice(&app, "toggle-again", toggle).await.json()["completed"], false);
    let renamed = twice(&app, "rename", (Method::PUT, "/api/tasks/1", json!({ "title": "oat milk" }))).await;
    let nothing = (Method::PUT, "/api/tasks/1", json!({}));
    assert_eq!(twice(&app, "nothing", nothing.clone()).await.json(), renamed.json());

    let deleted = twice(&app, "delete", (Method::DELETE, "/api/tasks/1", Value::Null)).await;
    assert_eq!((deleted.status.as_u16(), deleted.text()), (204, String::new()));
    assert_eq!(app.get("ann", "/api/tasks/1").await.status, 404);
    // What happened is told although it is gone by now.
    let rename = (Method::PUT, "/api/tasks/1", json!({ "title": "oat milk" }));
    assert_eq!(send(&app, "ann", "rename", rename).await.json(), renamed.json());
    assert_eq!(send(&app, "ann", "nothing", nothing).await.json(), renamed.json());
    assert_eq!(app.database.numbers("SELECT task_count FROM owners").await, [0]);
}

/// A caller whose change was carried out has a tag that is stale by that very change.
#[rstest]
#[tokio::test]
async fn what_happened_is_told_before_the_condition_is_judged(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.create("ann", "milk").await;
    let tag = app.get("ann", "/api/tasks/1").await.header("etag").to_owned();
    let change = async |key: &str, tag: &str| {
        let call = app.call("ann", Method::PUT, "/api/tasks/1").json(&json!({ "title": "bread" }));
        call.header("if-match", tag).header("idempotency-key", key).send().await
    };
    for tags in [tag.clone(), format!("\"1\", {tag}")] {
        let current = app.get("ann", "/api/tasks/1").await.header("etag").to_owned();
        let tags = tags.replace(&tag, &current);
        let key = format!("k{}", tags.len());
        let first = change(&key, &tags).await;
        assert_eq!(first.status, 200, "{}", first.text());
        let second = change(&key, &tags).await;
        assert!(is_replayed(&second) && second.status == 200, "{}", second.text());
        assert_eq!(change("another", &tags).await.error(), (412, "PRECONDITION_FAILED".to_owned()));
        assert_eq!(change(&key, "*").await.error(), (409, "CONFLICT".to_owned()));
    }
}

#[rstest]
#[tokio::test]
async fn a_key_is_for_one_request(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.create("ann", "one").await;
    app.create("ann", "two").await;
    let first = (Method::PUT, "/api/tasks/1", json!({ "completed": true }));
    send(&app, "ann", "k", first.clone()).await;
    let conflict = json!({
        "detail": "This Idempotency-Key was used for another request; make a new key for a new request.",
        "code": "CONFLICT"
    });
    for other in [
        (Method::PUT, "/api/tasks/1", json!({ "completed": false })),
        (Method::PUT, "/api/tasks/2", json!({ "completed": true })),
        (Method::PATCH, "/api/tasks/1/complete", json!({ "completed": true })),
        (Method::POST, "/api/tasks", json!({ "title": "t" })),
        (Method::DELETE, "/api/tasks/1", Value::Null),
    ] {
        let answer = send(&app, "ann", "k", other).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (409, conflict.clone()));
    }
    assert!(is_replayed(&send(&app, "ann", "k", first).await), "the key still stands for the first");

    // The same key of another user is another key.
    let theirs = send(&app, "bob", "k", (Method::POST, "/api/tasks", json!({ "title": "theirs" }))).await;
    assert_eq!(theirs.status, 201);
    assert_eq!(send(&app, "bob", "k", (Method::DELETE, "/api/tasks/1", Value::Null)).await.status, 409);
}

/// A key whose request failed is free: the caller mends the request, or sends it again when it can succeed.
#[rstest]
#[tokio::test]
async fn only_successes_are_kept(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_with(backend, |options| options.max_tasks = 2).await;
    app.create("bob", "theirs").await;
    app.create("ann", "one").await;
    app.create("ann", "two").await;
    let make = (Method::POST, "/api/tasks", json!({ "title": "three" }));
    for (request, status) in [
        (make.clone(), 422),
        ((Method::POST, "/api/tasks", json!({ "title": "" })), 422),
        ((Method::PUT, "/api/tasks/1", json!({ "title": "t" })), 403),
        ((Method::PUT, "/api/tasks/9", json!({})), 404),
        ((Method::DELETE, "/api/tasks/9", Value::Null), 404),
        ((Method::PATCH, "/api/tasks/x/complete", Value::Null), 422),
    ] {
        let answer = send(&app, "ann", "k", request).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    }
    assert!(app.database.numbers("SELECT 1 FROM idempotency_keys").await.is_empty());
    app.delete("ann", "/api/tasks/2").await;
    assert_eq!(twice(&app, "k", make).await.status, 201);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_is_made(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start_with(backend, |options| options.pool_size = 8).await;
    for round in 1..=5 {
        let key = format!("round {round}").replace(' ', "-");
        let make = || (Method::POST, "/api/tasks", json!({ "title": "t" }));
        let answers = join_all((0..16).map(|_| send(&app, "ann", &key, make()))).await;
        assert!(answers.iter().all(|answer| answer.status == StatusCode::CREATED && answer.body == answers[0].body));
        assert_eq!(answers.iter().filter(|answer| !is_replayed(answer)).count(), 1);
        assert_eq!(app.database.numbers("SELECT task_count FROM owners").await, [round]);
    }
}

#[rstest]
#[tokio::test]
async fn what_is_no_key_is_refused(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    let reason = "must be one key of 1 to 255 visible ASCII characters";
    let long = "k".repeat(256);
    for key in ["", " ", "a b", "a\tb", "schlüssel", long.as_str()] {
        for (method, path) in [
            (Method::POST, "/api/tasks"),
            (Method::PUT, "/api/tasks/1"),
            (Method::PATCH, "/api/tasks/1/complete"),
            (Method::DELETE, "/api/tasks/1"),
        ] {
            let answer = send(&app, "ann", key, (method, path, json!({ "title": "t" }))).await;
            assert_eq!(answer.error(), (422, "VALIDATION_ERROR".to_owned()));
            let problem = json!({ "loc": ["header", "idempotency-key"], "msg": reason, "type": "idempotency_key" });
            assert_eq!(answer.json()["errors"], json!([problem]));
        }
        let call = app.call("ann", Method::POST, "/graphql").json(&json!({ "query": MAKE, "variables": title("t") }));
        let answer = call.header("idempotency-key", key).send().await;
        let error = json!({ "message": format!("Idempotency-Key {reason}."), "extensions": { "code": "BAD_REQUEST" } });
        assert_eq!((answer.status.as_u16(), answer.json()), (400, json!({ "errors": [error] })));
        assert_eq!(send(&app, "ann", key, (Method::GET, "/api/tasks", Value::Null)).await.status, 200, "not read");
    }
    let call = app.call("ann", Method::POST, "/api/tasks").json(&json!({ "title": "t" }));
    let two = call.header("idempotency-key", "a").header("idempotency-key", "a").send().await;
    assert_eq!(two.error(), (422, "VALIDATION_ERROR".to_owned()));
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([]));
    let longest = "k".repeat(255);
    twice(&app, &longest, (Method::POST, "/api/tasks", json!({ "title": "t" }))).await;
}

#[rstest]
#[tokio::test]
async fn an_answer_is_kept_for_a_day_and_then_swept(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let make = |title: &str| (Method::POST, "/api/tasks", json!({ "title": title }));
    send(&app, "ann", "a", make("one")).await;
    app.clock.advance_seconds(DAY - 60);
    assert!(is_replayed(&send(&app, "ann", "a", make("one")).await));
    send(&app, "ann", "b", make("two")).await;
    assert_eq!(app.store.sweep_keys().await.unwrap(), 0);
    app.clock.advance_seconds(120);
    // Past its time, it is as if it had never been used, swept or not.
    assert_eq!(send(&app, "ann", "a", make("three")).await.json()["title"], "three");
    assert!(is_replayed(&send(&app, "ann", "a", make("three")).await));
    assert!(is_replayed(&send(&app, "ann", "b", make("two")).await));
    app.clock.advance_seconds(DAY - 120);
    assert_eq!(app.store.sweep_keys().await.unwrap(), 1, "b alone");
    assert!(is_replayed(&send(&app, "ann", "a", make("three")).await));

    let more = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
                INSERT INTO idempotency_keys (user_id, key, fingerprint, made_at, outcome)
                SELECT 'ann', 'old' || i, (SELECT fingerprint FROM idempotency_keys WHERE key = 'a'), ";
    let at = match backend {
        Sqlite => "i, '' FROM n",
        Postgres => "TIMESTAMPTZ 'epoch' + i * INTERVAL '1 second', '' FROM n",
    };
    app.database.execute(&format!("{more}{at}")).await.unwrap();
    let mut swept = Vec::new();
    while swept.last() != Some(&0) {
        swept.push(app.store.sweep_keys().await.unwrap());
    }
    assert_eq!(swept, [500, 500, 200, 0]);
    assert!(is_replayed(&send(&app, "ann", "a", make("three")).await));
}

/// The change is committed, and the wire breaks before anybody hears of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_acknowledgement_is_found_by_the_retry() {
    let database = Database::migrated(Postgres).await;
    let (wire, url) = Wire::to(&database.text).await;
    let app = start_on(database, |options| options.database_url = DatabaseUrl::parse(&url).unwrap());
    app.create("ann", "first").await;
    for (key, request, status) in [
        ("make", (Method::POST, "/api/tasks", json!({ "title": "second" })), 201),
        ("toggle", (Method::PATCH, "/api/tasks/1/complete", Value::Null), 200),
        ("delete", (Method::DELETE, "/api/tasks/1", Value::Null), 204),
    ] {
        wire.lose_acknowledgements();
        let lost = send(&app, "ann", key, request.clone()).await;
        assert_eq!(lost.error(), (503, "UNAVAILABLE".to_owned()), "{key}");
        assert!(lost.headers.contains_key("retry-after"));
        wire.mend();
        let found = send(&app, "ann", key, request).await;
        assert_eq!((found.status.as_u16(), is_replayed(&found)), (status, true), "{key}: {}", found.text());
    }
    assert_eq!(app.get("ann", "/api/tasks").await.json().as_array().unwrap().len(), 1);
    assert_eq!(app.get("ann", "/api/tasks/2").await.json()["title"], "second");
}

const MAKE: &str = "mutation Make($title: String!) { createTask(input: {title: $title}) { task { id title } } }";

fn title(title: &str) -> Value {
    json!({ "title": title })
}

async fn run(app: &TestApp, key: &str, body: Value) -> Answer {
    send(app, "ann", key, (Method::POST, "/graphql", body)).await
}

#[rstest]
#[tokio::test]
async fn a_mutation_is_made_once(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let make = json!({ "query": MAKE, "variables": title("milk") });
    let made = twice(&app, "k", (Method::POST, "/graphql", make.clone())).await;
    assert_eq!(made.json(), json!({ "data": { "createTask": { "task": { "id": "1", "title": "milk" } } } }));
    let delete = json!({ "query": "mutation { deleteTask(input: {id: 1}) { deletedTaskId revision } }" });
    twice(&app, "delete", (Method::POST, "/graphql", delete)).await;

    // A document that is known by its hash is the same document.
    let known = json!({ "variables": title("milk"), "documentId": format!("sha256:{}", sha256(MAKE)) });
    assert!(is_replayed(&run(&app, "k", known).await));

    for other in [
        json!({ "query": MAKE, "variables": title("bread") }),
        json!({ "query": format!("{MAKE} "), "variables": title("milk") }),
        json!({ "query": "mutation { createTask(input: {title: \"milk\"}) { task { id } } }" }),
    ] {
        let answer = run(&app, "k", other).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["errors"][0]["extensions"], json!({ "code": "CONFLICT" }));
        assert_eq!(answer.json()["data"], Value::Null);
    }
    let by_rest = send(&app, "ann", "k", (Method::POST, "/api/tasks", title("milk"))).await;
    assert_eq!(by_rest.error(), (409, "CONFLICT".to_owned()), "one set of keys for both doors");

    // A failure is not kept.
    let missing = json!({ "query": "mutation { toggleTask(input: {id: 2}) { task { completed } } }" });
    let answer = run(&app, "toggle", missing.clone()).await;
    assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "NOT_FOUND");
    app.create("ann", "two").await;
    assert_eq!(run(&app, "toggle", missing).await.json()["data"]["toggleTask"]["task"]["completed"], true);
}

fn sha256(text: &str) -> String {
    taskgate::graphql::Hash::of(text).to_string()
}

#[rstest]
#[tokio::test]
async fn a_mutation_with_a_key_has_one_field(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    let create = "createTask(input: {title: \"t\"}) { task { id } }";
    for query in [
        format!("mutation {{ {create} b: {create} }}"),
        format!("mutation {{ {create} {create} }}"),
        format!("mutation {{ ...F b: {create} }} fragment F on Mutation {{ {create} }}"),
        format!("mutation {{ ... on Mutation {{ a: {create} b: {create} }} }}"),
        "mutation { __typename }".to_owned(),
    ] {
        let answer = run(&app, "k", json!({ "query": query })).await;
        let message = "A request with an Idempotency-Key must have exactly one field of Mutation.";
        let error = json!({ "message": message, "extensions": { "code": "BAD_REQUEST" } });
        assert_eq!((answer.status.as_u16(), answer.json()), (400, json!({ "errors": [error] })), "{query}");
    }
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([]));
    let one = format!(
        "mutation A {{ __typename ...F }} mutation B {{ {create} b: {create} }}
                       fragment F on Mutation {{ {create} }}"
    );
    let body = json!({ "query": one, "operationName": "A" });
    twice(&app, "k", (Method::POST, "/graphql", body)).await;

    // A key means nothing to a query.
    for _ in 0..2 {
        let answer = run(&app, "q", json!({ "query": "{ tasks { totalCount } viewer { id } }" })).await;
        assert_eq!((answer.status.as_u16(), is_replayed(&answer)), (200, false));
    }
}
