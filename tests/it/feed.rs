//! The feed of changes: its pages on both doors, who follows it, what is swept from it.

use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

mod client;
mod follow;
mod input;
mod nodes;
mod pages;
mod positions;
mod property;
mod sweep;

/// A page of the feed by GraphQL, written as REST writes it.
const PAGE: &str = "query($after: Revision!, $first: Int) { taskChanges(after: $after, first: $first) {
    revision pageInfo { hasNextPage }
    nodes {
        __typename
        ... on TaskUpserted { revision task {
            id: databaseId title description completed created_at: createdAt updated_at: updatedAt
        } }
        ... on TaskDeleted { revision taskId }
        ... on FeedReset { revision }
    }
} }";

async fn by_rest(app: &TestApp, user: &str, since: &str, limit: usize) -> Value {
    let answer: Answer = app.get(user, &format!("/api/tasks/changes?since={since}&limit={limit}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn by_graphql(app: &TestApp, user: &str, after: &str, first: usize) -> Value {
    let data = app.data(user, PAGE, json!({ "after": after, "first": first })).await;
    let page = &data["taskChanges"];
    let change = |node: &Value| match node["__typename"].as_str().unwrap() {
        "TaskUpserted" => json!({ "type": "upserted", "revision": node["revision"], "task": node["task"] }),
        "TaskDeleted" => {
            let id: i64 = node["taskId"].as_str().unwrap().parse().unwrap();
            json!({ "type": "deleted", "revision": node["revision"], "id": id })
        }
        "FeedReset" => json!({ "type": "reset", "revision": node["revision"] }),
        other => panic!("{other}"),
    };
    let changes: Vec<Value> = page["nodes"].as_array().unwrap().iter().map(change).collect();
    json!({ "changes": changes, "revision": page["revision"], "has_more": page["pageInfo"]["hasNextPage"] })
}

/// A page of the feed, which is the same on both doors.
async fn page(app: &TestApp, user: &str, since: &str, limit: usize) -> Value {
    let page = by_rest(app, user, since, limit).await;
    assert_eq!(by_graphql(app, user, since, limit).await, page);
    page
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number(revision: &Value) -> i64 {
    text(revision).parse().unwrap()
}

/// Each change in short: `+milk` for a task that is there, `-7` for one that is gone, `!` for a reset.
fn short(page: &Value) -> Vec<String> {
    let change = |change: &Value| match text(&change["type"]) {
        "upserted" => format!("+{}", text(&change["task"]["title"])),
        "deleted" => format!("-{}", change["id"]),
        "reset" => "!".to_owned(),
        other => panic!("{other}"),
    };
    page["changes"].as_array().unwrap().iter().map(change).collect()
}
