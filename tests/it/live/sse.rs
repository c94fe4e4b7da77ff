//! Server-sent events: changes by REST, and GraphQL over SSE.

use std::time::{Duration, Instant};

use http::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::Live;
use super::events::{End, Events};
use crate::process::Service;
use crate::support::{Backend, Database, Postgres, Sqlite};

const EVENTS: &str = "/api/tasks/events";
const FOLLOW: &str = "subscription ($after: Revision) { taskChanges(after: $after) {
    __typename
    ... on TaskUpserted { revision task { title } }
    ... on TaskDeleted { revision taskId }
    ... on FeedReset { revision }
} }";

#[rstest]
#[tokio::test]
async fn a_listener_is_told_what_it_missed_and_then_what_happens(#[values(Sqlite, Postgres)] backend: Backend) {
    let live = Live::start(backend).await;
    let app = &live.app;
    let one = app.create("ann", "one").await;
    app.create("ann", "gone").await;
    app.create("bob", "another user's").await;
    app.delete("ann", "/api/tasks/2").await;
    let mut events = Events::open(&live, "ann", &format!("{EVENTS}?since=0"), &[]).await;
    let first = events.next().await;
    let revision = first.id.clone();
    assert_eq!(first.name, "upserted");
    assert_eq!(first.json(), json!({ "type": "upserted", "revision": revision, "task": one }));
    assert!(events.is_quiet().await);

    app.create("bob", "another user's").await;
    let two = app.create("ann", "two").await;
    let second = events.next().await;
    assert_eq!(second.json(), json!({ "type": "upserted", "revision": second.id, "task": two }));
    app.delete("ann", "/api/tasks/1").await;
    let third = events.next().await;
    assert_eq!((third.name.as_str(), &third.json()["id"]), ("deleted", &json!(1)));
    assert!(events.is_quiet().await);

    // Who comes again goes on after the last event, whatever the address says.
    let again = [("last-event-id", second.id.as_str())];
    let mut resumed = Events::open(&live, "ann", &format!("{EVENTS}?since=0"), &again).await;
    assert_eq!(resumed.next().await, third);
    assert!(resumed.is_quiet().await);
    // Without a place it is told from now on.
    let mut fresh = Events::open(&live, "ann", EVENTS, &[("last-event-id", "")]).await;
    assert!(fresh.is_quiet().await);
    app.patch("ann", &format!("/api/tasks/{}/complete", two["id"]), json!({})).await;
    for events in [&mut events, &mut resumed, &mut fresh] {
        let event = events.next().await;
        assert_eq!((event.name.as_str(), &event.json()["task"]["completed"]), ("upserted", &json!(true)));
    }

    // A revision that never was.
    let mut reset = Events::open(&live, "ann", &format!("{EVENTS}?since=9000000000000000000"), &[]).await;
    let event = reset.next().await;
    assert_eq!((event.name.as_str(), event.json()), ("reset", json!({ "type": "reset", "revision": event.id })));
}

#[rstest]
#[tokio::test]
async fn a_subscription_has_an_event_for_each_change(#[values(Sqlite, Postgres)] backend: Backend) {
    let live = Live::start(backend).await;
    live.app.create("ann", "one").await;
    let body = json!({ "query": FOLLOW, "variables": { "after": "0" } });
    let mut events = Events::run(&live, "ann", &body, &[]).await;
    let first = events.next().await;
    let change = json!({ "__typename": "TaskUpserted", "revision": first.id, "task": { "title": "one" } });
    assert_eq!((first.name.as_str(), first.json()), ("next", json!({ "data": { "taskChanges": change } })));
    live.app.delete("ann", "/api/tasks/1").await;
    let second = events.next().await;
    assert_eq!(second.json()["data"]["taskChanges"]["taskId"], "1");

    // By the id of the event, which a peer that does not select the revision has as well.
    let blind = json!({ "query": "subscription { taskChanges { __typename } }" });
    let mut resumed = Events::run(&live, "ann", &blind, &[("last-event-id", &first.id)]).await;
    let event = resumed.next().await;
    assert_eq!(
        (event.json()["data"]["taskChanges"]["__typename"].as_str(), &event.id),
        (Some("TaskDeleted"), &second.id)
    );

    // As a browser's EventSource asks.
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("query", FOLLOW).finish();
    let mut by_get = Events::open(&live, "ann", &format!("/graphql?{query}"), &[("last-event-id", &first.id)]).await;
    assert_eq!(by_get.next().await, second);
}

#[rstest]
#[tokio::test]
async fn what_has_one_answer_is_complete_after_it(#[values(Sqlite)] backend: Backend) {
    let live = Live::start(backend).await;
    let create = "mutation { createTask(input: {title: \"one\"}) { task { title } } }";
    for (query, result) in [
        (create, json!({ "data": { "createTask": { "task": { "title": "one" } } } })),
        ("{ viewer { id } }", json!({ "data": { "viewer": { "id": "ann" } } })),
    ] {
        let mut events = Events::run(&live, "ann", &json!({ "query": query }), &[]).await;
        let next = events.next().await;
        assert_eq!((next.name.as_str(), next.json()), ("next", result));
        let complete = events.next().await;
        assert_eq!((complete.name.as_str(), complete.data.as_str()), ("complete", ""));
        assert_eq!(events.end().await, End::Complete);
    }
    let raw = live.app.call("ann", Method::POST, "/graphql").header("accept", "text/event-stream");
    let raw = raw.json(&json!({ "query": "{ viewer { id } }" })).send().await.text();
    assert!(raw.ends_with("\n\nevent: complete\ndata: \n\n"), "an EventSource passes over what has no data: {raw}");
    // A document that cannot run is told of in the stream: an EventSource would see nothing of another status.
    let nested = format!("{{ {} }}", "a ".repeat(2000));
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { taskChanges(after: \"x\") { __typename } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { a: taskChanges { __typename } b: taskChanges { __typename } }", "GRAPHQL_VALIDATION_FAILED"),
        (nested.as_str(), "OPERATION_TOO_COMPLEX"),
    ] {
        let mut events = Events::run(&live, "ann", &json!({ "query": query }), &[]).await;
        let next = events.next().await.json();
        assert_eq!((&next["errors"][0]["extensions"]["code"], next.get("data")), (&json!(code), None), "{query}");
        assert_eq!(events.next().await.name, "complete");
        assert_eq!(events.end().await, End::Complete);
    }
}

#[rstest]
#[tokio::test]
async fn what_is_wrong_is_refused_before_anything_is_told(#[values(Sqlite)] backend: Backend) {
    let live = Live::start(backend).await;
    let token = live.app.token("ann");
    for (path, header, status, code) in [
        ("?since=abc", "", 422, "VALIDATION_ERROR"),
        ("?since=-1", "", 422, "VALIDATION_ERROR"),
        ("?since=", "", 422, "VALIDATION_ERROR"),
        ("?since=AQFsyZzSSpG-XAAAAAAAAAALAAZgwzXT73w", "", 422, "VALIDATION_ERROR"),
        ("?since=1&since=2", "", 422, "VALIDATION_ERROR"),
        ("", "abc", 422, "VALIDATION_ERROR"),
        ("?since=0", "1.", 422, "VALIDATION_ERROR"),
    ] {
        let answer = Events::ask(&live, &token, &format!("{EVENTS}{path}"), &[("last-event-id", header)]).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(json_of(answer).await["code"], code, "{path}");
    }
    for (path, headers, status) in [
        (format!("{EVENTS}?token={token}"), vec![], 401),
        ("/graphql?query=subscription%7BtaskChanges%7B__typename%7D%7D".to_owned(), vec![("last-event-id", "x")], 400),
        ("/graphql?query=mutation%7BdeleteTask(input:%7Bid:1%7D)%7Brevision%7D%7D".to_owned(), vec![], 405),
        ("/graphql".to_owned(), vec![], 400),
    ] {
        let used = if status == 401 { "" } else { token.as_str() };
        let answer = Events::ask(&live, used, &path, &headers).await;
        assert_eq!(answer.status(), status, "{path}");
    }
    // Who takes JSON alone is told where to look.
    let body = json!({ "query": FOLLOW });
    let answer = live.app.call("ann", Method::POST, "/graphql").json(&body).send().await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["errors"][0]["extensions"]["code"]),
        (400, &json!("BAD_REQUEST"))
    );
    assert!(answer.text().contains("text/event-stream"), "{}", answer.text());
    // Who takes both has JSON for one answer and events for many.
    let both = "application/graphql-response+json, application/json, text/event-stream";
    let query = json!({ "query": "{ viewer { id } }" });
    let answer = live.app.call("ann", Method::POST, "/graphql").header("accept", both).json(&query).send().await;
    assert!(answer.header("content-type").starts_with("application/graphql-response+json"));
    Events::run(&live, "ann", &body, &[("accept", both)]).await;
}

#[rstest]
#[tokio::test]
async fn a_user_has_so_many_streams_and_sockets_and_no_more(#[values(Sqlite)] backend: Backend) {
    let live = Live::start_with(backend, |options| options.settings.limits.sockets.per_user = 3).await;
    let mut open = Vec::new();
    open.push(Events::open(&live, "ann", EVENTS, &[]).await);
    open.push(Events::run(&live, "ann", &json!({ "query": FOLLOW }), &[]).await);
    let socket = super::client::Client::begun(&live, "ann").await;
    let token = live.app.token("ann");
    let refused = Events::ask(&live, &token, EVENTS, &[]).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (429, "10"));
    assert_eq!(json_of(refused).await["code"], "RATE_LIMITED");
    Events::open(&live, "bob", EVENTS, &[]).await;
    open.pop();
    let begun = Instant::now();
    while Events::ask(&live, &token, EVENTS, &[]).await.status() != 200 {
        assert!(begun.elapsed() < Duration::from_secs(5), "the place is not free again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(socket);
}

/// It breaks off, so that clients come again, which they do not after an end.
#[rstest]
#[tokio::test]
async fn a_stream_is_cut_when_its_token_ends(#[values(Sqlite)] backend: Backend) {
    let live = Live::start(backend).await;
    let mut events = Events::open(&live, "ann", EVENTS, &[]).await;
    let mut results = Events::run(&live, "ann", &json!({ "query": FOLLOW }), &[]).await;
    live.app.clock.advance_seconds(3590);
    live.app.create("ann", "one").await;
    assert_eq!(events.next().await.json()["task"]["title"], "one");
    results.next().await;
    live.app.clock.advance_seconds(20);
    assert_eq!((events.end().await, results.end().await), (End::Cut, End::Cut));
}

#[tokio::test]
async fn streams_are_cut_one_after_the_other_at_a_stop() {
    let database = Database::empty(Sqlite).await;
    let mut service = Service::start(&database.text, &[("TASKGATE_DRAIN_TIME", "4s")]);
    let open = async || {
        let request = reqwest::Client::new().get(format!("http://{}{EVENTS}", service.address));
        Events::of(request.bearer_auth(Service::token("ann")).send().await.unwrap())
    };
    let mut streams = Vec::new();
    for _ in 0..6 {
        streams.push(open().await);
    }
    let told = Instant::now();
    service.terminate();
    let mut times = Vec::new();
    for mut events in streams {
        assert_eq!(events.end().await, End::Cut);
        times.push(told.elapsed());
    }
    assert!(service.child.wait().unwrap().success());
    assert!(told.elapsed() < Duration::from_secs(4), "{:?}", told.elapsed());
    assert!(times.iter().max().unwrap().as_secs_f64() > 1.0, "{times:?}");
}

#[rstest]
#[tokio::test]
async fn operators_see_who_follows(#[values(Sqlite, Postgres)] backend: Backend) {
    let live = Live::start(backend).await;
    let mut followers = [Events::open(&live, "ann", EVENTS, &[]).await, Events::open(&live, "ann", EVENTS, &[]).await];
    assert!(followers[0].is_quiet().await && followers[1].is_quiet().await);
    let before = live.app.metrics().await;
    assert_eq!((before.value("live_connections"), before.value("feed_followed_users")), (2, 1));
    live.app.create("ann", "one").await;
    for events in &mut followers {
        events.next().await;
    }
    let after = live.app.metrics().await;
    assert_eq!(after.value("feed_changes_total") - before.value("feed_changes_total"), 2);
    assert_eq!(after.value("feed_reads_total") - before.value("feed_reads_total"), 1, "they share a read");
    drop(followers);
    let begun = Instant::now();
    while live.app.metrics().await.value("live_connections") > 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "they are gone, and are counted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(live.app.metrics().await.value("feed_followed_users"), 0);
}

/// Two processes that know of each other by their database alone.
#[tokio::test]
async fn a_change_through_one_node_reaches_who_listens_to_another() {
    let database = Database::migrated(Postgres).await;
    let nodes = [Service::start(&database.text, &[]), Service::start(&database.text, &[])];
    let client = reqwest::Client::new();
    let mut listeners = Vec::new();
    for node in &nodes {
        let request = client.get(format!("http://{}{EVENTS}?since=0", node.address));
        listeners.push(Events::of(request.bearer_auth(Service::token("ann")).send().await.unwrap()));
    }
    // Long enough for both to hear, and to be heard.
    assert!(listeners[0].is_quiet().await);
    tokio::time::sleep(Duration::from_secs(1)).await;
    for (number, node) in nodes.iter().enumerate() {
        let title = format!("by node {number}");
        let request = client.post(format!("http://{}/api/tasks", node.address)).bearer_auth(Service::token("ann"));
        let body = json!({ "title": title }).to_string();
        let made = request.header("content-type", "application/json").body(body).send().await.unwrap();
        assert_eq!(made.status(), 201);
        let begun = Instant::now();
        for events in &mut listeners {
            assert_eq!(events.next().await.json()["task"]["title"], title);
        }
        // Without hints it would be the next look, after five seconds.
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
}

async fn json_of(answer: reqwest::Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}
