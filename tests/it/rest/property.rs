//! Whatever is sent, it is answered by the contract: no fault of ours, an envelope for every error, and tasks that keep
//! the rules.

use http::{Method, StatusCode};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use rstest::rstest;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use super::{assert_error, exactly, is_time};
use crate::support::{Answer, Backend, Call, Postgres, Sqlite, TestApp, start};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ \t\u{3000}a-c\u{df}\u{130}\0%_\\\\'\"\u{1f600}]{0,12}",
        (select(vec!["x", "\u{df}", "\u{1f600}", " "]), select(vec![199_usize, 200, 201, 1000, 1001]))
            .prop_map(|(character, times)| character.repeat(times)),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((member(), inner), 0..4)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn member() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec!["title", "description", "completed", "id", "user_id"]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

/// Mostly objects with known members, some of them what the contract asks for.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let object = (
        prop::option::of(prop_oneof![text().prop_map(Value::from), json()]),
        prop::option::of(prop_oneof![text().prop_map(Value::from), json()]),
        prop::option::of(prop_oneof![any::<bool>().prop_map(Value::from), json()]),
    )
        .prop_map(|(title, description, completed)| {
            let members = [("title", title), ("description", description), ("completed", completed)];
            let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            Value::from(members.collect::<Map<_, _>>()).to_string().into_bytes()
        });
    let broken = (json(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(value, at, byte)| {
        let mut bytes = value.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes
    });
    prop_oneof![
        4 => object,
        2 => json().prop_map(|value| value.to_string().into_bytes()),
        1 => broken,
        1 => prop::collection::vec(any::<u8>(), 0..64),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        8 => select(vec!["status", "search", "sort", "limit", "cursor"]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let value = prop_oneof![
        select(vec![
            "all",
            "pending",
            "completed",
            "title",
            "-title",
            "created_at",
            "-updated_at",
            "1",
            "100",
            "0",
            "101"
        ])
        .prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        "[A-Za-z0-9_-]{0,60}",
        text(),
    ];
    let pairs = prop::collection::vec((name, value), 0..4)
        .prop_map(|pairs| form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish());
    prop_oneof![4 => pairs, 1 => "[a-z=&%+0-9;/?_-]{0,40}"]
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("1".to_owned()),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => "-?[0-9]{1,40}",
        1 => "[a-zA-Z0-9%._~!$&'()*+,;=:@-]{1,20}",
    ]
}

/// Runs a property on a service of its own, whose tasks 1 and 2 are ann's and bob's.
fn check<T: std::fmt::Debug>(
    backend: Backend,
    strategy: impl Strategy<Value = T>,
    send: impl Fn(&TestApp, T) -> Call,
    check: impl Fn(&Answer),
) {
    let runtime = Runtime::new().unwrap();
    let app = runtime.block_on(async {
        let app = start(backend).await;
        app.create("ann", "milk").await;
        app.create("bob", "tea").await;
        app
    });
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&strategy, |input| {
        let call = send(&app, input);
        let case = format!("{call:?}");
        let answer = runtime.block_on(call.send());
        if answer.status.is_success() {
            check(&answer);
        } else if answer.status == StatusCode::NOT_MODIFIED {
            // What was read has the tag that was sent, as everything has `*`.
            assert!(case.contains("if-none-match") && answer.text().is_empty(), "{case}: {}", answer.text());
        } else {
            let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
            assert!(answer.status.is_client_error(), "{case}: {}", answer.text());
            assert_error(&answer, answer.status.as_u16(), &code, &case);
        }
        Ok(())
    });
    outcome.unwrap();
}

fn assert_is_a_task(text: &str, task: &Value) {
    assert_eq!(text, exactly(task));
    let title = task["title"].as_str().unwrap();
    assert!((1..=200).contains(&title.chars().count()) && title.trim() == title, "{task}");
    assert!(task["description"].as_str().is_none_or(|text| text.chars().count() <= 1000), "{task}");
    assert!(task["completed"].is_boolean() && is_time(&task["created_at"]) && is_time(&task["updated_at"]), "{task}");
}

#[rstest]
fn any_body_is_made_or_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let send = |app: &TestApp, body| {
        app.call("ann", Method::POST, "/api/tasks").header("content-type", "application/json").body(body)
    };
    check(backend, body(), send, |answer| assert_is_a_task(&answer.text(), &answer.json()));
}

#[rstest]
fn any_change_is_made_or_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let strategy = (id(), body(), any::<bool>());
    let send = |app: &TestApp, (id, body, completes): (String, Vec<u8>, bool)| {
        let (method, rest) = if completes { (Method::PATCH, "/complete") } else { (Method::PUT, "") };
        let call = app.call("ann", method, &format!("/api/tasks/{id}{rest}"));
        call.header("content-type", "application/json").body(body)
    };
    check(backend, strategy, send, |answer| assert_is_a_task(&answer.text(), &answer.json()));
}

#[rstest]
fn any_query_lists_or_is_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let send = |app: &TestApp, query: String| app.call("ann", Method::GET, &format!("/api/tasks?{query}"));
    check(backend, query(), send, |answer| {
        for task in answer.json().as_array().unwrap() {
            assert_is_a_task(&task.to_string(), task);
            assert_eq!(task["title"], "milk");
        }
    });
}

#[rstest]
fn any_tag_is_compared(#[values(Sqlite, Postgres)] backend: Backend) {
    let tag = prop_oneof!["[ -~]{0,20}", r#"(W/)?"[0-9]{0,20}"(, ?(W/)?"[a-z0-9-]{0,9}"){0,2}"#];
    let send = |app: &TestApp, (name, tag, id): (&str, String, String)| {
        let call =
            app.call("ann", if name == "if-match" { Method::PUT } else { Method::GET }, &format!("/api/tasks/{id}"));
        call.header(name, &tag).json(&serde_json::json!({ "completed": true }))
    };
    let strategy = (select(vec!["if-match", "if-none-match"]), tag, id());
    check(backend, strategy, send, |answer| assert_is_a_task(&answer.text(), &answer.json()));
}
