//! A list is exactly as of the revision in its tag while others change it, so a 304 never hides a change.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;
use http::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::path;
use crate::support::{Answer, Backend, Postgres, Sqlite, TestApp, start};

/// The task that a change left, by the revision of the change.
type Changes = BTreeMap<i64, (i64, Option<Value>)>;

/// The tasks of a list, by the list's tag.
type Lists = BTreeMap<String, BTreeMap<i64, Value>>;

fn id(task: &Value) -> i64 {
    task["id"].as_i64().unwrap()
}

fn revision(etag: &str) -> i64 {
    etag.trim_matches('"').split('-').next().unwrap().parse().unwrap()
}

/// How far the two sides are, so that each goes on until the other has had its part.
#[derive(Default)]
struct Progress {
    lists: AtomicUsize,
    is_over: AtomicBool,
}

/// Makes tasks, changes them and deletes every other one of them, until some of it was read meanwhile.
async fn write(app: &TestApp, progress: &Progress) -> Changes {
    let mut changes = Changes::new();
    let mut note = |answer: &Answer| {
        let task = answer.json();
        changes.insert(revision(answer.header("etag")), (id(&task), Some(task.clone())));
        task
    };
    let mut deleted = Vec::new();
    for n in 0..100 {
        if n >= 8 && progress.lists.load(Ordering::SeqCst) > 2 {
            break;
        }
        let task = note(&app.post("ann", "/api/tasks", json!({ "title": n.to_string() })).await);
        note(&app.put("ann", &path(&task), json!({ "description": "changed" })).await);
        note(&app.patch("ann", &format!("{}/complete", path(&task)), json!({})).await);
        if n % 2 == 0 {
            let query = "mutation ($id: ID!) { deleteTask(input: { id: $id }) { revision } }";
            let answer = app.graphql("ann", query, json!({ "id": id(&task).to_string() })).await;
            let revision = answer["data"]["deleteTask"]["revision"].as_str().unwrap().parse().unwrap();
            deleted.push((revision, (id(&task), None)));
        }
    }
    changes.extend(deleted);
    changes
}

/// Reads the list until there is nothing more to see, each time with the tag of the time before.
async fn read(app: &TestApp, progress: &Progress) -> Lists {
    let mut lists = Lists::new();
    let mut etag = "\"none\"".to_owned();
    loop {
        let was_over = progress.is_over.load(Ordering::SeqCst);
        let list = app.call("ann", Method::GET, "/api/tasks").header("if-none-match", &etag).send().await;
        if list.status == 200 {
            list.header("etag").clone_into(&mut etag);
            let tasks = list.json().as_array().unwrap().iter().map(|task| (id(task), task.clone())).collect();
            assert_eq!(lists.insert(etag.clone(), tasks), None, "{etag} came again with 200");
            progress.lists.store(lists.len(), Ordering::SeqCst);
        } else {
            assert_eq!((list.status.as_u16(), list.header("etag")), (304, etag.as_str()));
        }
        if was_over {
            return lists;
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_list_is_as_of_its_tag(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let progress = Progress::default();
    let writers = async {
        let changes = join_all((0..4).map(|_| write(&app, &progress))).await;
        progress.is_over.store(true, Ordering::SeqCst);
        changes
    };
    let (changes, lists) = tokio::join!(writers, read(&app, &progress));
    let count: usize = changes.iter().map(BTreeMap::len).sum();
    let changes: Changes = changes.into_iter().flatten().collect();
    assert_eq!(changes.len(), count, "two changes share a revision");
    assert!(lists.len() > 2, "nothing was read while others wrote");
    for (etag, tasks) in &lists {
        let mut expected = BTreeMap::new();
        for (id, task) in changes.range(..=revision(etag)).map(|(_, change)| change) {
            match task {
                Some(task) => expected.insert(*id, task.clone()),
                None => expected.remove(id),
            };
        }
        assert_eq!(*tasks, expected, "{etag}");
    }
    let last = lists.keys().map(|etag| revision(etag)).max();
    assert_eq!(last, changes.keys().next_back().copied());
}
