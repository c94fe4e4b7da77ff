//! GraphQL over HTTP: methods, media types, statuses, and what is refused before a document is looked at.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, Failure, Postgres, Sqlite, TestApp, start, start_with};

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";
const QUERY: &str = "{ viewer { id } }";

async fn post_as(app: &TestApp, accept: &str, body: Value) -> Answer {
    app.call("ann", Method::POST, "/graphql").header("accept", accept).json(&body).send().await
}

fn query_string(parameters: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/graphql?{query}")
}

/// Status and code of a refusal: nothing has run, so there is no data.
#[track_caller]
fn refusal(answer: &Answer) -> (u16, String) {
    let failure = Failure::of(answer.json());
    assert_eq!(failure.data, None, "{}", answer.text());
    (answer.status.as_u16(), failure.code)
}

#[rstest]
#[tokio::test]
async fn the_answer_is_in_the_media_type_that_is_accepted(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    for (accept, media_type) in [
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        ("application/json; charset=utf-8", JSON),
        ("APPLICATION/JSON", JSON),
        (GRAPHQL, GRAPHQL),
        ("application/graphql-response+json; charset=utf-8", GRAPHQL),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/graphql-response+json;q=0, */*", JSON),
        ("application/json;q=0, */*;q=0.1", GRAPHQL),
        ("application/json, application/graphql-response+json", GRAPHQL),
        ("text/html, application/json;q=0.1", JSON),
        ("text/plain, */*;q=0.1", JSON),
        ("", JSON),
    ] {
        let answer = post_as(&app, accept, json!({ "query": QUERY })).await;
        assert_eq!(answer.status, StatusCode::OK, "{accept}");
        assert_eq!(answer.header("content-type"), format!("{media_type}; charset=utf-8"), "{accept}");
        assert_eq!(answer.json(), json!({ "data": { "viewer": { "id": "ann" } } }), "{accept}");
    }
    let silent = app.call("ann", Method::POST, "/graphql").json(&json!({ "query": QUERY })).send().await;
    assert_eq!(silent.header("content-type"), "application/json; charset=utf-8");
    for accept in ["text/plain", "image/*", "application/xml", "application/json;q=0", "*/*;q=0", "text/html"] {
        let answer = post_as(&app, accept, json!({ "query": QUERY })).await;
        assert_eq!(refusal(&answer), (406, "NOT_ACCEPTABLE".to_owned()), "{accept}");
    }
}

/// Under `application/json` a document that fails is an answer like any other; the other type has the status tell.
#[rstest]
#[tokio::test]
async fn the_status_of_a_failed_document_depends_on_the_media_type(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    for (body, code) in [
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "{ nope }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "query A { viewer { id } }", "operationName": "B" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "query A { viewer { id } } query B { viewer { id } }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "query($id: ID!) { task(id: $id) { id } }" }), "GRAPHQL_VALIDATION_FAILED"),
        (
            json!({ "query": "query($id: ID!) { task(id: $id) { id } }", "variables": { "id": null } }),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            json!({ "query": "query($n: Int) { tasks(first: $n) { totalCount } }", "variables": { "n": "x" } }),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (json!({ "query": "{ tasks(first: 3000000000) { totalCount } }" }), "GRAPHQL_VALIDATION_FAILED"),
    ] {
        for (accept, status) in [(JSON, 200), (GRAPHQL, 400)] {
            let answer = post_as(&app, accept, body.clone()).await;
            assert_eq!(refusal(&answer), (status, code.to_owned()), "{accept} {body}");
            assert_eq!(answer.header("content-type"), format!("{accept}; charset=utf-8"));
        }
    }
    // What resolvers tell is an answer under both.
    for accept in [JSON, GRAPHQL] {
        for query in ["{ tasks(first: -1) { totalCount } }", "mutation { toggleTask(input: {id: 9}) { task { id } } }"]
        {
            let answer = post_as(&app, accept, json!({ "query": query })).await;
            assert_eq!(answer.status, StatusCode::OK, "{accept} {query}");
            assert_eq!(Failure::of(answer.json()).data, Some(Value::Null), "{accept} {query}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn what_is_no_graphql_request_is_a_bad_request(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    let deep =
        format!(r#"{{"query": "{{ viewer {{ id }} }}", "variables": {}1{}}}"#, "[".repeat(2_000), "]".repeat(2_000));
    for body in [
        "",
        "{",
        "null",
        "5",
        "\"{ viewer { id } }\"",
        "[]",
        "{}",
        "query { viewer { id } }",
        r#"{"query": "{ viewer { id } }""#,
        r#"{"query": "{ viewer { id } }"} x"#,
        r#"[{"query": "{ viewer { id } }"}]"#,
        r#"{"query": null}"#,
        r#"{"query": 5}"#,
        r#"{"query": ["{ viewer { id } }"]}"#,
        r#"{"document": "{ viewer { id } }"}"#,
        r#"{"query": "{ viewer { id } }", "operationName": 5}"#,
        r#"{"query": "{ viewer { id } }", "operationName": ["A"]}"#,
        r#"{"query": "{ viewer { id } }", "variables": 5}"#,
        r#"{"query": "{ viewer { id } }", "variables": []}"#,
        r#"{"query": "{ viewer { id } }", "variables": "{}"}"#,
        r#"{"query": "{ viewer { id } }", "extensions": 5}"#,
        r#"{"query": "{ viewer { id } }", "extensions": []}"#,
        "{\"query\": \"\u{1}\"}",
        r#"{"query": "\ud800"}"#,
        &deep,
    ] {
        for accept in [JSON, GRAPHQL] {
            let call = app.call("ann", Method::POST, "/graphql").header("accept", accept);
            let answer = call.header("content-type", JSON).body(body).send().await;
            assert_eq!(refusal(&answer), (400, "BAD_REQUEST".to_owned()), "{accept} {body}");
        }
    }
    let bytes = app.call("ann", Method::POST, "/graphql").header("content-type", JSON).body(b"{\"query\": \"\xff\"}");
    assert_eq!(refusal(&bytes.send().await), (400, "BAD_REQUEST".to_owned()));
    for path in ["/graphql", "/graphql?", "/graphql?variables={}", "/graphql?query={viewer{id}}&variables=x"] {
        let path = path.replace('{', "%7B").replace('}', "%7D");
        assert_eq!(refusal(&app.get("ann", &path).await), (400, "BAD_REQUEST".to_owned()), "{path}");
    }
    for (name, value) in [("variables", "[]"), ("variables", "5"), ("extensions", "\"x\""), ("extensions", "{")] {
        let path = query_string(&[("query", QUERY), (name, value)]);
        assert_eq!(refusal(&app.get("ann", &path).await), (400, "BAD_REQUEST".to_owned()), "{path}");
    }
}

#[rstest]
#[tokio::test]
async fn members_that_may_be_null_or_unknown_do_not_matter(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    for body in [
        json!({ "query": QUERY, "variables": null, "operationName": null, "extensions": null }),
        json!({ "query": QUERY, "variables": {}, "operationName": "", "extensions": {} }),
        json!({ "query": QUERY, "extensions": { "any": ["thing"] }, "id": 5, "user": "bob" }),
    ] {
        let answer = app.post("ann", "/graphql", body.clone()).await;
        assert_eq!(answer.json(), json!({ "data": { "viewer": { "id": "ann" } } }), "{body}");
    }
}

/// Only JSON: whatever a page of another site can post without asking is refused before a resolver sees it.
#[rstest]
#[tokio::test]
async fn only_json_in_utf_8_is_taken(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    let body = json!({ "query": "mutation { createTask(input: {title: \"t\"}) { task { id } } }" }).to_string();
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/graphql"),
        Some("application/graphql-response+json"),
        Some("application/json; charset=utf-16"),
        Some("application/jsonx"),
        Some("text/json"),
        Some("x"),
    ] {
        let call = app.call("ann", Method::POST, "/graphql");
        let call = content_type.iter().fold(call, |call, content_type| call.header("content-type", content_type));
        let answer = call.body(body.clone()).send().await;
        assert_eq!(refusal(&answer), (415, "UNSUPPORTED_MEDIA_TYPE".to_owned()), "{content_type:?}");
    }
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([]));
    for content_type in ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON;charset=UTF-8"] {
        let call = app.call("ann", Method::POST, "/graphql").header("content-type", content_type);
        assert_eq!(call.body(body.clone()).send().await.status, StatusCode::OK, "{content_type}");
    }
}

#[rstest]
#[tokio::test]
async fn queries_may_come_by_get(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.make("ann", "milk").await;
    let data = json!({ "data": { "task": { "title": "milk" } } });
    let document = "query A($id: ID!) { task(id: $id) { title } } query B { viewer { id } }";
    let variables = json!({ "id": task["id"] }).to_string();
    let parameters = [("query", document), ("operationName", "A"), ("variables", &variables), ("extensions", "{}")];
    for path in [query_string(&parameters), query_string(&parameters).replace("/graphql?", "/graphql/?")] {
        let answer = app.get("ann", &path).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, data.clone()), "{path}");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "private, no-cache");
    }
    let bare = query_string(&[("query", QUERY), ("operationName", ""), ("variables", "")]);
    assert_eq!(app.get("ann", &bare).await.json(), json!({ "data": { "viewer": { "id": "ann" } } }));
    for (query, code) in [("{", "GRAPHQL_PARSE_FAILED"), ("{ nope }", "GRAPHQL_VALIDATION_FAILED")] {
        for (accept, status) in [(JSON, 200), (GRAPHQL, 400)] {
            let call = app.call("ann", Method::GET, &query_string(&[("query", query)])).header("accept", accept);
            assert_eq!(refusal(&call.send().await), (status, code.to_owned()), "{query} {accept}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_mutation_must_be_posted(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let mutation = "mutation { createTask(input: {title: \"t\"}) { task { id } } }";
    for accept in [JSON, GRAPHQL, "*/*"] {
        let call = app.call("ann", Method::GET, &query_string(&[("query", mutation)])).header("accept", accept);
        let answer = call.send().await;
        assert_eq!(refusal(&answer), (405, "METHOD_NOT_ALLOWED".to_owned()), "{accept}");
        assert_eq!(answer.header("allow"), "POST");
    }
    let both = format!("query Q {{ viewer {{ id }} }} mutation M {}", &mutation["mutation ".len()..]);
    let by_name = |name| query_string(&[("query", &both), ("operationName", name)]);
    assert_eq!(app.get("ann", &by_name("Q")).await.status, StatusCode::OK);
    assert_eq!(app.get("ann", &by_name("M")).await.status, StatusCode::METHOD_NOT_ALLOWED);
    // Whatever else is wrong with it.
    let input = "mutation ($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
    assert_eq!(app.get("ann", &query_string(&[("query", input)])).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([]));
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = app.call("ann", method.clone(), "/graphql").json(&json!({ "query": QUERY })).send().await;
        assert_eq!(refusal(&answer), (405, "METHOD_NOT_ALLOWED".to_owned()), "{method}");
        let allow = answer.header("allow");
        assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    }
}

#[rstest]
#[tokio::test]
async fn nobody_passes_without_a_good_token(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    let body = json!({ "query": QUERY });
    let expired = format!("Bearer {}", app.token_for("ann", -120));
    for authorization in [None, Some(expired.as_str()), Some("Bearer x"), Some("Basic YW5uOng="), Some("")] {
        for (method, path) in [(Method::POST, "/graphql".to_owned()), (Method::GET, query_string(&[("query", QUERY)]))]
        {
            for accept in [JSON, GRAPHQL] {
                let call = app.anonymous(method.clone(), &path).header("accept", accept).json(&body);
                let call = authorization.iter().fold(call, |call, value| call.header("authorization", value));
                let answer = call.send().await;
                assert_eq!(refusal(&answer), (401, "UNAUTHENTICATED".to_owned()), "{method} {authorization:?}");
                assert!(answer.header("www-authenticate").starts_with("Bearer"));
                assert_eq!(answer.header("content-type"), format!("{accept}; charset=utf-8"));
            }
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_body_is_at_most_a_mebibyte(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    let of_length = |length: usize| {
        let (head, tail) = ("{\"query\": \"{ viewer { id } }\", \"extensions\": {\"x\": \"", "\"}}");
        format!("{head}{}{tail}", "x".repeat(length - head.len() - tail.len()))
    };
    for (length, status) in [(1024 * 1024, 200), (1024 * 1024 + 1, 413), (10_000_000, 413)] {
        let call = app.call("ann", Method::POST, "/graphql").header("content-type", JSON).body(of_length(length));
        let answer = call.send().await;
        assert_eq!(answer.status, status, "{length}");
        if status == 413 {
            assert_eq!(refusal(&answer), (413, "PAYLOAD_TOO_LARGE".to_owned()));
        }
    }
}

/// The library recurses over brackets, and an overflow of the stack ends the process.
#[rstest]
#[tokio::test]
async fn brackets_that_nest_too_deeply_are_refused_at_once(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    let nested = |open: &str, close: &str, times: usize| format!("{}{}", open.repeat(times), close.repeat(times));
    let started = Instant::now();
    for times in [65, 2_000, 100_000] {
        for query in [
            format!("{{ task(id: {}) {{ id }} }}", nested("[", "]", times)),
            format!("{{ task(id: {}) {{ id }} }}", nested("{a:", "}", times)),
            nested("{a", "}", times),
            nested("(", ")", times),
            nested("a(b:", ")", times),
            format!("query($x: {}) {{ viewer {{ id }} }}", nested("[", "]", times)),
            "[".repeat(times),
            "{".repeat(times),
        ] {
            for (accept, path) in [(JSON, "/graphql"), (GRAPHQL, "/graphql")] {
                let call = app.call("ann", Method::POST, path).header("accept", accept);
                let answer = call.json(&json!({ "query": query })).send().await;
                assert_eq!(refusal(&answer), (400, "OPERATION_TOO_COMPLEX".to_owned()), "{}", &query[..40]);
            }
        }
    }
    let by_get = query_string(&[("query", &"{a".repeat(2_000))]);
    assert_eq!(refusal(&app.get("ann", &by_get).await), (400, "OPERATION_TOO_COMPLEX".to_owned()));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // At the bound, it is for validation to say what is wrong.
    let at_the_bound = format!("{{ task(id: {}) {{ id }} }}", nested("[", "]", 62));
    let answer = app.post("ann", "/graphql", json!({ "query": at_the_bound })).await;
    assert_eq!(refusal(&answer), (200, "GRAPHQL_VALIDATION_FAILED".to_owned()));
    // Brackets in a string are text.
    let in_a_string =
        json!({ "query": format!("{{ tasks(filter: {{search: {:?}}}) {{ totalCount }} }}", "[".repeat(200)) });
    assert_eq!(
        app.post("ann", "/graphql", in_a_string).await.json(),
        json!({ "data": { "tasks": { "totalCount": 0 } } })
    );
}

const INTROSPECTION: [&str; 6] = [
    "{ __schema { queryType { name } } }",
    "{ __type(name: \"Task\") { name } }",
    "{ viewer { id } schema: __schema { types { name } } }",
    "{ ... { __schema { queryType { name } } } }",
    "{ ...F } fragment F on Query { __schema { queryType { name } } }",
    "query Q { ... on Query { ... { __type(name: \"Task\") { name } } } }",
];

#[rstest]
#[tokio::test]
async fn explorers_may_look_at_the_schema(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    for query in INTROSPECTION {
        app.data("ann", query, Value::Null).await;
    }
    let failure = app.failure("ann", "{ viewr { id } }", Value::Null).await;
    assert!(failure.message.contains("viewer"), "a suggestion: {}", failure.message);
    let query = "{ __type(name: \"Task\") { description fields { name description } } }";
    let data = app.data("ann", query, Value::Null).await;
    assert_eq!(data["__type"]["fields"].as_array().unwrap().len(), 8);

    let answer = app.anonymous(Method::GET, "/schema.graphql").send().await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, taskgate::graphql::sdl()));
    for path in ["/graphiql", "/graphiql/", "/graphql", "/graphql/"] {
        for accept in ["text/html", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"] {
            let answer = app.anonymous(Method::GET, path).header("accept", accept).send().await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {accept}");
            assert!(answer.header("content-type").starts_with("text/html"), "{path} {accept}");
            assert!(answer.text().contains("taskgate"), "{path} {accept}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_server_that_is_not_explored_tells_nothing_of_its_schema(#[values(Sqlite)] backend: Backend) {
    let app = start_with(backend, |options| options.settings.explore = false).await;
    for query in INTROSPECTION {
        let answer = post_as(&app, GRAPHQL, json!({ "query": query })).await;
        assert_eq!(refusal(&answer), (400, "GRAPHQL_VALIDATION_FAILED".to_owned()), "{query}");
    }
    let names = "{ __typename viewer { __typename id } }";
    let expected = json!({ "__typename": "Query", "viewer": { "__typename": "Viewer", "id": "ann" } });
    assert_eq!(app.data("ann", names, Value::Null).await, expected);
    for (query, hidden) in [
        ("{ viewr { id } }", "viewer"),
        ("{ viewer { i } }", "id"),
        ("{ tasks(frist: 1) { totalCount } }", "first"),
        ("{ tasks(filter: {stats: PENDING}) { totalCount } }", "status"),
        ("query($s: TaskStats) { viewer { id } }", "TaskStatus"),
        ("{ tasks(filter: {status: PENDIN}) { totalCount } }", "PENDING"),
        ("mutation { createTsk(input: {}) { task { id } } }", "createTask"),
        ("{ viewer { ... on Viewr { id } } }", "Viewer"),
    ] {
        let body = app.graphql("ann", query, Value::Null).await;
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert!(!message.contains(hidden), "{query}: {message}");
    }
    for path in ["/graphiql", "/schema.graphql"] {
        let answer = app.anonymous(Method::GET, path).header("accept", "text/html").send().await;
        assert_eq!(answer.error(), (404, "NOT_FOUND".to_owned()), "{path}");
    }
    let page = app.anonymous(Method::GET, "/graphql").header("accept", "text/html").send().await;
    assert_eq!(refusal(&page), (406, "NOT_ACCEPTABLE".to_owned()));
}

#[rstest]
#[tokio::test]
async fn every_answer_has_the_headers_of_its_door(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    for body in [json!({ "query": QUERY }), json!({ "query": "{" }), json!({}), json!({ "query": "{ nope }" })] {
        let call = app.call("ann", Method::POST, "/graphql").header("x-request-id", "a.b-C_1");
        let answer = call.header("origin", "http://localhost:3000").json(&body).send().await;
        assert_eq!(answer.header("cache-control"), "private, no-cache", "{body}");
        assert_eq!(answer.header("x-request-id"), "a.b-C_1", "{body}");
        assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000", "{body}");
        let vary = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap().to_lowercase());
        let vary = vary.collect::<Vec<_>>().join(", ");
        for name in ["authorization", "origin", "accept-encoding"] {
            assert!(vary.contains(name), "{body}: {vary}");
        }
    }
}
