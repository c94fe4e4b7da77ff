//! The revision: one number a user that rises with every change, in the order in which changes commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl as _, SqliteConnection};
use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use taskgate::clock::Clock as _;
use taskgate::database_url::DatabaseUrl;
use tokio::task::JoinSet;

use crate::support::{Backend, Database, Postgres, Proxy, Sqlite, TestApp, start, start_on};

const WRITERS: usize = 16;

/// A change that the service has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    revision: i64,
    id: i64,
    /// Title and whether it is done, or `None` once it is deleted.
    state: Option<(String, bool)>,
}

fn number(revision: &Value) -> i64 {
    revision.as_str().unwrap().parse().unwrap()
}

async fn viewer_revision(app: &TestApp, user: &str) -> i64 {
    number(&app.data(user, "{ viewer { revision } }", Value::Null).await["viewer"]["revision"])
}

/// Runs a mutation for Ann and answers the change it made, or `None` when the task was gone.
async fn change(app: &TestApp, mutation: &str, input: Value) -> Option<Change> {
    let selection = match mutation {
        "delete" => "{ id: deletedTaskId revision }",
        _ => "{ task { id title completed revision } }",
    };
    let query = format!(
        "mutation($input: {}TaskInput!) {{ change: {mutation}Task(input: $input) {selection} }}",
        mutation[..1].to_uppercase() + &mutation[1..]
    );
    let body = app.graphql("ann", &query, json!({ "input": input })).await;
    if body["errors"][0]["extensions"]["code"] == "NOT_FOUND" {
        return None;
    }
    assert!(body.get("errors").is_none(), "{body}");
    let payload = &body["data"]["change"];
    let task = payload.get("task").unwrap_or(payload);
    Some(Change {
        revision: number(&task["revision"]),
        id: number(&task["id"]),
        state: task["title"].as_str().map(|title| (title.to_owned(), task["completed"].as_bool().unwrap())),
    })
}

/// Writes as Ann for so many rounds: to tasks of its own, and to one that all writers know.
async fn write(app: Arc<TestApp>, writer: usize, rounds: usize, common: i64) -> Vec<Change> {
    let mut changes = Vec::new();
    for round in 0..rounds {
        let made = change(&app, "create", json!({ "title": format!("{writer} {round}") })).await.unwrap();
        let steps = [
            Some(("toggle", json!({ "id": common }))),
            Some(("update", json!({ "id": made.id, "title": format!("{writer} {round} changed") }))),
            Some(("update", json!({ "id": common, "title": format!("by {writer} {round}") }))),
            (round % 2 == 0).then(|| ("delete", json!({ "id": made.id }))),
        ];
        changes.push(made);
        for (mutation, input) in steps.into_iter().flatten() {
            changes.push(change(&app, mutation, input).await.unwrap());
        }
        // Several delete the same task; one of them does.
        let shared = common + 1 + i64::try_from(round).unwrap();
        changes.extend(change(&app, "delete", json!({ "id": shared })).await);
    }
    changes
}

/// Starts all writers; their changes come with the joining.
fn start_writers(app: &Arc<TestApp>, rounds: usize, common: i64) -> JoinSet<Vec<Change>> {
    (0..WRITERS).map(|writer| write(Arc::clone(app), writer, rounds, common)).collect()
}

/// One task for all writers to change, and one for each round to delete. Answers the first one's id.
async fn make_common(app: &TestApp, rounds: usize) -> (i64, Vec<Change>) {
    let mut changes = Vec::new();
    for number in 0..=rounds {
        changes.push(change(app, "create", json!({ "title": format!("common {number}") })).await.unwrap());
    }
    (changes[0].id, changes)
}

/// Reads what changed after a revision, as a feed would, beside the service: `(revision, id)` in order.
enum Feed {
    Postgres(tokio_postgres::Client),
    Sqlite(SqliteConnection),
}

impl Feed {
    async fn open(database: &Database) -> Self {
        match &database.url {
            DatabaseUrl::Postgres(_) => Self::Postgres(database.connect().await),
            DatabaseUrl::Sqlite(_) => Self::Sqlite(database.open()),
        }
    }

    async fn after(&mut self, revision: i64) -> Vec<(i64, i64)> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            revision: i64,
            #[diesel(sql_type = BigInt)]
            id: i64,
        }
        match self {
            Self::Postgres(client) => {
                let sql = "SELECT revision, id FROM tasks WHERE user_id = $1 AND revision > $2 ORDER BY revision";
                let rows = client.query(sql, &[&"ann", &revision]).await.unwrap();
                rows.iter().map(|row| (row.get(0), row.get(1))).collect()
            }
            Self::Sqlite(connection) => {
                let sql = "SELECT revision, id FROM tasks WHERE user_id = ? AND revision > ? ORDER BY revision";
                let query = diesel::sql_query(sql).bind::<Text, _>("ann").bind::<BigInt, _>(revision);
                let rows: Vec<Row> = tokio::task::block_in_place(|| query.load(connection).unwrap());
                rows.into_iter().map(|row| (row.revision, row.id)).collect()
            }
        }
    }
}

/// Whoever asks for "everything after N" again and again misses no change, whatever the order in which writers commit.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_of_what_changed_after_n_misses_nothing(#[values(Sqlite, Postgres)] backend: Backend) {
    const ROUNDS: usize = 4;
    let app = Arc::new(start_on(Database::migrated(backend).await, |options| options.pool_size = 12));
    let (common, mut changes) = make_common(&app, ROUNDS).await;
    let mut writers = start_writers(&app, ROUNDS, common);
    let mut feed = Feed::open(&app.database).await;
    let (mut place, mut polls, mut seen) = (0, 0, BTreeMap::new());
    while !writers.is_empty() {
        for (revision, id) in feed.after(place).await {
            place = revision;
            seen.insert(id, revision);
        }
        polls += 1;
        while let Some(written) = writers.try_join_next() {
            changes.extend(written.unwrap());
        }
        tokio::task::yield_now().await;
    }
    for (revision, id) in feed.after(place).await {
        seen.insert(id, revision);
    }

    let distinct: BTreeSet<i64> = changes.iter().map(|change| change.revision).collect();
    assert_eq!(distinct.len(), changes.len(), "no two changes share a revision");
    // A change that was seen late, or not at all, is the last one of its task that the reader knows.
    let mut last = BTreeMap::new();
    for change in &changes {
        let revision: &mut i64 = last.entry(change.id).or_default();
        *revision = change.revision.max(*revision);
    }
    assert_eq!(seen, last, "after {polls} polls");
    assert_eq!(distinct.last(), Some(&viewer_revision(&app, "ann").await));
    assert!(polls > 10, "the reader was at work: {polls} polls");
}

/// The tasks as they were at a revision, by the changes up to it.
fn replay(changes: &[Change], revision: i64) -> BTreeMap<i64, (String, bool)> {
    let mut tasks = BTreeMap::new();
    for change in changes.iter().filter(|change| change.revision <= revision) {
        match &change.state {
            Some(state) => tasks.insert(change.id, state.clone()),
            None => tasks.remove(&change.id),
        };
    }
    tasks
}

fn states(tasks: &Value, id: &str) -> BTreeMap<i64, (String, bool)> {
    let state = |task: &Value| {
        let state = (task["title"].as_str().unwrap().to_owned(), task["completed"].as_bool().unwrap());
        (task[id].as_i64().unwrap(), state)
    };
    tasks.as_array().unwrap().iter().map(state).collect()
}

/// Whoever has a list and its revision, or its entity tag, has exactly the changes up to it: a list that is newer or
/// older than its number would hide a change from the next request.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_list_is_exactly_as_of_its_revision(#[values(Sqlite, Postgres)] backend: Backend) {
    const ROUNDS: usize = 4;
    let app = Arc::new(start_on(Database::migrated(backend).await, |options| options.pool_size = 12));
    let (common, mut changes) = make_common(&app, ROUNDS).await;
    let acknowledged = Arc::new(AtomicI64::new(viewer_revision(&app, "ann").await));
    let done = Arc::new(AtomicBool::new(false));

    let by_rest = tokio::spawn({
        let (app, acknowledged, done) = (Arc::clone(&app), Arc::clone(&acknowledged), Arc::clone(&done));
        async move {
            let (mut seen, mut hits) = (Vec::new(), 0);
            let (mut etag, mut body) = (String::from("\"none\""), Value::Null);
            while !done.load(Ordering::SeqCst) || hits == 0 {
                let before = acknowledged.load(Ordering::SeqCst);
                let call = app.call("ann", Method::GET, "/api/tasks").header("if-none-match", &etag);
                let answer = call.send().await;
                etag = answer.header("etag").to_owned();
                match answer.status {
                    StatusCode::NOT_MODIFIED => hits += 1,
                    _ => body = answer.json(),
                }
                let revision: i64 = etag.trim_matches('"').split('-').next().unwrap().parse().unwrap();
                assert!(revision >= before, "a {} hides {before} behind {revision}", answer.status);
                seen.push((revision, states(&body, "id")));
            }
            seen
        }
    });
    let by_graphql = tokio::spawn({
        let (app, done) = (Arc::clone(&app), Arc::clone(&done));
        async move {
            let mut seen = Vec::new();
            while !done.load(Ordering::SeqCst) {
                let query = "{ tasks(first: 100, orderBy: {field: CREATED_AT, direction: ASC}) {
                    nodes { databaseId title completed } revision pageInfo { hasNextPage } } }";
                let list = app.data("ann", query, Value::Null).await["tasks"].take();
                assert_eq!(list["pageInfo"]["hasNextPage"], false);
                seen.push((number(&list["revision"]), states(&list["nodes"], "databaseId")));
            }
            seen
        }
    });
    let mut writers = start_writers(&app, ROUNDS, common);
    while let Some(written) = writers.join_next().await {
        let written = written.unwrap();
        acknowledged.fetch_max(written.iter().map(|change| change.revision).max().unwrap(), Ordering::SeqCst);
        changes.extend(written);
    }
    done.store(true, Ordering::SeqCst);

    changes.sort_by_key(|change| change.revision);
    for (door, seen) in [("REST", by_rest.await.unwrap()), ("GraphQL", by_graphql.await.unwrap())] {
        let distinct: BTreeSet<i64> = seen.iter().map(|(revision, _)| *revision).collect();
        assert!(distinct.len() > 5, "{door}: the reader was at work");
        for (revision, tasks) in seen {
            assert_eq!(tasks, replay(&changes, revision), "{door} at {revision}");
        }
    }
}

/// What is asked for with the tag of a list that was read while others wrote is modified if anything is.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn not_modified_hides_no_change(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = Arc::new(start_on(Database::migrated(backend).await, |options| options.pool_size = 12));
    let list = async |etag: &str| {
        app.call("ann", Method::GET, "/api/tasks?limit=100").header("if-none-match", etag).send().await
    };
    for round in 0..25 {
        let writers: JoinSet<_> = (0..4)
            .map(|writer| {
                let app = Arc::clone(&app);
                async move { app.create("ann", &format!("{round} {writer}")).await }
            })
            .collect();
        let during = list("\"none\"").await;
        writers.join_all().await;
        let after = list(during.header("etag")).await;
        let now = list("\"none\"").await;
        if after.status == StatusCode::NOT_MODIFIED {
            assert_eq!(during.json(), now.json(), "round {round}");
            assert!(after.body.is_empty());
        } else {
            assert_eq!(after.json(), now.json(), "round {round}");
        }
        assert_eq!(list(now.header("etag")).await.status, StatusCode::NOT_MODIFIED, "round {round}");
    }
}

#[rstest]
#[tokio::test]
async fn revisions_begin_at_the_time_of_the_first_change(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    assert_eq!(viewer_revision(&app, "ann").await, 0);
    for user in ["ann", "bob"] {
        let before = app.clock.now().as_micros();
        let first = number(&app.make(user, "milk").await["revision"]);
        let after = app.clock.now().as_micros();
        assert!((before..=after).contains(&first), "{before} {first} {after}");
        assert_eq!(number(&app.make(user, "bread").await["revision"]), first + 1, "then they go up one by one");
        app.clock.advance_seconds(3600);
        assert_eq!(number(&app.make(user, "oil").await["revision"]), first + 2, "whatever the time is");
    }
    // After an erasure no old number comes again, even when the clock has hardly moved.
    let last = viewer_revision(&app, "ann").await;
    app.database.execute("DELETE FROM tasks; DELETE FROM owners;").await.unwrap();
    assert_eq!(viewer_revision(&app, "ann").await, 0);
    assert!(number(&app.make("ann", "milk").await["revision"]) > last);
}

#[rstest]
#[tokio::test]
async fn what_fails_raises_nothing(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let own = app.make("ann", "own").await;
    let theirs = app.make("bob", "theirs").await;
    let (ann, bob) = (viewer_revision(&app, "ann").await, viewer_revision(&app, "bob").await);
    for (id, expected) in [
        (json!(999), Value::Null),
        (json!(0), Value::Null),
        (theirs["id"].clone(), Value::Null),
        (theirs["id"].clone(), theirs["revision"].clone()),
        (own["id"].clone(), json!("7")),
        (json!("abc"), Value::Null),
    ] {
        for (mutation, member) in [("update", "title"), ("toggle", ""), ("delete", ""), ("create", "title")] {
            let mut input = json!({ "id": id, "expectedRevision": expected });
            if mutation == "create" {
                input = json!({ "title": " " });
            } else if !member.is_empty() {
                input[member] = json!("changed");
            }
            let query = format!(
                "mutation($input: {}TaskInput!) {{ {mutation}Task(input: $input) {{ __typename }} }}",
                mutation[..1].to_uppercase() + &mutation[1..]
            );
            app.failure("ann", &query, json!({ "input": input })).await;
        }
    }
    // Reading and changing nothing raise nothing either, and a user who never changed anything has no row.
    app.data("ann", "mutation { updateTask(input: {id: 1}) { task { id } } }", Value::Null).await;
    app.data("eve", "{ viewer { revision taskCounts { total } } tasks { totalCount } }", Value::Null).await;
    app.failure("eve", "mutation { toggleTask(input: {id: 1}) { task { id } } }", Value::Null).await;
    assert_eq!((viewer_revision(&app, "ann").await, viewer_revision(&app, "bob").await), (ann, bob));
    assert_eq!(app.database.numbers("SELECT COUNT(*) FROM owners").await, [2]);
    assert_eq!(app.read("ann", &own["id"]).await, own);
    assert_eq!(app.read("bob", &theirs["id"]).await, theirs);
}

/// Latency to the database is what a mutation costs; more than one round trip would double it.
#[tokio::test]
async fn each_operation_is_one_round_trip() {
    let database = Database::migrated(Postgres).await;
    let mut url: url::Url = database.text.parse().unwrap();
    let proxy = Proxy::to(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap())).await;
    url.set_port(Some(proxy.port)).unwrap();
    let app = start_on(database, |options| {
        options.database_url = DatabaseUrl::parse(url.as_str()).unwrap();
        // One connection for short reads, one for the rest.
        options.pool_size = 2;
    });
    for number in 0..5 {
        app.make("ann", &format!("task {number}")).await;
    }
    let cursor = app.data("ann", "{ tasks(first: 1) { pageInfo { endCursor } } }", Value::Null).await;
    let cursor = cursor["tasks"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
    let page = format!("{{ tasks(first: 2, after: {cursor:?}) {{ nodes {{ title }} revision }} }}");
    let operations = [
        ("create", "mutation { createTask(input: {title: \"t\", description: \"d\"}) { task { id } } }"),
        ("update", "mutation { updateTask(input: {id: 1, title: \"changed\"}) { task { id revision } } }"),
        ("update, conditional", "mutation { updateTask(input: {id: 1, completed: true}) { task { id } } }"),
        ("toggle", "mutation { toggleTask(input: {id: 1}) { task { completed } } }"),
        ("set", "mutation { setTaskCompleted(input: {id: 1, completed: true}) { task { id } } }"),
        ("task", "{ task(id: 1) { id title } }"),
        ("first page", "{ tasks(first: 2) { nodes { id } revision pageInfo { hasNextPage hasPreviousPage } } }"),
        ("next page", &page),
        ("page by title", "{ tasks(last: 2, orderBy: {field: TITLE, direction: ASC}) { nodes { id } } }"),
        ("search", "{ tasks(filter: {search: \"task\", status: PENDING}) { nodes { id } } }"),
        ("counts", "{ viewer { taskCounts { total } } }"),
        ("revision", "{ viewer { id revision } }"),
    ];
    for (name, query) in operations {
        for _ in 0..2 {
            app.data("ann", query, Value::Null).await;
        }
        proxy.take_flights();
        app.data("ann", query, Value::Null).await;
        assert_eq!(proxy.take_flights(), 1, "{name}");
    }
    for number in 2..=4 {
        proxy.take_flights();
        let query = format!("mutation {{ deleteTask(input: {{id: {number}}}) {{ revision }} }}");
        app.data("ann", &query, Value::Null).await;
    }
    assert_eq!(proxy.take_flights(), 1, "delete");
    for _ in 0..3 {
        proxy.take_flights();
        assert_eq!(app.get("ann", "/api/tasks").await.status, 200);
    }
    assert_eq!(proxy.take_flights(), 1, "list all by REST");
}
