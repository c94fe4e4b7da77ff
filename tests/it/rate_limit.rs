//! One budget for both doors, and how often an address may fail to say who is calling.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::{Answer, Backend, Call, Document, Postgres, Sqlite, TestApp, start, start_with};

/// A service on which a user may spend so many points a minute.
async fn limited(backend: Backend, per_minute: u32) -> TestApp {
    start_with(backend, |options| options.settings.rate_limit = NonZeroU32::new(per_minute)).await
}

/// `RateLimit`: how many points are left, and for how long.
#[track_caller]
fn left(answer: &Answer) -> (u32, u32) {
    let header = answer.header("ratelimit").strip_prefix("\"default\";r=").unwrap();
    let (points, seconds) = header.split_once(";t=").unwrap();
    (points.parse().unwrap(), seconds.parse().unwrap())
}

async fn query(app: &TestApp, user: &str, document: &str) -> Answer {
    app.post(user, "/graphql", json!({ "query": document })).await
}

#[rstest]
#[tokio::test]
async fn both_doors_spend_one_budget(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = limited(backend, 3000).await;
    let created = app.post("ann", "/api/tasks", json!({ "title": "milk" })).await;
    assert_eq!(created.header("ratelimit-policy"), "\"default\";q=300;w=6");
    assert_eq!(left(&created), (299, 6));
    let read = app.get("ann", "/api/tasks/1").await;
    assert_eq!(left(&read), (298, 6));
    // 1 for the request, and 1 for each 100 of its complexity.
    for (document, points) in [
        ("{ viewer { id } }", 1),
        ("{ tasks(first: 10) { nodes { id title } } }", 1),
        ("{ tasks(first: 100) { nodes { id } } }", 1 + 2),
        ("{ tasks { nodes { id title completed description } } }", 1 + 2),
    ] {
        let (before, _) = left(&query(&app, "ann", "{ viewer { id } }").await);
        assert_eq!(left(&query(&app, "ann", document).await).0, before - points, "{document}");
    }
    // A list costs by its limit, one without as one of 100 tasks, each 11 here.
    for (query, points) in [("?limit=1", 1), ("?limit=50", 1 + 5), ("?limit=100", 1 + 11), ("", 1 + 11)] {
        let (before, _) = left(&app.get("ann", "/api/tasks/1").await);
        assert_eq!(left(&app.get("ann", &format!("/api/tasks{query}")).await).0, before - points, "{query}");
    }
    assert_eq!(left(&app.get("bob", "/api/tasks?limit=1").await), (299, 6));
}

#[rstest]
#[tokio::test]
async fn a_used_up_budget_is_told_on_both_doors_and_refills(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = limited(backend, 60).await;
    let mut spent = 0;
    while app.get("ann", "/api/tasks/1").await.status != 429 {
        spent += 1;
    }
    assert_eq!(spent, 51, "as much as the dearest request costs");

    let refused = app.get("ann", "/api/tasks/1").await;
    assert_eq!(refused.error(), (429, "RATE_LIMITED".to_owned()));
    assert_eq!((refused.header("retry-after"), left(&refused)), ("1", (0, 1)));
    assert_eq!(refused.header("ratelimit-policy"), "\"default\";q=51;w=51");
    assert_eq!(refused.json()["detail"], "Too many requests; try again in 1 s.");
    for accept in ["application/json", "application/graphql-response+json"] {
        let call = app.call("ann", Method::POST, "/graphql").header("accept", accept);
        let refused = call.json(&json!({ "query": "{ viewer { id } }" })).send().await;
        assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "1"));
        assert_eq!((left(&refused), refused.json().get("data")), ((0, 1), None));
        assert!(refused.header("content-type").starts_with(accept));
        assert_eq!(refused.json()["errors"][0]["extensions"], json!({ "code": "RATE_LIMITED" }));
    }
    // Nothing of one user is another's.
    assert_eq!(app.get("bob", "/api/tasks").await.status, 200);

    app.clock.advance_seconds(1);
    assert_eq!(app.get("ann", "/api/tasks/1").await.status, 404);
    assert_eq!(app.get("ann", "/api/tasks/1").await.status, 429);
    app.clock.advance_seconds(1000);
    assert_eq!(left(&app.get("ann", "/api/tasks/1").await), (50, 50));
}

#[tokio::test]
async fn the_answers_are_as_documented() {
    let app = limited(Sqlite, 1).await;
    let document = Document::read();
    let list = document.operation("listTasks");
    let first = app.get("ann", "/api/tasks").await;
    assert_eq!((first.status.as_u16(), left(&first).0), (200, 51 - 12));
    document.check(list, &first);
    for _ in 0..3 {
        app.get("ann", "/api/tasks").await;
    }
    let refused = app.get("ann", "/api/tasks").await;
    assert_eq!(refused.status, 429);
    document.check(list, &refused);
}

#[tokio::test]
async fn what_an_operation_costs_is_taken_before_it_runs() {
    let app = limited(Sqlite, 60).await;
    for _ in 0..45 {
        app.get("ann", "/api/tasks/1").await;
    }
    // 6 are left: 1 is for the request, 11 would be for the list.
    let refused = app.get("ann", "/api/tasks").await;
    assert_eq!(refused.error(), (429, "RATE_LIMITED".to_owned()));
    // 5 and 6 more make 11, and the one for coming again.
    assert_eq!((refused.header("retry-after"), left(&refused)), ("7", (5, 5)));
    let document = r#"mutation { createTask(input: { title: "no" }) { task { id } } }"#;
    let dear = format!("{{ tasks {{ nodes {{ {} }} }} }}", "title ".repeat(40));
    assert_eq!(query(&app, "ann", &dear).await.status, 429);
    assert_eq!(query(&app, "ann", document).await.status, 200, "what is left is still good for what costs less");
    app.clock.advance_seconds(9);
    assert_eq!(app.get("ann", "/api/tasks").await.status, 200);
}

#[tokio::test]
async fn every_answer_to_a_good_token_tells_what_is_left_and_no_other_does() {
    let app = limited(Sqlite, 3000).await;
    app.create("ann", "milk").await;
    let etag = app.get("ann", "/api/tasks/1").await.header("etag").to_owned();
    let call = |method, path: &str| app.call("ann", method, path);
    for (call, status) in [
        (call(Method::GET, "/api/tasks/1").header("if-none-match", &etag), 304),
        (call(Method::GET, "/api/tasks/9"), 404),
        (call(Method::GET, "/api/tasks/x"), 422),
        (call(Method::POST, "/api/tasks").body("x"), 415),
        (call(Method::PUT, "/api/tasks/1").header("if-match", "\"1\"").json(&json!({ "title": "x" })), 412),
        (call(Method::DELETE, "/api/tasks/1"), 204),
        (call(Method::POST, "/graphql").json(&json!({})), 400),
        (call(Method::POST, "/graphql").body("x"), 415),
        (call(Method::GET, "/graphql?query=mutation{x}"), 200),
    ] {
        let answer = call.send().await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(left(&answer).0 < 300);
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=300;w=6");
    }
    for (call, status) in [
        (app.anonymous(Method::GET, "/api/tasks"), 401),
        (app.anonymous(Method::GET, "/livez"), 200),
        (call(Method::GET, "/api/nothing"), 404),
        (call(Method::PUT, "/api/tasks"), 405),
    ] {
        let answer = call.send().await;
        assert_eq!(answer.status, status);
        assert!(!answer.headers.contains_key("ratelimit") && !answer.headers.contains_key("ratelimit-policy"));
    }
    let off = start(Sqlite).await;
    assert!(!off.get("ann", "/api/tasks").await.headers.contains_key("ratelimit"));
}

/// Fails as often as the address may, and once more.
async fn exhaust(call: impl Fn() -> Call) -> Answer {
    for _ in 0..60 {
        assert_eq!(call().send().await.status, 401);
    }
    call().send().await
}

#[tokio::test]
async fn an_address_that_fails_too_often_is_told_so_and_a_good_token_from_it_is_not() {
    let app = limited(Sqlite, 3000).await;
    let token = format!("Bearer {}", app.token_for("ann", -31));
    let call = |address: &str| app.anonymous(Method::GET, "/api/tasks").from(address);
    let refused = exhaust(|| call("192.0.2.1").header("authorization", &token)).await;
    assert_eq!(refused.error(), (429, "RATE_LIMITED".to_owned()));
    assert_eq!(refused.header("retry-after"), "1");
    let body = json!({ "query": "{ viewer { id } }" });
    let refused = app.anonymous(Method::POST, "/graphql").from("192.0.2.1").json(&body).send().await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "1"));
    assert_eq!(refused.json()["errors"][0]["extensions"]["code"], "RATE_LIMITED");

    assert_eq!(app.call("ann", Method::GET, "/api/tasks").from("192.0.2.1").send().await.status, 200);
    assert_eq!(call("192.0.2.2").send().await.status, 401);
    app.clock.advance_seconds(2);
    let statuses = [call("192.0.2.1").send().await.status, call("192.0.2.1").send().await.status];
    assert_eq!(statuses, [401, 401]);
    assert_eq!(call("192.0.2.1").send().await.status, 429);
}

#[tokio::test]
async fn keys_that_nobody_has_count_as_failures_while_their_source_is_away() {
    let app = start_with(Sqlite, |options| {
        options.settings.rate_limit = NonZeroU32::new(3000);
        // Nothing listens there.
        options.jwks_url = Some("http://127.0.0.1:9/jwks".parse().unwrap());
    })
    .await;
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let made_up = |kid: usize| {
        let header = encode(&json!({ "alg": "EdDSA", "kid": format!("made up {kid}") }).to_string());
        format!("Bearer {header}.{}.{}", encode("{}"), encode(&"s".repeat(64)))
    };
    let call = |address: &str, kid| {
        app.anonymous(Method::GET, "/api/tasks").from(address).header("authorization", &made_up(kid))
    };
    for kid in 0..60 {
        assert_eq!(call("192.0.2.1", kid).send().await.error(), (503, "UNAVAILABLE".to_owned()));
    }
    assert_eq!(call("192.0.2.1", 60).send().await.error(), (429, "RATE_LIMITED".to_owned()));
    // Nobody else is told so, and nobody whose token is good.
    assert_eq!(call("192.0.2.2", 61).send().await.status, 503);
    assert_eq!(app.call("ann", Method::GET, "/api/tasks").from("192.0.2.1").send().await.status, 200);
}

#[tokio::test]
async fn nobody_fails_in_anothers_name() {
    let trusted = |options: &mut crate::support::Options| {
        options.settings.rate_limit = NonZeroU32::new(3000);
        options.settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    };
    let app = start_with(Sqlite, trusted).await;
    let call = |peer: &str, forwarded: &str| {
        app.anonymous(Method::GET, "/api/tasks").from(peer).header("x-forwarded-for", forwarded)
    };
    // Told by nobody we trust, another address changes nothing.
    let mut spoofed = (0..).map(|i| format!("198.51.100.{}", i % 256));
    for _ in 0..60 {
        assert_eq!(call("192.0.2.1", &spoofed.next().unwrap()).send().await.status, 401);
    }
    assert_eq!(call("192.0.2.1", "198.51.100.200").send().await.status, 429);
    // Behind the proxy each has its own count, and only what the proxy wrote is looked at.
    for _ in 0..60 {
        assert_eq!(call("10.0.0.1", &format!("{}, 203.0.113.5", spoofed.next().unwrap())).send().await.status, 401);
    }
    assert_eq!(call("10.0.0.1", "203.0.113.6, 203.0.113.5").send().await.status, 429);
    assert_eq!(call("10.0.0.1", "203.0.113.6").send().await.status, 401);
    assert_eq!(call("10.0.0.1", "192.0.2.1").send().await.status, 429);
    // One site has more addresses of IPv6 than it could ever use up.
    for i in 0..60 {
        assert_eq!(call("10.0.0.1", &format!("2001:db8::{i:x}")).send().await.status, 401);
    }
    assert_eq!(call("10.0.0.1", "2001:db8::ffff:1").send().await.status, 429);
    assert_eq!(call("10.0.0.1", "2001:db8:0:1::1").send().await.status, 401);
}

#[tokio::test]
async fn pages_may_read_the_headers() {
    let app = limited(Sqlite, 3000).await;
    let answer = app.call("ann", Method::GET, "/api/tasks").header("origin", "http://localhost:3000").send().await;
    let exposed = answer.header("access-control-expose-headers").to_ascii_lowercase();
    assert!(["ratelimit", "ratelimit-policy", "retry-after"].iter().all(|name| exposed.contains(name)), "{exposed}");
}
