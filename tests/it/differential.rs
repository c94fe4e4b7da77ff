//! One brain behind two doors: whatever is done through one leaves what the same through the other leaves.

use http::Method;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, Failure, Postgres, Sqlite, TestApp, start};

/// Which task an operation is about.
#[derive(Debug, Clone)]
enum Which {
    /// The nth of those that the user ever made, deleted ones included.
    Made(usize),
    /// One of another user.
    Foreign,
    /// What names no task, or is no id at all.
    Text(&'static str),
}

/// What the caller believes of the task's revision.
#[derive(Debug, Clone, Copy)]
enum Belief {
    Nothing,
    Right,
    Wrong,
}

#[derive(Debug, Clone)]
enum Operation {
    Create { body: Value },
    Update { which: Which, belief: Belief, patch: Value },
    Toggle { which: Which, belief: Belief },
    SetCompleted { which: Which, belief: Belief, completed: bool },
    Delete { which: Which, belief: Belief },
    Read { which: Which },
    List { status: Option<bool>, search: Option<String>, sort: usize, limit: Option<usize> },
}

const SORTS: [(&str, &str, &str); 6] = [
    ("created_at", "CREATED_AT", "ASC"),
    ("-created_at", "CREATED_AT", "DESC"),
    ("updated_at", "UPDATED_AT", "ASC"),
    ("-updated_at", "UPDATED_AT", "DESC"),
    ("title", "TITLE", "ASC"),
    ("-title", "TITLE", "DESC"),
];

fn title() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-cA-C]{1,3}",
        2 => "\\PC{1,20}",
        1 => prop::sample::select(vec![
            String::new(), " \t".to_owned(), "a\0b".to_owned(), "x".repeat(200), "x".repeat(201), "😀".repeat(200),
            format!(" {} ", "é".repeat(200)), "ß".to_owned(), "SS".to_owned(), "%_\\".to_owned(),
        ]),
    ]
}

fn description() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        1 => Just(None),
        3 => "\\PC{0,30}".prop_map(Some),
        1 => prop::sample::select(vec!["\0".to_owned(), "x".repeat(1000), "x".repeat(1001), " a \n".to_owned()])
            .prop_map(Some),
    ]
}

fn patch() -> impl Strategy<Value = Value> {
    let title = prop::option::weighted(0.4, prop::option::weighted(0.9, title()));
    let completed = prop::option::weighted(0.4, prop::option::weighted(0.9, any::<bool>()));
    (title, prop::option::weighted(0.4, description()), completed).prop_map(|(title, description, completed)| {
        let members = [
            ("title", title.map(|title| json!(title))),
            ("description", description.map(|description| json!(description))),
            ("completed", completed.map(|completed| json!(completed))),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    })
}

fn which() -> impl Strategy<Value = Which> {
    let text = prop::sample::select(vec!["0", "-1", "999999", "9223372036854775808", "abc", "1.5", "+1"]);
    prop_oneof![
        12 => any::<usize>().prop_map(Which::Made),
        1 => Just(Which::Foreign),
        2 => text.prop_map(Which::Text),
    ]
}

fn belief() -> impl Strategy<Value = Belief> {
    prop_oneof![6 => Just(Belief::Nothing), 2 => Just(Belief::Right), 1 => Just(Belief::Wrong)]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (title(), prop::option::of(description())).prop_map(|(title, description)| {
            let description = description.map(|description| ("description", json!(description)));
            Operation::Create { body: [("title", json!(title))].into_iter().chain(description).collect() }
        }),
        4 => (which(), belief(), patch()).prop_map(|(which, belief, patch)| Operation::Update { which, belief, patch }),
        2 => (which(), belief()).prop_map(|(which, belief)| Operation::Toggle { which, belief }),
        2 => (which(), belief(), any::<bool>())
            .prop_map(|(which, belief, completed)| Operation::SetCompleted { which, belief, completed }),
        2 => (which(), belief()).prop_map(|(which, belief)| Operation::Delete { which, belief }),
        1 => which().prop_map(|which| Operation::Read { which }),
        3 => (prop::option::of(any::<bool>()), prop::option::of(title()), 0..6_usize, prop::option::of(1..=3_usize))
            .prop_map(|(status, search, sort, limit)| Operation::List { status, search, sort, limit }),
    ]
}

/// A user who comes through one of the doors.
struct Caller<'a> {
    app: &'a TestApp,
    user: String,
    /// The tasks that this user ever made.
    made: Vec<i64>,
    foreign: i64,
}

/// What a caller sees of an operation, in words that are the same on both doors.
#[derive(Debug, PartialEq)]
enum Seen {
    Failed(String),
    Task(Value),
    Tasks(Vec<Value>),
    Gone,
}

impl Caller<'_> {
    fn id(&self, which: &Which) -> String {
        match which {
            Which::Made(_) if self.made.is_empty() => "999998".to_owned(),
            Which::Made(nth) => self.made[nth % self.made.len()].to_string(),
            Which::Foreign => self.foreign.to_string(),
            Which::Text(text) => (*text).to_owned(),
        }
    }

    /// The revision to expect, read as the caller itself would have.
    async fn revision(&self, id: &str, belief: Belief) -> Option<String> {
        match belief {
            Belief::Nothing => None,
            Belief::Wrong => Some("1".to_owned()),
            Belief::Right => {
                let answer = self.app.get(&self.user, &format!("/api/tasks/{id}")).await;
                let etag = answer.headers.get("etag").map(|etag| etag.to_str().unwrap().trim_matches('"').to_owned());
                Some(etag.unwrap_or_else(|| "1".to_owned()))
            }
        }
    }

    /// A task without what differs between two users: its id is the place among those that were made.
    fn task(&mut self, task: &Value, id: &str) -> Value {
        let id = task[id].as_i64().unwrap();
        let place = self.made.iter().position(|made| *made == id).unwrap_or_else(|| {
            self.made.push(id);
            self.made.len() - 1
        });
        json!([place, task["title"], task["description"], task["completed"]])
    }

    async fn by_rest(&mut self, operation: &Operation) -> Seen {
        let (method, path, body, revision) = match operation {
            Operation::Create { body } => (Method::POST, "/api/tasks".to_owned(), Some(body.clone()), None),
            Operation::Update { which, belief, patch } => {
                let id = self.id(which);
                (Method::PUT, format!("/api/tasks/{id}"), Some(patch.clone()), self.revision(&id, *belief).await)
            }
            Operation::Toggle { which, belief } => {
                let id = self.id(which);
                (Method::PATCH, format!("/api/tasks/{id}/complete"), None, self.revision(&id, *belief).await)
            }
            Operation::SetCompleted { which, belief, completed } => {
                let id = self.id(which);
                let body = json!({ "completed": completed });
                (Method::PATCH, format!("/api/tasks/{id}/complete"), Some(body), self.revision(&id, *belief).await)
            }
            Operation::Delete { which, belief } => {
                let id = self.id(which);
                (Method::DELETE, format!("/api/tasks/{id}"), None, self.revision(&id, *belief).await)
            }
            Operation::Read { which } => (Method::GET, format!("/api/tasks/{}", self.id(which)), None, None),
            Operation::List { status, search, sort, limit } => {
                let status = status.map(|done| if done { "completed" } else { "pending" });
                let limit = limit.map(|limit| limit.to_string());
                let parameters = [
                    ("sort", Some(SORTS[*sort].0)),
                    ("status", status),
                    ("search", search.as_deref()),
                    ("limit", limit.as_deref()),
                ];
                let mut query = form_urlencoded::Serializer::new(String::new());
                query.extend_pairs(parameters.into_iter().filter_map(|(name, value)| Some((name, value?))));
                (Method::GET, format!("/api/tasks?{}", query.finish()), None, None)
            }
        };
        let mut call = self.app.call(&self.user, method, &path);
        if let Some(revision) = revision {
            call = call.header("if-match", &format!("\"{revision}\""));
        }
        if let Some(body) = body {
            call = call.json(&body);
        }
        let answer = call.send().await;
        self.seen_by_rest(&answer)
    }

    fn seen_by_rest(&mut self, answer: &Answer) -> Seen {
        if answer.status.is_client_error() || answer.status.is_server_error() {
            let (status, code) = answer.error();
            assert_eq!(taskgate::error::Code::parse(&code).unwrap().status(), status);
            return Seen::Failed(code);
        }
        if answer.body.is_empty() {
            return Seen::Gone;
        }
        match answer.json() {
            Value::Array(tasks) => Seen::Tasks(tasks.iter().map(|task| self.task(task, "id")).collect()),
            task => Seen::Task(self.task(&task, "id")),
        }
    }

    async fn by_graphql(&mut self, operation: &Operation) -> Seen {
        const FIELDS: &str = "{ databaseId title description completed }";
        let (mutation, mut input, belief) = match operation {
            Operation::Create { body } => ("createTask", body.clone(), Belief::Nothing),
            Operation::Update { which, belief, patch } => {
                let mut input = patch.clone();
                input["id"] = json!(self.id(which));
                ("updateTask", input, *belief)
            }
            Operation::Toggle { which, belief } => ("toggleTask", json!({ "id": self.id(which) }), *belief),
            Operation::SetCompleted { which, belief, completed } => {
                ("setTaskCompleted", json!({ "id": self.id(which), "completed": completed }), *belief)
            }
            Operation::Delete { which, belief } => ("deleteTask", json!({ "id": self.id(which) }), *belief),
            Operation::Read { which } => {
                let query = format!("query($id: ID!) {{ task(id: $id) {FIELDS} }}");
                let body = self.app.graphql(&self.user, &query, json!({ "id": self.id(which) })).await;
                if body.get("errors").is_some() {
                    return Seen::Failed(Failure::of(body).code);
                }
                return match &body["data"]["task"] {
                    // REST has no null to answer.
                    Value::Null => Seen::Failed("NOT_FOUND".to_owned()),
                    task => Seen::Task(self.task(task, "databaseId")),
                };
            }
            Operation::List { status, search, sort, limit } => {
                let query = format!(
                    "query($filter: TaskFilter, $orderBy: TaskOrder, $first: Int) {{
                         tasks(filter: $filter, orderBy: $orderBy, first: $first) {{ nodes {FIELDS} }} }}"
                );
                let status = status.map(|done| if done { "COMPLETED" } else { "PENDING" });
                let variables = json!({
                    "filter": { "status": status, "search": search }, "first": limit,
                    "orderBy": { "field": SORTS[*sort].1, "direction": SORTS[*sort].2 },
                });
                let body = self.app.graphql(&self.user, &query, variables).await;
                if body.get("errors").is_some() {
                    return Seen::Failed(Failure::of(body).code);
                }
                let nodes = body["data"]["tasks"]["nodes"].as_array().unwrap();
                return Seen::Tasks(nodes.iter().map(|task| self.task(task, "databaseId")).collect());
            }
        };
        if let Some(id) = input["id"].as_str()
            && let Some(revision) = self.revision(id, belief).await
        {
            input["expectedRevision"] = json!(revision);
        }
        let of = mutation[..1].to_uppercase() + &mutation[1..];
        let selection = if mutation == "deleteTask" { "{ deletedTaskId }" } else { &format!("{{ task {FIELDS} }}") };
        let query = format!("mutation($input: {of}Input!) {{ {mutation}(input: $input) {selection} }}");
        let body = self.app.graphql(&self.user, &query, json!({ "input": input })).await;
        if body.get("errors").is_some() {
            return Seen::Failed(Failure::of(body).code);
        }
        match body["data"][mutation].get("task") {
            Some(task) => Seen::Task(self.task(task, "databaseId")),
            None => Seen::Gone,
        }
    }
}

#[rstest]
fn both_doors_lead_to_the_same(#[values(Sqlite, Postgres)] backend: Backend) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let app = runtime.block_on(start(backend));
    let foreign = runtime.block_on(app.create("eve", "of another user"))["id"].as_i64().unwrap();
    let pairs = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 30, failure_persistence: None, ..Config::default() });
    runner
        .run(&prop::collection::vec(operation(), 1..25), |operations| {
            pairs.set(pairs.get() + 1);
            let caller =
                |door: &str| Caller { app: &app, user: format!("{door} {}", pairs.get()), made: Vec::new(), foreign };
            let (mut ann, mut bob) = (caller("rest"), caller("graphql"));
            runtime.block_on(async {
                for operation in &operations {
                    assert_eq!(ann.by_rest(operation).await, bob.by_graphql(operation).await, "{operation:?}");
                }
                let all = Operation::List { status: None, search: None, sort: 2, limit: None };
                let left = ann.by_rest(&all).await;
                // Each also sees through the other door what was done through its own.
                assert_eq!(left, ann.by_graphql(&all).await);
                assert_eq!(left, bob.by_rest(&all).await);
                assert_eq!(left, bob.by_graphql(&all).await);
            });
            Ok(())
        })
        .unwrap();
}
