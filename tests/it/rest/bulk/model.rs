//! Lists of changes against a simple model of them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rstest::rstest;
use serde_json::{Value, json};

use super::{PATH, assert_exact, number};
use crate::support::{Backend, Postgres, Sqlite, start};

/// A change as the property test makes it, of the nth task that was ever made.
#[derive(Debug, Clone)]
enum Step {
    Create(String),
    Update { nth: usize, title: Option<String>, completed: Option<bool>, belief: Option<bool> },
    Complete { nth: usize, completed: bool },
    Delete { nth: usize, belief: Option<bool> },
}

fn step() -> impl Strategy<Value = Step> {
    let belief = || prop::option::weighted(0.3, prop::bool::weighted(0.9));
    prop_oneof![
        3 => "[a-z]{1,3}".prop_map(Step::Create),
        3 => (any::<usize>(), prop::option::of("[a-z]{1,3}"), prop::option::of(any::<bool>()), belief())
            .prop_map(|(nth, title, completed, belief)| Step::Update { nth, title, completed, belief }),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(nth, completed)| Step::Complete { nth, completed }),
        1 => (any::<usize>(), belief()).prop_map(|(nth, belief)| Step::Delete { nth, belief }),
    ]
}

/// Title, whether it is done, revision.
type Known = (String, bool, i64);

/// What the tasks of a user should be.
#[derive(Debug, Clone, Default)]
struct Model {
    tasks: BTreeMap<i64, Known>,
    made: Vec<i64>,
    revision: i64,
}

impl Model {
    fn id(&self, nth: usize) -> i64 {
        // Rarely one that is not there.
        if self.made.is_empty() || nth.is_multiple_of(13) { 999_999 } else { self.made[nth % self.made.len()] }
    }

    fn body(&self, steps: &[Step]) -> Value {
        let revision = |id: i64, belief: &Option<bool>| {
            let current = self.tasks.get(&id).map_or(1, |task| task.2);
            belief.map(|is_right| if is_right { current } else { current + 1 }.to_string())
        };
        let change = |step: &Step| {
            let mut change = match step {
                Step::Create(title) => json!({ "op": "create", "title": title }),
                Step::Update { nth, title, completed, belief } => {
                    let id = self.id(*nth);
                    json!({ "op": "update", "id": id, "title": title, "completed": completed, "revision": revision(id, belief) })
                }
                Step::Complete { nth, completed } => {
                    json!({ "op": "complete", "id": self.id(*nth), "completed": completed })
                }
                Step::Delete { nth, belief } => {
                    let id = self.id(*nth);
                    json!({ "op": "delete", "id": id, "revision": revision(id, belief) })
                }
            };
            change.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            change
        };
        steps.iter().map(change).collect()
    }

    /// Makes the changes one by one, or answers which of them cannot be made, and with what status.
    fn apply(&mut self, changes: &[Value], results: &[Value]) -> Result<(), (usize, u16)> {
        let before = self.tasks.clone();
        for (index, change) in changes.iter().enumerate() {
            let next = self.revision + 1;
            let result = results.get(index);
            if change["op"] == "create" {
                // Only the database knows the ids, and where revisions begin.
                let Some(result) = result else { continue };
                let id = result["task"]["id"].as_i64().unwrap();
                let next = if self.revision == 0 { number(&result["revision"]) } else { next };
                self.made.push(id);
                self.tasks.insert(id, (change["title"].as_str().unwrap().to_owned(), false, next));
                self.revision = next;
                continue;
            }
            let id = change["id"].as_i64().unwrap();
            let Some(task) = self.tasks.get_mut(&id) else { return Err((index, 404)) };
            if change.get("revision").is_some_and(|expected| number(expected) != before[&id].2) {
                return Err((index, 412));
            }
            let completed = if change["op"] == "complete" {
                Some(change["completed"] == true)
            } else {
                change["completed"].as_bool()
            };
            let title = change["title"].as_str().filter(|_| change["op"] == "update");
            let is_change = change["op"] == "delete" || title.is_some() || completed.is_some();
            if change["op"] == "delete" {
                self.tasks.remove(&id);
            } else if is_change {
                let title = title.map_or_else(|| task.0.clone(), str::to_owned);
                *task = (title, completed.unwrap_or(task.1), next);
            }
            self.revision += i64::from(is_change);
            if let Some(result) = result {
                let expected = self.tasks.get(&id).map_or(self.revision, |task| task.2);
                assert_eq!(number(&result["revision"]), expected, "{index}: {change}");
                assert_eq!(known(&result["task"]), self.tasks.get(&id).map(|task| (task.0.clone(), task.1)));
            }
        }
        Ok(())
    }
}

fn known(task: &Value) -> Option<(String, bool)> {
    Some((task["title"].as_str()?.to_owned(), task["completed"].as_bool()?))
}

/// Whatever lists of changes come, what is there is what a simple model says, and a list that fails changed nothing.
#[rstest]
fn lists_of_changes_do_what_a_model_does(#[values(Sqlite, Postgres)] backend: Backend) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let app = runtime.block_on(start(backend));
    let users = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    runner
        .run(&prop::collection::vec(prop::collection::vec(step(), 1..12), 1..6), |lists| {
            users.set(users.get() + 1);
            let user = format!("user {}", users.get());
            let mut model = Model::default();
            runtime.block_on(async {
                for steps in &lists {
                    let body = model.body(steps);
                    let changes = body.as_array().unwrap();
                    let answer = app.post(&user, PATH, body.clone()).await;
                    let mut after = model.clone();
                    let outcome = if answer.status == 200 {
                        let results = answer.json()["results"].as_array().unwrap().clone();
                        assert_eq!(results.len(), changes.len());
                        after.apply(changes, &results)
                    } else {
                        after.apply(changes, &[])
                    };
                    match outcome {
                        Ok(()) => {
                            assert_eq!(answer.status, 200, "{body} {}", answer.text());
                            model = after;
                        }
                        Err((index, status)) => {
                            assert_eq!(answer.status.as_u16(), status, "{body} {}", answer.text());
                            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
                            assert!(detail.starts_with(&format!("Change {index}: ")), "{detail}");
                        }
                    }
                    let query =
                        "{ viewer { revision } tasks(first: 100) { nodes { databaseId title completed revision } } }";
                    let seen = app.data(&user, query, Value::Null).await;
                    assert_eq!(number(&seen["viewer"]["revision"]), model.revision);
                    let task = |task: &Value| {
                        let (title, completed) = known(task).unwrap();
                        (task["databaseId"].as_i64().unwrap(), (title, completed, number(&task["revision"])))
                    };
                    let tasks: BTreeMap<i64, Known> =
                        seen["tasks"]["nodes"].as_array().unwrap().iter().map(task).collect();
                    assert_eq!(tasks, model.tasks);
                }
            });
            Ok(())
        })
        .unwrap();
    runtime.block_on(assert_exact(&app));
}
