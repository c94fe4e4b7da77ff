//! The OpenAPI document says what the service does, and the service does what it says.

use http::Method;
use serde_json::{Value, json};
use taskgate::task::{Description, Search, Title};

use crate::support::{Call, Document, Operation, Sqlite, TestApp, members, start};

#[tokio::test]
async fn the_document_is_served_as_it_is_printed() {
    let app = start(Sqlite).await;
    let served = app.anonymous(Method::GET, "/openapi.json").send().await;
    assert_eq!((served.status.as_u16(), served.header("content-type")), (200, "application/json"));
    assert_eq!(served.text(), taskgate::server::openapi_document().unwrap());
    let document = served.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(document: &Document, value: &Value) {
        document.resolve(value);
        members(value).for_each(|(_, value)| walk(document, value));
        value.as_array().into_iter().flatten().for_each(|value| walk(document, value));
    }
    let document = Document::read();
    walk(&document, &document.0);
}

#[tokio::test]
async fn routes_take_the_documented_methods_and_no_other() {
    let app = start(Sqlite).await;
    let document = Document::read();
    assert_ne!(document.operations().count(), 0);
    for (path, item) in members(&document.0["paths"]) {
        let answer = app.call("ann", Method::TRACE, &path.replace("{id}", "1")).send().await;
        assert_eq!(answer.error(), (405, "METHOD_NOT_ALLOWED".to_owned()), "{path}");
        let mut allowed: Vec<_> = answer.header("allow").split(',').filter(|method| *method != "HEAD").collect();
        allowed.sort_unstable();
        let mut documented: Vec<_> = members(item).map(|(method, _)| method.to_uppercase()).collect();
        documented.sort_unstable();
        assert_eq!(allowed, documented, "{path}");
    }
}

/// Operation, parameters, statuses.
const OPERATIONS: [(&str, &str, &str); 14] = [
    ("listTasks", "status search sort limit cursor If-None-Match X-Request-Id", "200 304 401 422 429 500 503 504"),
    ("createTask", "Idempotency-Key X-Request-Id", "201 400 401 409 413 415 422 429 500 503 504"),
    ("getTask", "id If-None-Match X-Request-Id", "200 304 401 403 404 422 429 500 503 504"),
    (
        "updateTask",
        "id If-Match Idempotency-Key X-Request-Id",
        "200 400 401 403 404 409 412 413 415 422 429 500 503 504",
    ),
    ("deleteTask", "id If-Match Idempotency-Key X-Request-Id", "204 401 403 404 409 412 422 429 500 503 504"),
    (
        "completeTask",
        "id If-Match Idempotency-Key X-Request-Id",
        "200 400 401 403 404 409 412 413 415 422 429 500 503 504",
    ),
    ("restoreTask", "id If-Match Idempotency-Key X-Request-Id", "200 401 403 404 409 412 422 429 500 503 504"),
    ("listDeletedTasks", "limit cursor If-None-Match X-Request-Id", "200 304 401 422 429 500 503 504"),
    ("listChanges", "since limit If-None-Match X-Request-Id", "200 304 401 422 429 500 503 504"),
    ("followChanges", "since Last-Event-ID X-Request-Id", "200 401 422 429 500 503 504"),
    ("changeTasks", "Idempotency-Key X-Request-Id", "200 400 401 403 404 409 412 413 415 422 429 500 503 504"),
    ("health", "X-Request-Id", "200"),
    ("livez", "X-Request-Id", "200"),
    ("readyz", "X-Request-Id", "200 500 503"),
];

#[test]
fn every_parameter_and_status_is_documented() {
    let document = Document::read();
    for (id, parameters, statuses) in OPERATIONS {
        let operation = document.operation(id);
        let all = operation["parameters"].as_array().unwrap().iter();
        let names: Vec<_> = all.map(|parameter| document.resolve(parameter)["name"].as_str().unwrap()).collect();
        assert_eq!(names.join(" "), parameters, "{id}");
        let documented: Vec<_> = members(&operation["responses"]).map(|(status, _)| status).collect();
        assert_eq!(documented.join(" "), statuses, "{id}");
        let takes_token = operation["security"] == json!([{ "bearer": [] }]);
        assert_eq!(takes_token, documented.contains(&"401"), "{id}");
    }
}

/// What no single request brings about: the body breaks off, the budget is used up (see `rate_limit`), the service is at
/// fault, the database is away or slow.
const OUT_OF_REACH: [&str; 5] = ["400", "429", "500", "503", "504"];

#[tokio::test]
async fn every_documented_answer_can_be_had_and_is_as_documented() {
    let app = start(Sqlite).await;
    let document = Document::read();
    let used = app.call("ann", Method::POST, "/api/tasks").header("idempotency-key", "used");
    assert_eq!(used.json(&json!({ "title": "first" })).send().await.status, 201);
    for operation in document.operations() {
        for (status, _) in members(&operation.value["responses"]) {
            if OUT_OF_REACH.contains(&status) {
                continue;
            }
            let id = app.create("ann", "milk").await["id"].to_string();
            let answer = provoked(&app, operation, status, &id).send().await;
            assert_eq!(answer.status.as_str(), status, "{operation:?}: {}", answer.text());
            document.check(operation.value, &answer);
        }
    }
}

/// A request that is to be answered with that status.
fn provoked(app: &TestApp, operation: Operation<'_>, status: &str, id: &str) -> Call {
    let id = match status {
        "404" => "999999",
        "422" => "abc",
        _ => id,
    };
    let query = match (operation.value["operationId"].as_str(), status) {
        (Some("listTasks" | "listDeletedTasks" | "listChanges"), "422") => "?limit=0",
        (Some("followChanges"), "422") => "?since=x",
        (Some("listChanges" | "followChanges"), _) => "?since=0",
        _ => "",
    };
    let path = operation.path.replace("{id}", id) + query;
    let method = method(operation);
    let call = match status {
        "401" => app.anonymous(method, &path),
        "403" => app.call("bob", method, &path),
        _ => app.call("ann", method, &path),
    };
    let call = match status {
        "304" => call.header("if-none-match", "*"),
        "409" => call.header("idempotency-key", "used"),
        "412" => call.header("if-match", "\"1\""),
        _ => call,
    };
    let body = request_examples(operation.value).next().map(|(_, example)| example);
    match (status, body) {
        (_, None) => call,
        ("403" | "404" | "412", Some(Value::Array(_))) => {
            let revision = if status == "412" { "1" } else { "0" };
            call.json(&json!([{ "op": "delete", "id": id.parse::<i64>().unwrap(), "revision": revision }]))
        }
        ("413", _) => call.json(&json!({ "title": "x".repeat(2 * 1024 * 1024) })),
        ("415", Some(body)) => call.body(body.to_string()),
        ("422", _) => call.json(&json!({ "title": null, "completed": null })),
        (_, Some(body)) => call.json(body),
    }
}

fn method(operation: Operation<'_>) -> Method {
    operation.method.to_uppercase().parse().unwrap()
}

fn request_examples(operation: &Value) -> impl Iterator<Item = (&str, &Value)> {
    members(&operation["requestBody"]["content"]["application/json"]["examples"])
        .map(|(name, example)| (name, &example["value"]))
}

#[tokio::test]
async fn every_example_of_a_request_is_taken() {
    let app = start(Sqlite).await;
    let document = Document::read();
    for operation in document.operations() {
        let path = |id: &Value| operation.path.replace("{id}", &id.to_string());
        for (name, example) in request_examples(operation.value) {
            let id = app.create("ann", "milk").await["id"].clone();
            let answer = app.call("ann", method(operation), &path(&id)).json(example).send().await;
            assert!(answer.status.is_success(), "{name}: {}", answer.text());
            document.check(operation.value, &answer);
        }
    }
    let parameters = document.operation("listTasks")["parameters"].as_array().unwrap();
    let in_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
    for parameter in in_query {
        let schema = &parameter["schema"];
        let examples = schema["examples"].as_array().or(schema["enum"].as_array()).unwrap();
        for example in examples {
            let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            let answer = app.get("ann", &format!("/api/tasks?{}={text}", parameter["name"].as_str().unwrap())).await;
            assert_eq!(answer.status, 200, "{parameter}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn a_limit_is_bounded_as_documented() {
    let app = start(Sqlite).await;
    let document = Document::read();
    let schema = &document.parameter("listTasks", "limit")["schema"];
    for limit in [0, 1, 100, 101] {
        let answer = app.get("ann", &format!("/api/tasks?limit={limit}")).await;
        assert_eq!(answer.status == 200, document.misfit(schema, &limit.into()).is_none(), "{limit}");
    }
}

#[tokio::test]
async fn a_page_has_a_link_as_documented() {
    let app = start(Sqlite).await;
    let document = Document::read();
    app.create("ann", "milk").await;
    app.create("ann", "bread").await;
    let page = app.get("ann", "/api/tasks?limit=1").await;
    assert!(page.link("next").is_some());
    document.check(document.operation("listTasks"), &page);
}

#[test]
fn every_body_parameter_and_error_has_examples_and_they_fit() {
    let document = Document::read();
    let fit = |schema: &Value, example: &Value| assert_eq!(document.misfit(schema, example), None);
    let content = |content: &Value| {
        let several = members(&content["examples"]).map(|(_, example)| &example["value"]);
        let examples: Vec<_> = several.chain(content.get("example")).collect();
        assert!(!examples.is_empty(), "{content}");
        for example in examples {
            fit(&content["schema"], example);
        }
    };
    for operation in document.operations() {
        for parameter in operation.value["parameters"].as_array().unwrap() {
            let parameter = document.resolve(parameter);
            assert!(parameter["description"].is_string(), "{parameter}");
            let schema = &parameter["schema"];
            let shown = schema["examples"].as_array().or(schema["enum"].as_array());
            let examples: Vec<_> = shown.into_iter().flatten().chain(parameter.get("example")).collect();
            assert!(!examples.is_empty(), "{parameter}");
            for example in examples {
                fit(schema, example);
            }
        }
        members(&operation.value["requestBody"]["content"]).for_each(|(_, body)| content(body));
        for (_, response) in members(&operation.value["responses"]) {
            members(&document.resolve(response)["content"]).for_each(|(_, body)| content(body));
        }
    }
    members(&document.0["components"]["headers"]).for_each(|(_, header)| fit(&header["schema"], &header["example"]));
}

#[test]
fn texts_fit_their_schemas_when_they_fit_their_rules() {
    let document = Document::read();
    let create = &document.0["components"]["schemas"]["CreateTask"]["properties"];
    let search = &document.parameter("listTasks", "search")["schema"];
    let long = |length: usize| "😀".repeat(length);
    let mut texts: Vec<String> = ["", " ", "a", " a ", "a\0b", "\0", "\0\n", "a\n", "a b", "\u{85}a\u{85}", "\u{feff}"]
        .map(str::to_owned)
        .into();
    texts.extend([200, 201, 1000, 1001].map(long));
    texts.extend([
        format!(" {}\n\n", long(200)),
        format!(" {} ", long(201)),
        " ".repeat(300),
        format!("a{}b", long(199)),
    ]);
    // White space is what Rust says it is, and all of it lies here.
    texts.extend(('\u{1}'..'\u{3100}').map(String::from));
    for text in texts {
        let fits = |schema: &Value| document.misfit(schema, &Value::from(text.as_str())).is_none();
        assert_eq!(fits(&create["title"]), Title::parse(&text).is_ok(), "{text:?}");
        assert_eq!(fits(&create["description"]), Description::parse(text.clone()).is_ok(), "{text:?}");
        assert_eq!(fits(search), Search::parse(text.clone()).is_ok(), "{text:?}");
    }
}

#[test]
fn null_is_only_where_it_means_something() {
    let document = Document::read();
    let fits =
        |schema: &str, value: Value| document.misfit(&document.0["components"]["schemas"][schema], &value).is_none();
    assert!(fits("CreateTask", json!({ "title": "milk", "description": null, "user_id": "ann" })));
    assert!(!fits("CreateTask", json!({ "title": null })));
    assert!(!fits("CreateTask", json!({ "description": "2 l" })));
    assert!(fits("UpdateTask", json!({ "description": null, "id": 7 })));
    assert!(!fits("UpdateTask", json!({ "title": null })));
    assert!(!fits("UpdateTask", json!({ "completed": null })));
    assert!(fits("SetCompleted", json!({})));
    assert!(!fits("SetCompleted", json!({ "completed": null })));
    let task = document.0["components"]["schemas"]["Task"]["examples"][0].clone();
    assert!(fits("Task", task.clone()));
    for (name, value) in [("revision", json!("7")), ("title", json!(null)), ("id", json!(1_i64 << 53))] {
        let mut task = task.clone();
        task[name] = value;
        assert!(!fits("Task", task), "{name}");
    }
}
