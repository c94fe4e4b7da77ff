//! Following the feed: nothing is missed, nothing comes twice, and it costs little.

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use rstest::rstest;
use serde_json::{Value, json};
use taskgate::database_url::DatabaseUrl;
use taskgate::graphql::{Call, Graphql, Resumption, Source};
use taskgate::store::{Change, Store};
use taskgate::task::Position;
use taskgate::user::UserId;
use tokio::time::timeout;

use super::text;
use crate::support::wire::Wire;
use crate::support::{Backend, Database, Postgres, Proxy, Sqlite, TestApp, start, start_on};

pub type Follower = Pin<Box<dyn Stream<Item = String> + Send>>;

/// Follows a user's changes, each in short as `super::short` has it.
pub fn follow(store: &Store, user: &str, after: Option<&str>) -> Follower {
    let after = after.map(|after| Position::parse(after).unwrap());
    let changes = store.follow(UserId::parse(user).unwrap(), after);
    Box::pin(changes.map(|entry| match entry.unwrap().change {
        Change::Upserted(task) => format!("+{}", task.title),
        Change::Deleted(id) => format!("-{id}"),
        Change::Reset => "!".to_owned(),
    }))
}

pub async fn next(follower: &mut Follower) -> String {
    timeout(Duration::from_secs(20), follower.next()).await.unwrap().unwrap()
}

/// Lets a follower find out where it begins, and that there is nothing.
pub async fn settle(follower: &mut Follower) {
    let early = timeout(Duration::from_millis(200), follower.next()).await;
    assert!(early.is_err(), "{early:?}");
}

#[rstest]
#[tokio::test]
async fn a_follower_is_told_of_each_change_as_it_happens(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.create("ann", "before").await;
    let mut follower = follow(&app.store, "ann", None);
    settle(&mut follower).await;
    app.create("bob", "bob's").await;
    app.create("ann", "milk").await;
    assert_eq!(next(&mut follower).await, "+milk");
    app.put("ann", "/api/tasks/3", json!({ "title": "oat milk" })).await;
    assert_eq!(next(&mut follower).await, "+oat milk");
    app.call("ann", http::Method::PATCH, "/api/tasks/1/complete").send().await;
    assert_eq!(next(&mut follower).await, "+before");
    app.delete("ann", "/api/tasks/3").await;
    assert_eq!(next(&mut follower).await, "-3");
    assert_eq!(app.put("ann", "/api/tasks/3", json!({ "title": "gone" })).await.status, 404);
    settle(&mut follower).await;
}

#[rstest]
#[tokio::test]
async fn what_was_missed_comes_first(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let first = app.make("ann", "0").await;
    for number in 1..=120 {
        app.create("ann", &number.to_string()).await;
    }
    app.delete("ann", "/api/tasks/3").await;
    let expected = |from: usize| -> Vec<String> {
        (from..=120).filter(|number| *number != 2).map(|number| format!("+{number}")).collect()
    };
    let mut from_start = follow(&app.store, "ann", Some("0"));
    // Of what was deleted before it began it may be told as well, once it is past its first page.
    let missed: Vec<String> = from_start.by_ref().take(121).collect().await;
    assert_eq!(missed, [expected(0), vec!["-3".to_owned()]].concat());
    let mut from_first = follow(&app.store, "ann", Some(text(&first["revision"])));
    let missed: Vec<String> = from_first.by_ref().take(120).collect().await;
    assert_eq!(missed, [expected(1), vec!["-3".to_owned()]].concat());
    for follower in [&mut from_start, &mut from_first] {
        settle(follower).await;
    }
    app.put("ann", "/api/tasks/1", json!({ "title": "changed" })).await;
    for follower in [&mut from_start, &mut from_first] {
        assert_eq!(next(follower).await, "+changed");
    }
    let mut follower = follow(&app.store, "ann", Some("9223372036854775807"));
    assert_eq!(next(&mut follower).await, "!");
    settle(&mut follower).await;
    app.create("ann", "after the reset").await;
    assert_eq!(next(&mut follower).await, "+after the reset");
}

/// A follower that is not polled is owed the latest state, and not each in between.
#[rstest]
#[tokio::test]
async fn who_reads_slowly_is_told_of_the_latest_state(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let mut follower = follow(&app.store, "ann", None);
    settle(&mut follower).await;
    app.create("ann", "0").await;
    assert_eq!(next(&mut follower).await, "+0");
    for number in 1..=30 {
        app.put("ann", "/api/tasks/1", json!({ "title": number.to_string() })).await;
    }
    assert_eq!(next(&mut follower).await, "+30");
    settle(&mut follower).await;
}

/// Another node's changes give no hint here.
#[rstest]
#[tokio::test]
async fn a_hint_that_is_lost_is_made_up_for(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let patience = Duration::from_millis(300);
    let other = Store::new(&app.database.url, 2, app.clock.clone()).with_hint_patience(patience);
    let mut followers = [follow(&other, "ann", None), follow(&other, "ann", None)];
    for follower in &mut followers {
        settle(follower).await;
    }
    for title in ["milk", "bread"] {
        app.create("ann", title).await;
        for follower in &mut followers {
            assert_eq!(next(follower).await, format!("+{title}"));
        }
    }
}

/// A database reached through a proxy, which counts round trips.
async fn proxied(app: &TestApp) -> (Store, Proxy) {
    let mut url: url::Url = app.database.text.parse().unwrap();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let proxy = Proxy::to(server).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.port)).unwrap();
    (Store::new(&DatabaseUrl::parse(url.as_str()).unwrap(), 4, app.clock.clone()), proxy)
}

#[tokio::test]
async fn ten_followers_cost_one_read_a_change() {
    const CHANGES: usize = 20;
    let app = start(Postgres).await;
    let (store, proxy) = proxied(&app).await;
    let ann = UserId::parse("ann").unwrap();
    let since = text(&app.make("ann", "0").await["revision"]).to_owned();
    let mut followers: Vec<Follower> = (0..10).map(|_| follow(&store, "ann", Some(&since))).collect();
    for follower in &mut followers {
        settle(follower).await;
    }
    app.create("ann", "warm").await;
    store.hint(&ann);
    join_all(followers.iter_mut().map(next)).await;
    proxy.take_flights();
    for number in 0..CHANGES {
        app.create("ann", &number.to_string()).await;
        store.hint(&ann);
        for told in join_all(followers.iter_mut().map(next)).await {
            assert_eq!(told, format!("+{number}"));
        }
    }
    assert_eq!(proxy.take_flights(), CHANGES);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn followers_miss_nothing_while_many_write(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = std::sync::Arc::new(start_on(Database::migrated(backend).await, |options| options.pool_size = 8));
    let since = text(&app.make("ann", "first").await["revision"]).to_owned();
    let followers: Vec<_> = (0..6)
        .map(|_| {
            let mut follower = follow(&app.store, "ann", Some(&since));
            tokio::spawn(async move {
                let mut told = std::collections::BTreeSet::new();
                while told.len() < 80 {
                    assert!(told.insert(next(&mut follower).await), "none comes twice");
                }
                told
            })
        })
        .collect();
    let writers = (0..4).map(|writer| {
        let app = std::sync::Arc::clone(&app);
        tokio::spawn(async move {
            for number in 0..20 {
                app.create("ann", &format!("{writer} {number}")).await;
            }
        })
    });
    join_all(writers).await;
    let expected = (0..4).flat_map(|writer| (0..20).map(move |number| format!("+{writer} {number}"))).collect();
    for follower in followers {
        assert_eq!(follower.await.unwrap(), expected);
    }
}

/// A database that is away for a while ends nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_waits_for_the_database_and_goes_on() {
    let app = start(Postgres).await;
    let (wire, url) = Wire::to(&app.database.text).await;
    let store = Store::new(&DatabaseUrl::parse(&url).unwrap(), 2, app.clock.clone());
    let ann = UserId::parse("ann").unwrap();
    app.create("ann", "before").await;
    let mut follower = follow(&store, "ann", Some("0"));
    assert_eq!(next(&mut follower).await, "+before");
    settle(&mut follower).await;
    wire.cut();
    // One that begins while it is away waits too.
    let mut late = follow(&store, "ann", None);
    for title in ["one", "two"] {
        app.create("ann", title).await;
    }
    store.hint(&ann);
    settle(&mut follower).await;
    settle(&mut late).await;
    wire.mend();
    assert_eq!([next(&mut follower).await, next(&mut follower).await], ["+one", "+two"]);
    settle(&mut follower).await;
}

/// What is not passing ends it, after one error.
#[rstest]
#[tokio::test]
async fn a_fault_ends_it(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let mut changes = Box::pin(app.store.follow(UserId::parse("ann").unwrap(), Some(Position::START)));
    app.database.execute("DROP TABLE tasks").await.unwrap();
    let error = changes.next().await.unwrap().unwrap_err();
    assert_eq!(error.code().as_str(), "INTERNAL");
    assert!(changes.next().await.is_none());
}

fn subscribe(document: &str, variables: Value) -> Call {
    Call {
        document: Source::Text(document.to_owned()),
        operation_name: None,
        variables: async_graphql::Variables::from_json(variables),
        is_safe: false,
    }
}

#[rstest]
#[tokio::test]
async fn a_subscription_answers_what_it_selects(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let graphql = Graphql::new(&app.store, true, None).unwrap();
    let ann = UserId::parse("ann").unwrap();
    let document = "subscription($after: Revision) { change: taskChanges(after: $after) {
        __typename ... on TaskUpserted { revision task { id title } } ... on TaskDeleted { taskId }
        ... on FeedReset { revision } } }";
    let operation = graphql.prepare(subscribe(document, json!({ "after": "7" }))).await.unwrap();
    assert!(operation.is_subscription());
    let mut responses = graphql.subscribe(operation, ann.clone(), Resumption::default());
    let mut next = async || {
        let response = timeout(Duration::from_secs(20), responses.next()).await.unwrap().unwrap();
        serde_json::to_value(response).unwrap()
    };
    assert_eq!(next().await, json!({ "data": { "change": { "__typename": "FeedReset", "revision": "0" } } }));
    let task = app.make("ann", "milk").await;
    let seen =
        json!({ "__typename": "TaskUpserted", "revision": task["revision"], "task": { "id": "1", "title": "milk" } });
    assert_eq!(next().await, json!({ "data": { "change": seen } }));
    app.delete("ann", "/api/tasks/1").await;
    assert_eq!(next().await, json!({ "data": { "change": { "__typename": "TaskDeleted", "taskId": "1" } } }));

    let operation = graphql.prepare(subscribe(document, json!({}))).await.unwrap();
    let mut from_now_on = graphql.subscribe(operation, ann, Resumption::default());
    assert!(from_now_on.next().now_or_never().is_none(), "an absent variable is no argument");
}

#[tokio::test]
async fn a_subscription_has_one_root_field() {
    let app = start(Sqlite).await;
    let graphql = Graphql::new(&app.store, true, None).unwrap();
    for document in [
        "subscription { a: taskChanges { __typename } b: taskChanges { __typename } }",
        "subscription { taskChanges { __typename } __typename }",
        "subscription { ...F ...G } fragment F on Subscription { a: taskChanges { __typename } }
         fragment G on Subscription { b: taskChanges { __typename } }",
        "subscription { __typename }",
        "subscription { taskChanges(first: 1) { __typename } }",
        "subscription { taskChanges(after: \"x\") { __typename } }",
        "subscription { taskChanges }",
        "subscription { taskChanges { task { id } } }",
    ] {
        let error = graphql.prepare(subscribe(document, json!({}))).await.unwrap_err();
        assert_eq!(error.code().as_str(), "GRAPHQL_VALIDATION_FAILED", "{document}");
    }
    graphql.prepare(subscribe("subscription { taskChanges { __typename } }", json!({}))).await.unwrap();
}
