//! Relay connections: windows over a list that stands still, and walks through one that does not.

use std::cmp::Ordering;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rstest::rstest;
use serde_json::{Value, json};
use taskgate::clock::{ManualClock, Timestamp};
use taskgate::store::{Store, Target};
use taskgate::task::{NewTask, TaskId, TaskPatch, Title, fold};
use taskgate::user::UserId;

use crate::support::{Backend, Failure, Postgres, Sqlite, TestApp, start};

const ORDERS: [(&str, &str); 6] = [
    ("CREATED_AT", "ASC"),
    ("CREATED_AT", "DESC"),
    ("UPDATED_AT", "ASC"),
    ("UPDATED_AT", "DESC"),
    ("TITLE", "ASC"),
    ("TITLE", "DESC"),
];

const PAGE: &str =
    "query($first: Int, $after: String, $last: Int, $before: String, $orderBy: TaskOrder, $filter: TaskFilter) {
    tasks(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, filter: $filter) {
        edges { cursor node { databaseId title createdAt updatedAt } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        totalCount
    } }";

fn order((field, direction): (&str, &str)) -> Value {
    json!({ "field": field, "direction": direction })
}

/// A task in its place of a list, as this test sees lists.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    id: i64,
    key: String,
    cursor: String,
}

impl Entry {
    fn of(edge: &Value, field: &str) -> Self {
        let node = &edge["node"];
        let text = |name: &str| node[name].as_str().unwrap().to_owned();
        let key = match field {
            "CREATED_AT" => text("createdAt"),
            "UPDATED_AT" => text("updatedAt"),
            _ => fold(&text("title")),
        };
        Self { id: node["databaseId"].as_i64().unwrap(), key, cursor: edge["cursor"].as_str().unwrap().to_owned() }
    }

    fn compare(&self, other: &Self, direction: &str) -> Ordering {
        let ascending = self.key.cmp(&other.key).then(self.id.cmp(&other.id));
        if direction == "ASC" { ascending } else { ascending.reverse() }
    }
}

/// A page as the service gave it out.
#[derive(Debug, PartialEq, Eq)]
struct Window {
    ids: Vec<i64>,
    has_previous: bool,
    has_next: bool,
}

async fn page(app: &TestApp, user: &str, variables: Value) -> Value {
    app.data(user, PAGE, variables).await["tasks"].take()
}

fn entries(page: &Value, field: &str) -> Vec<Entry> {
    page["edges"].as_array().unwrap().iter().map(|edge| Entry::of(edge, field)).collect()
}

/// What the Relay specification says of a window over `all`, of which `after` and `before` need not be part any more.
fn expected(
    all: &[Entry],
    direction: &str,
    (after, before): (Option<&Entry>, Option<&Entry>),
    (first, last): (Option<usize>, Option<usize>),
) -> Window {
    let is_past = |entry: &Entry| after.is_none_or(|after| entry.compare(after, direction).is_gt());
    let is_short_of = |entry: &Entry| before.is_none_or(|before| entry.compare(before, direction).is_lt());
    let between: Vec<&Entry> = all.iter().filter(|entry| is_past(entry) && is_short_of(entry)).collect();
    let shown = match (first, last) {
        (_, Some(last)) => &between[between.len().saturating_sub(last)..],
        (first, None) => &between[..between.len().min(first.unwrap_or(50))],
    };
    let left_out = shown.len() < between.len();
    let (has_previous, has_next) = match last {
        Some(_) => (left_out, before.is_some() && !all.iter().all(is_short_of)),
        None => (after.is_some() && !all.iter().all(is_past), left_out),
    };
    Window { ids: shown.iter().map(|entry| entry.id).collect(), has_previous, has_next }
}

/// A store beside the service's, whose clock stands still: its tasks are all of one moment.
fn timeless(app: &TestApp) -> Store {
    let clock = ManualClock::new(Timestamp::from_micros(1_767_952_800_000_000));
    Store::new(&app.database.url, 2, Arc::new(clock))
}

async fn make(store: &Store, user: &str, title: &str) -> i64 {
    let task = NewTask { title: Title::parse(title).unwrap(), description: None };
    store.create(UserId::parse(user).unwrap(), task).await.unwrap().id.0
}

fn target(user: &str, id: i64) -> Target {
    Target { user: UserId::parse(user).unwrap(), id: TaskId(id), expected: None }
}

/// Every window over a short list: all of `first` and `last`, between all cursors, some of tasks that are gone.
#[rstest]
#[case::created_at(("CREATED_AT", "DESC"))]
#[case::title(("TITLE", "ASC"))]
#[tokio::test]
async fn every_window_is_the_one_that_relay_means(
    #[case] (field, direction): (&str, &str),
    #[values(Sqlite, Postgres)] backend: Backend,
) {
    let app = start(backend).await;
    let store = timeless(&app);
    for title in ["b", "a", "B", "a", "c"] {
        make(&store, "ann", title).await;
    }
    make(&store, "bob", "a").await;
    let list = page(&app, "ann", json!({ "orderBy": order((field, direction)) })).await;
    let cursors = entries(&list, field);
    assert_eq!(cursors.len(), 5);
    assert!(cursors.is_sorted_by(|one, next| one.compare(next, direction).is_lt()));
    // The first and the third go; their cursors stay good.
    store.delete(target("ann", cursors[0].id)).await.unwrap();
    store.delete(target("ann", cursors[2].id)).await.unwrap();
    let all: Vec<Entry> = [1, 3, 4].map(|at| cursors[at].clone()).to_vec();

    let places = || std::iter::once(None).chain(cursors.iter().map(Some));
    let lengths = (0..=4).flat_map(|n| [(Some(n), None), (None, Some(n))]).chain([(None, None)]);
    for (first, last) in lengths {
        for (after, before) in places().flat_map(|after| places().map(move |before| (after, before))) {
            let cursor = |entry: Option<&Entry>| entry.map(|entry| entry.cursor.clone());
            let variables = json!({
                "first": first, "last": last, "after": cursor(after), "before": cursor(before),
                "orderBy": order((field, direction)),
            });
            let list = page(&app, "ann", variables.clone()).await;
            let shown = entries(&list, field);
            let info = &list["pageInfo"];
            let window = Window {
                ids: shown.iter().map(|entry| entry.id).collect(),
                has_previous: info["hasPreviousPage"].as_bool().unwrap(),
                has_next: info["hasNextPage"].as_bool().unwrap(),
            };
            assert_eq!(window, expected(&all, direction, (after, before), (first, last)), "{variables}");
            assert_eq!(info["startCursor"], json!(shown.first().map(|entry| &entry.cursor)), "{variables}");
            assert_eq!(info["endCursor"], json!(shown.last().map(|entry| &entry.cursor)), "{variables}");
            assert_eq!(list["totalCount"], 3, "{variables}");
        }
    }
}

/// Tasks of one moment and one title are told apart by their ids, in the direction of the list.
#[rstest]
#[tokio::test]
async fn ties_break_by_id(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let store = timeless(&app);
    let mut ids = Vec::new();
    for number in 0..12 {
        ids.push(make(&store, "ann", if number % 2 == 0 { "Same" } else { "sAME" }).await);
    }
    for (field, direction) in ORDERS {
        let mut expected = ids.clone();
        if direction == "DESC" {
            expected.reverse();
        }
        for (length, from, cursor) in [("first", "after", "endCursor"), ("last", "before", "startCursor")] {
            let mut walked = Vec::new();
            let mut place = Value::Null;
            loop {
                let variables = json!({ length: 5, from: place, "orderBy": order((field, direction)) });
                let list = page(&app, "ann", variables).await;
                let ids = entries(&list, field).into_iter().map(|entry| entry.id);
                let at = if length == "first" { walked.len() } else { 0 };
                walked.splice(at..at, ids).for_each(drop);
                place = list["pageInfo"][cursor].clone();
                let more = if length == "first" { "hasNextPage" } else { "hasPreviousPage" };
                if list["pageInfo"][more] == false {
                    break;
                }
            }
            assert_eq!(walked, expected, "{field} {direction} {length}");
        }
    }
}

/// REST lists all tasks at once, in every order that there is.
#[rstest]
#[tokio::test]
async fn a_list_without_a_bound_is_in_order(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for number in 0..120 {
        app.make("ann", &format!("{}", number * 7 % 11)).await;
    }
    for id in [3, 60, 90] {
        app.store.toggle(target("ann", id)).await.unwrap();
    }
    for (field, direction) in ORDERS {
        let sort = format!("{}{}", if direction == "DESC" { "-" } else { "" }, field.to_lowercase());
        let all = app.get("ann", &format!("/api/tasks?sort={sort}")).await.json();
        let ids: Vec<i64> = all.as_array().unwrap().iter().map(|task| task["id"].as_i64().unwrap()).collect();
        let first = page(&app, "ann", json!({ "first": 100, "orderBy": order((field, direction)) })).await;
        let rest = json!({ "after": first["pageInfo"]["endCursor"], "orderBy": order((field, direction)) });
        let rest = page(&app, "ann", rest).await;
        let paged = entries(&first, field).into_iter().chain(entries(&rest, field)).map(|entry| entry.id);
        assert_eq!(ids, paged.collect::<Vec<_>>(), "{sort}");
    }
}

#[rstest]
#[tokio::test]
async fn the_total_is_what_the_filter_lets_through(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for title in ["milk", "bread", "Milk bread", "oil"] {
        app.make("ann", title).await;
    }
    app.make("bob", "milk").await;
    app.data("ann", "mutation { toggleTask(input: {id: 1}) { task { id } } }", Value::Null).await;
    app.data("ann", "mutation { deleteTask(input: {id: 4}) { revision } }", Value::Null).await;
    for (filter, total) in [
        (Value::Null, 3),
        (json!({ "status": "PENDING" }), 2),
        (json!({ "status": "COMPLETED" }), 1),
        (json!({ "search": "MILK" }), 2),
        (json!({ "search": "milk", "status": "PENDING" }), 1),
        (json!({ "search": "none" }), 0),
    ] {
        for length in [json!({ "first": 1 }), json!({ "last": 0 }), json!({})] {
            let mut variables = length;
            variables["filter"] = filter.clone();
            assert_eq!(page(&app, "ann", variables.clone()).await["totalCount"], total, "{variables}");
        }
    }
    // It is that of the list, not of what comes after a cursor.
    let first = page(&app, "ann", json!({ "first": 1 })).await;
    let rest = page(&app, "ann", json!({ "after": first["pageInfo"]["endCursor"] })).await;
    assert_eq!((rest["totalCount"].clone(), rest["edges"].as_array().unwrap().len()), (json!(3), 2));
}

#[rstest]
#[tokio::test]
async fn lengths_out_of_bounds_are_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.make("ann", "milk").await;
    for (arguments, place, rule) in [
        (json!({ "first": -1 }), "first", "out_of_range"),
        (json!({ "first": 101 }), "first", "out_of_range"),
        (json!({ "first": i32::MAX }), "first", "out_of_range"),
        (json!({ "last": -1 }), "last", "out_of_range"),
        (json!({ "last": 101 }), "last", "out_of_range"),
        (json!({ "last": i32::MIN }), "last", "out_of_range"),
        (json!({ "first": 1, "last": 1 }), "last", "first_and_last"),
        (json!({ "first": 0, "last": 0 }), "last", "first_and_last"),
    ] {
        let failure = app.failure("ann", PAGE, arguments.clone()).await;
        assert_eq!(failure.code, "VALIDATION_ERROR", "{arguments}");
        assert_eq!(failure.problems(), [(place.to_owned(), rule.to_owned())], "{arguments}");
    }
    for arguments in [json!({ "first": 100, "last": null }), json!({ "first": null, "last": 100 })] {
        assert_eq!(page(&app, "ann", arguments).await["edges"].as_array().unwrap().len(), 1);
    }
}

#[rstest]
#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_only(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.make("ann", "milk").await;
    let filters = [Value::Null, json!({ "status": "PENDING" }), json!({ "search": "milk" })];
    let lists: Vec<Value> = ORDERS
        .into_iter()
        .flat_map(|of| filters.iter().map(move |filter| json!({ "orderBy": order(of), "filter": filter })))
        .collect();
    let mut cursors = Vec::new();
    for list in &lists {
        let cursor = page(&app, "ann", list.clone()).await["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
        assert!(!cursors.contains(&cursor), "{list}");
        cursors.push(cursor);
    }
    for (at, list) in lists.iter().enumerate() {
        for (of, cursor) in cursors.iter().enumerate() {
            let name = if (at + of) % 2 == 0 { "after" } else { "before" };
            let mut variables = list.clone();
            variables[name] = json!(cursor);
            let body = app.graphql("ann", PAGE, variables.clone()).await;
            if at == of {
                assert_eq!(body["data"]["tasks"]["edges"], json!([]), "{variables}: {body}");
                continue;
            }
            let failure = Failure::of(body);
            assert_eq!(failure.code, "VALIDATION_ERROR", "{variables}");
            assert_eq!(failure.problems(), [(name.to_owned(), "cursor".to_owned())], "{variables}");
            assert!(failure.message.contains("another order or filter"), "{}", failure.message);
        }
    }
    // The default order is newest first, and an empty filter is none, nor does its case matter.
    let newest = page(&app, "ann", json!({})).await["pageInfo"]["endCursor"].clone();
    let same = json!({ "orderBy": order(ORDERS[1]), "filter": { "search": "" }, "after": newest });
    assert_eq!(page(&app, "ann", same).await["edges"], json!([]));
    let lower = page(&app, "ann", json!({ "filter": { "search": "milk" } })).await["pageInfo"]["endCursor"].clone();
    assert_eq!(page(&app, "ann", json!({ "filter": { "search": "MILK" }, "after": lower })).await["edges"], json!([]));
}

#[rstest]
#[tokio::test]
async fn garbage_is_no_cursor(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.make("ann", "milk").await;
    let good = page(&app, "ann", json!({ "orderBy": order(("TITLE", "ASC")) })).await;
    let good = good["pageInfo"]["endCursor"].as_str().unwrap();
    let longer = format!("{good}AA");
    let time = page(&app, "ann", json!({})).await["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
    for (order_by, cursor) in [
        (("TITLE", "ASC"), ""),
        (("TITLE", "ASC"), "x"),
        (("TITLE", "ASC"), "1"),
        (("TITLE", "ASC"), "AAAA"),
        (("TITLE", "ASC"), "\u{e9}\0"),
        (("TITLE", "ASC"), &"A".repeat(10_000)),
        (("TITLE", "ASC"), &good[..good.len() / 2]),
        (("TITLE", "ASC"), &longer),
        (("TITLE", "ASC"), &good.to_uppercase()),
        (("CREATED_AT", "DESC"), &time[..time.len() - 2]),
        (("CREATED_AT", "DESC"), &format!("{time}AAAA")),
    ] {
        for name in ["after", "before"] {
            let variables = json!({ name: cursor, "orderBy": order(order_by) });
            let failure = app.failure("ann", PAGE, variables.clone()).await;
            assert_eq!(failure.code, "VALIDATION_ERROR", "{variables}");
            assert_eq!(failure.problems(), [(name.to_owned(), "cursor".to_owned())], "{variables}");
        }
    }
}

/// What another writer does between two pages. The number says to which task.
#[derive(Debug, Clone)]
enum Interference {
    Insert(String),
    Delete(usize),
    Toggle(usize),
    Rename(usize, String),
}

/// A walk through a list, page by page.
#[derive(Debug, Clone)]
struct Walk {
    titles: Vec<String>,
    forward: bool,
    /// The length of each page, and what happens after it.
    pages: Vec<(usize, Vec<Interference>)>,
}

fn title() -> impl Strategy<Value = String> {
    // Few titles, so that many are equal; some are equal only once they are folded.
    prop::sample::select(vec!["a", "A", "b", "\u{e4}", "\u{c4}", "stra\u{df}e", "STRASSE"]).prop_map(str::to_owned)
}

fn interference() -> impl Strategy<Value = Interference> {
    prop_oneof![
        title().prop_map(Interference::Insert),
        any::<usize>().prop_map(Interference::Delete),
        any::<usize>().prop_map(Interference::Toggle),
        (any::<usize>(), title()).prop_map(|(which, title)| Interference::Rename(which, title)),
    ]
}

fn walk() -> impl Strategy<Value = Walk> {
    let pages = prop::collection::vec((1_usize..=4, prop::collection::vec(interference(), 0..=3)), 30);
    (prop::collection::vec(title(), 0..=12), any::<bool>(), pages).prop_map(|(titles, forward, pages)| Walk {
        titles,
        forward,
        pages,
    })
}

/// Whoever walks by cursor while others write gets every task that stayed and whose sort key did not change: once, and
/// in order.
#[rstest]
fn a_walk_misses_nothing_that_stayed(#[values(Sqlite, Postgres)] backend: Backend) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let app = runtime.block_on(start(backend));
    let walker = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 10, failure_persistence: None, ..Config::default() });
    runner
        .run(&walk(), |walk| {
            for of in ORDERS {
                walker.set(walker.get() + 1);
                runtime.block_on(check_walk(&app, &format!("walker {}", walker.get()), of, &walk));
            }
            Ok(())
        })
        .unwrap();
}

async fn check_walk(app: &TestApp, user: &str, (field, direction): (&str, &str), walk: &Walk) {
    for title in &walk.titles {
        make(&app.store, user, title).await;
    }
    let all = async || {
        let list = page(app, user, json!({ "first": 100, "orderBy": order((field, direction)) })).await;
        assert_eq!(list["pageInfo"]["hasNextPage"], false);
        entries(&list, field)
    };
    let mut stayed = all().await;
    let mut walked: Vec<Entry> = Vec::new();
    let mut place = Value::Null;
    let (length, from, cursor, more) = if walk.forward {
        ("first", "after", "endCursor", "hasNextPage")
    } else {
        ("last", "before", "startCursor", "hasPreviousPage")
    };
    for (size, interference) in &walk.pages {
        let variables = json!({ length: size, from: place, "orderBy": order((field, direction)) });
        let list = page(app, user, variables).await;
        let shown = entries(&list, field);
        let at = if walk.forward { walked.len() } else { 0 };
        walked.splice(at..at, shown).for_each(drop);
        for change in interference {
            interfere(app, user, &stayed, change).await;
        }
        let current = all().await;
        stayed.retain(|entry| current.contains(entry));
        if list["pageInfo"][more] == false {
            break;
        }
        place = list["pageInfo"][cursor].clone();
    }
    assert!(walked.is_sorted_by(|one, next| one.compare(next, direction).is_lt()), "{field} {direction}: {walked:?}");
    let found: Vec<&Entry> = walked.iter().filter(|entry| stayed.contains(entry)).collect();
    assert_eq!(found, stayed.iter().collect::<Vec<_>>(), "{field} {direction}");
}

async fn interfere(app: &TestApp, user: &str, tasks: &[Entry], change: &Interference) {
    let pick = |which: &usize| (!tasks.is_empty()).then(|| target(user, tasks[which % tasks.len()].id));
    match change {
        Interference::Insert(title) => {
            make(&app.store, user, title).await;
        }
        Interference::Delete(which) => {
            if let Some(target) = pick(which) {
                let _ = app.store.delete(target).await;
            }
        }
        Interference::Toggle(which) => {
            if let Some(target) = pick(which) {
                let _ = app.store.toggle(target).await;
            }
        }
        Interference::Rename(which, title) => {
            if let Some(target) = pick(which) {
                let patch = TaskPatch { title: Some(Title::parse(title).unwrap()), ..TaskPatch::default() };
                let _ = app.store.update(target, patch).await;
            }
        }
    }
}
