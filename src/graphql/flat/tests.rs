//! What is filled in here is what the library makes of the same selection.

use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema, Variables, value};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::super::types::{DerivedTask, TaskNode};
use super::super::{json, merging};
use super::*;
use crate::clock::Timestamp;
use crate::task::{Revision, Task, TaskId};

/// As the schema has it.
struct Ours(Vec<TaskNode>);

#[Object]
impl Ours {
    async fn many(&self) -> Tasks<'_> {
        Tasks(&self.0)
    }

    async fn one(&self) -> &TaskNode {
        &self.0[0]
    }
}

/// As the library alone would have it.
struct Derived(Vec<TaskNode>);

#[Object]
impl Derived {
    async fn many(&self) -> Vec<DerivedTask<'_>> {
        self.0.iter().map(|node| DerivedTask(&node.0)).collect()
    }

    async fn one(&self) -> DerivedTask<'_> {
        DerivedTask(&self.0[0].0)
    }
}

fn tasks() -> Vec<TaskNode> {
    let texts =
        [("plain", Some("2 litres")), ("\"quotes\" \\ and \u{1} \u{7f} \u{2028}", None), ("😀 ß é\n", Some(""))];
    let task = |(i, (title, description)): (i64, (&str, Option<&str>))| Task {
        id: TaskId(i + 1),
        title: title.to_owned(),
        description: description.map(str::to_owned),
        completed: i == 1,
        created_at: Timestamp::from_micros(1_767_952_800_000_000 + i),
        updated_at: Timestamp::from_micros(1_767_952_800_000_000),
        revision: Revision(1_767_952_800_000_000 + i),
    };
    (0..).zip(texts).map(task).map(TaskNode).collect()
}

#[derive(Debug, Clone)]
enum Item {
    Field { alias: Option<&'static str>, name: &'static str, directive: &'static str },
    Inline { is_typed: bool, directive: &'static str, items: Vec<Item> },
    Spread { fragment: usize, directive: &'static str },
}

const FRAGMENTS: usize = 3;

impl Item {
    /// In a fragment only those after it are spread, so that none spreads itself.
    fn text(&self, after: usize) -> String {
        match self {
            Self::Field { alias: Some(alias), name, directive } => format!("{alias}: {name} {directive} "),
            Self::Field { alias: None, name, directive } => format!("{name} {directive} "),
            Self::Inline { is_typed, directive, items } => {
                format!("... {} {directive} {{ id {}}} ", if *is_typed { "on Task" } else { "" }, texts(items, after))
            }
            Self::Spread { fragment, directive } if after + fragment < FRAGMENTS => {
                format!("...F{} {directive} ", after + fragment)
            }
            Self::Spread { .. } => String::new(),
        }
    }
}

fn texts(items: &[Item], after: usize) -> String {
    items.iter().map(|item| item.text(after)).collect::<Vec<_>>().concat()
}

fn item() -> impl Strategy<Value = Item> {
    let names =
        ["id", "databaseId", "title", "description", "completed", "createdAt", "updatedAt", "revision", "__typename"];
    let directives = ["", "", "", "@skip(if: $yes)", "@skip(if: false)", "@include(if: $no)", "@include(if: true)"];
    let directive = move || prop::sample::select(directives.to_vec());
    let alias = prop::option::weighted(0.3, prop::sample::select(vec!["a", "b", "title", "id"]));
    let field = (alias, prop::sample::select(names.to_vec()), directive())
        .prop_map(|(alias, name, directive)| Item::Field { alias, name, directive });
    let spread = (0..FRAGMENTS, directive()).prop_map(|(fragment, directive)| Item::Spread { fragment, directive });
    prop_oneof![5 => field, 1 => spread].prop_recursive(3, 20, 5, move |inner| {
        (any::<bool>(), directive(), prop::collection::vec(inner, 0..5))
            .prop_map(|(is_typed, directive, items)| Item::Inline { is_typed, directive, items })
    })
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    prop::collection::vec(item(), 0..8)
}

fn document(root: &[Item], fragments: &[Vec<Item>]) -> String {
    let selection = texts(root, 0);
    let fragments = fragments.iter().enumerate();
    let fragments = fragments.map(|(i, items)| format!("fragment F{i} on Task {{ id {}}} ", texts(items, i + 1)));
    let fragments = fragments.collect::<Vec<_>>().concat();
    // One member is always there: the library answers null for an object without any.
    format!("query($yes: Boolean!, $no: Boolean!) {{ many {{ id {selection}}} one {{ id {selection}}} }} {fragments}")
}

async fn answer<Q: async_graphql::ObjectType + 'static>(query: Q, text: &str, takes_written: bool) -> String {
    let schema = Schema::build(query, EmptyMutation, EmptySubscription)
        .validation_mode(async_graphql::ValidationMode::Fast)
        .finish();
    let request = Request::new(text).variables(Variables::from_value(value!({ "yes": true, "no": false })));
    let request = if takes_written { request.data(TakesWritten) } else { request };
    let answer = schema.execute(request).await;
    assert!(answer.errors.is_empty(), "{text}: {:?}", answer.errors);
    String::from_utf8(json::response(&answer)).unwrap()
}

#[test]
fn every_selection_is_answered_as_the_library_would() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let strategy = (items(), prop::collection::vec(items(), FRAGMENTS));
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&strategy, |(root, fragments)| {
        let text = document(&root, &fragments);
        prop_assert!(!merging::is_needed(&async_graphql::parser::parse_query(&text).unwrap()));
        let expected = runtime.block_on(answer(Derived(tasks()), &text, false));
        for takes_written in [false, true] {
            let ours = runtime.block_on(answer(Ours(tasks()), &text, takes_written));
            prop_assert_eq!(&ours, &expected, "{} {}", takes_written, text);
        }
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn a_list_is_written_only_for_those_who_take_it() {
    let schema = Schema::new(Ours(tasks()), EmptyMutation, EmptySubscription);
    for (text, takes_written, is_written) in [
        ("{ many { id } }", true, true),
        ("{ many { id } }", false, false),
        ("{ many { ...F } } fragment F on Task { id }", true, true),
    ] {
        let request = Request::new(text);
        let answer = schema.execute(if takes_written { request.data(TakesWritten) } else { request }).await;
        let Value::Object(data) = answer.data else { panic!("{text}") };
        assert_eq!(matches!(data["many"], Value::Binary(_)), is_written, "{text}");
    }
}

#[tokio::test]
async fn a_task_of_which_nothing_is_left_is_an_empty_object() {
    let text = "query($yes: Boolean!) { many { id @skip(if: $yes) } one { id @skip(if: $yes) } }";
    for takes_written in [false, true] {
        let expected = r#"{"data":{"many":[{},{},{}],"one":{}}}"#;
        assert_eq!(answer(Ours(tasks()), text, takes_written).await, expected);
    }
}
