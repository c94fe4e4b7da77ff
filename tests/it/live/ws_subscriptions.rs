//! Subscriptions over a socket: what happens is told, what was missed too, and nothing twice.

use std::time::Duration;

use http::Method;
use rstest::rstest;
use serde_json::{Value, json};
use taskgate::server::Limits;

use super::Live;
use super::client::Client;
use crate::support::{Backend, Postgres, Sqlite};

const QUERY: &str = "subscription($after: Revision) { taskChanges(after: $after) {
    ... on TaskUpserted { revision task { title } }
    ... on TaskDeleted { revision taskId }
    ... on FeedReset { revision reset: __typename }
} }";

impl Client {
    /// Follows the user's changes after a revision, or from now on.
    async fn follow(&mut self, id: &str, after: Option<&str>) {
        let payload = json!({ "query": QUERY, "variables": { "after": after } });
        self.send(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }

    /// The same, and it is known where it begins.
    async fn follow_from_now(&mut self, id: &str) {
        self.follow(id, None).await;
        assert!(self.is_quiet().await);
    }

    /// The next change in short, `+milk` for a task that is there, `-7` for one that is gone, `!` for a reset; and its
    /// revision.
    #[track_caller]
    fn change(&mut self, id: &str) -> impl Future<Output = (String, String)> {
        let told = self.next();
        async move {
            let told = told.await;
            assert_eq!((&told["type"], &told["id"]), (&json!("next"), &json!(id)), "{told}");
            let change = &told["payload"]["data"]["taskChanges"];
            let short = match (&change["task"]["title"], &change["taskId"], &change["reset"]) {
                (Value::String(title), _, _) => format!("+{title}"),
                (_, Value::String(id), _) => format!("-{id}"),
                (_, _, Value::String(_)) => "!".to_owned(),
                _ => panic!("no change: {told}"),
            };
            (short, change["revision"].as_str().unwrap().to_owned())
        }
    }

    async fn changes(&mut self, id: &str, count: usize) -> Vec<String> {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(self.change(id).await.0);
        }
        all
    }
}

async fn revision(live: &Live, user: &str) -> String {
    let data = live.app.data(user, "{ tasks { revision } }", json!({})).await;
    data["tasks"]["revision"].as_str().unwrap().to_owned()
}

#[rstest]
#[tokio::test]
async fn what_happens_is_told_to_its_user(#[values(Sqlite, Postgres)] backend: Backend) {
    let live = Live::start(backend).await;
    live.app.create("ann", "before").await;
    let (mut ann, mut bob) = (Client::begun(&live, "ann").await, Client::begun(&live, "bob").await);
    ann.follow_from_now("1").await;
    bob.follow_from_now("1").await;
    live.app.create("ann", "milk").await;
    assert_eq!(ann.change("1").await.0, "+milk");
    live.app.put("ann", "/api/tasks/2", json!({ "title": "oat milk" })).await;
    assert_eq!(ann.change("1").await.0, "+oat milk");
    // What the socket itself changes, too, and its answer is not lost between.
    ann.subscribe("2", "mutation { toggleTask(input: { id: 1 }) { task { completed } } }").await;
    let mut told = Vec::new();
    for _ in 0..3 {
        let message = ann.next().await;
        told.push(format!("{} {}", message["id"].as_str().unwrap(), message["type"].as_str().unwrap()));
    }
    told.sort();
    assert_eq!(told, ["1 next", "2 complete", "2 next"]);
    live.app.call("ann", Method::DELETE, "/api/tasks/2").send().await;
    assert_eq!(ann.change("1").await.0, "-2");
    assert!(bob.is_quiet().await, "it is not bob's");
}

#[rstest]
#[tokio::test]
async fn what_was_missed_is_told_first(#[values(Sqlite, Postgres)] backend: Backend) {
    let live = Live::start(backend).await;
    live.app.create("ann", "a").await;
    let after = revision(&live, "ann").await;
    live.app.create("ann", "b").await;
    live.app.create("ann", "c").await;
    live.app.delete("ann", "/api/tasks/1").await;
    let mut client = Client::begun(&live, "ann").await;
    client.follow("1", Some(&after)).await;
    client.follow("all", Some("0")).await;
    let mut told = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let message = client.next().await;
        let title = message["payload"]["data"]["taskChanges"].to_string();
        if message["id"] == "1" { told.0.push(title) } else { told.1.push(title) }
    }
    assert_eq!((told.0.len(), told.1.len()), (3, 2), "{told:?}");
    client.complete("all").await;
    assert!(client.lives().await);
    live.app.create("ann", "d").await;
    assert_eq!(client.change("1").await.0, "+d");
    assert!(client.is_quiet().await);
}

#[rstest]
#[tokio::test]
async fn who_comes_back_is_told_what_was_missed_once(#[values(Sqlite, Postgres)] backend: Backend) {
    let live = Live::start(backend).await;
    let mut client = Client::begun_with(&live, &live.app.token_for("ann", 100)).await;
    client.follow_from_now("1").await;
    for title in ["a", "b"] {
        live.app.create("ann", title).await;
    }
    assert_eq!(client.change("1").await.0, "+a");
    let (_, last) = client.change("1").await;
    live.app.clock.advance_seconds(100);
    assert_eq!(client.end().await, (4403, "token expired".to_owned()));
    live.app.create("ann", "c").await;
    live.app.delete("ann", "/api/tasks/1").await;
    // It vanishes without a word, and a part of what it was told with it.
    let mut second = Client::begun(&live, "ann").await;
    second.follow("1", Some(&last)).await;
    let (first_missed, last) = second.change("1").await;
    assert_eq!(first_missed, "+c");
    drop(second);
    live.app.create("ann", "d").await;
    let mut third = Client::begun(&live, "ann").await;
    third.follow("1", Some(&last)).await;
    assert_eq!(third.changes("1", 2).await, ["-1", "+d"]);
    assert!(third.is_quiet().await);
}

#[tokio::test]
async fn a_subscription_that_cannot_be_is_an_error_and_the_socket_lives() {
    let live = Live::start(Sqlite).await;
    let mut client = Client::begun(&live, "ann").await;
    for query in [
        "subscription { a: taskChanges { __typename } b: taskChanges { __typename } }",
        "subscription { taskChanges { __typename } viewer { id } }",
        "subscription { taskChanges(after: true) { __typename } }",
        "subscription { nope }",
        "subscription { taskChanges { title } }",
    ] {
        client.subscribe("1", query).await;
        assert_eq!(client.error("1").await, "GRAPHQL_VALIDATION_FAILED", "{query}");
    }
    for after in ["-1", "x", "", "1e3", "5.1", "99999999999999999999"] {
        client.follow("1", Some(after)).await;
        let told = client.next().await;
        let errors = if told["type"] == "error" { &told["payload"] } else { &told["payload"]["errors"] };
        assert!(
            errors[0]["extensions"]["code"].as_str().is_some_and(|code| code.contains("VALIDATION")),
            "{after}: {told}"
        );
        if told["type"] == "next" {
            assert_eq!(client.next().await, json!({ "type": "complete", "id": "1" }));
        }
    }
    // From the future: everything has to be fetched again, and it goes on.
    client.follow("1", Some("9000000000000000")).await;
    assert_eq!(client.change("1").await.0, "!");
    live.app.create("ann", "a").await;
    assert_eq!(client.change("1").await.0, "+a");
}

#[tokio::test]
async fn what_is_completed_is_told_nothing_more() {
    let live = Live::start(Sqlite).await;
    let mut client = Client::begun(&live, "ann").await;
    for round in 0..3 {
        client.follow_from_now("1").await;
        live.app.create("ann", &format!("task {round}")).await;
        assert_eq!(client.change("1").await.0, format!("+task {round}"));
        client.complete("1").await;
        assert!(client.lives().await);
        live.app.create("ann", "unseen").await;
        assert!(client.is_quiet().await);
    }
}

#[tokio::test]
async fn subscriptions_take_no_place_of_requests_and_no_time() {
    let limits = Limits { request_timeout: Duration::from_millis(300), in_flight: 1, ..Limits::default() };
    let live = Live::start_with(Sqlite, |options| options.settings.limits = limits).await;
    let mut client = Client::begun(&live, "ann").await;
    for id in 0..32 {
        client.follow(&id.to_string(), Some("0")).await;
        assert!(client.lives().await);
    }
    client.follow("32", Some("0")).await;
    assert_eq!(client.error("32").await, "RATE_LIMITED");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(live.app.post("ann", "/api/tasks", json!({ "title": "milk" })).await.status, 201);
    let mut told = Vec::new();
    for _ in 0..32 {
        let message = client.next().await;
        assert_eq!(message["payload"]["data"]["taskChanges"]["task"]["title"], "milk");
        told.push(message["id"].as_str().unwrap().parse::<usize>().unwrap());
    }
    told.sort_unstable();
    assert_eq!(told, (0..32).collect::<Vec<_>>());
}

#[rstest]
#[tokio::test]
async fn who_reads_slowly_is_told_the_latest_state(#[values(Sqlite, Postgres)] backend: Backend) {
    let live = Live::start(backend).await;
    live.app.create("ann", "0").await;
    let mut client = Client::begun(&live, "ann").await;
    // Messages so large that the way to a client that reads none is soon full.
    let large = (0..14).map(|n| format!("d{n}: description")).collect::<Vec<_>>().join(" ");
    client
        .subscribe(
            "1",
            &format!("subscription {{ taskChanges {{ ... on TaskUpserted {{ task {{ title {large} }} }} }} }}"),
        )
        .await;
    assert!(client.is_quiet().await);
    let (last, description) = (400, "\u{1F95B}".repeat(1000));
    for title in 1..=last {
        let body = json!({ "title": title.to_string(), "description": description });
        assert_eq!(live.app.put("ann", "/api/tasks/1", body).await.status, 200);
    }
    let mut told = Vec::new();
    while told.last() != Some(&last) {
        let message = client.next().await;
        let title = message["payload"]["data"]["taskChanges"]["task"]["title"].as_str().unwrap().to_owned();
        told.push(title.parse::<i32>().unwrap());
    }
    assert!(told.is_sorted_by(|a, b| a < b), "{told:?}");
    assert!(told.len() < 350, "nothing fell together: {}", told.len());
}
