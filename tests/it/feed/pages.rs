//! What a page of the feed holds.

use rstest::rstest;
use serde_json::{Value, json};

use super::{by_graphql, number, page, short, text};
use crate::support::{Backend, Postgres, Sqlite, start};

#[rstest]
#[tokio::test]
async fn each_task_comes_once_as_it_is_now(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let nothing = json!({ "changes": [], "revision": "0", "has_more": false });
    assert_eq!(page(&app, "ann", "0", 50).await, nothing, "there is not even an owner");

    let milk = app.create("ann", "milk").await;
    let bread = app.create("ann", "bread").await;
    app.create("bob", "bob's").await;
    let first = page(&app, "ann", "0", 50).await;
    assert_eq!(first["changes"][0]["task"], milk);
    assert_eq!(first["changes"][1]["task"], bread);
    assert_eq!(short(&first), ["+milk", "+bread"]);
    let since = text(&first["revision"]);
    assert_eq!(page(&app, "ann", since, 50).await, json!({ "changes": [], "revision": since, "has_more": false }));

    app.put("ann", "/api/tasks/2", json!({ "title": "rye bread" })).await;
    app.create("ann", "oil").await;
    app.put("ann", "/api/tasks/1", json!({ "completed": true })).await;
    app.delete("ann", "/api/tasks/2").await;
    let second = page(&app, "ann", since, 50).await;
    assert_eq!(short(&second), ["+oil", "+milk", "-2"]);
    assert_eq!(second["changes"][1]["task"], app.get("ann", "/api/tasks/1").await.json());
    let expected: Vec<i64> = (2..=4).map(|step| number(&first["revision"]) + step).collect();
    let revisions = |page: &Value| -> Vec<i64> {
        page["changes"].as_array().unwrap().iter().map(|change| number(&change["revision"])).collect()
    };
    assert_eq!(revisions(&second), expected, "those of the changes");
    assert_eq!(number(&second["revision"]), expected[2]);
    let since = text(&second["changes"][0]["revision"]);
    assert_eq!(short(&page(&app, "ann", since, 50).await), ["+milk", "-2"], "a change is a place to go on from");
    assert_eq!(short(&page(&app, "ann", "0", 50).await), ["+oil", "+milk"], "who has nothing is told of no deletion");
    assert_eq!(short(&page(&app, "bob", "0", 50).await), ["+bob's"]);
}

#[rstest]
#[tokio::test]
async fn pages_follow_one_another(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let start_at = text(&app.make("ann", "0").await["revision"]).to_owned();
    for number in 1..7 {
        app.create("ann", &number.to_string()).await;
    }
    app.delete("ann", "/api/tasks/1").await;
    let whole = page(&app, "ann", &start_at, 50).await;
    for limit in 1..9 {
        let (mut since, mut walked) = (start_at.clone(), Vec::new());
        loop {
            let part = page(&app, "ann", &since, limit).await;
            let changes = part["changes"].as_array().unwrap();
            assert!(changes.len() == limit || part["has_more"] == json!(false));
            walked.extend(changes.clone());
            text(&part["revision"]).clone_into(&mut since);
            if part["has_more"] == json!(false) {
                break;
            }
            assert_eq!(part["revision"], changes.last().unwrap()["revision"]);
        }
        assert_eq!(json!(walked), whole["changes"]);
        assert_eq!(since, text(&whole["revision"]));
    }
    let none = by_graphql(&app, "ann", &start_at, 0).await;
    assert_eq!(none, json!({ "changes": [], "revision": start_at, "has_more": true }));
    let end = text(&whole["revision"]);
    assert_eq!(by_graphql(&app, "ann", end, 0).await, json!({ "changes": [], "revision": end, "has_more": false }));
}

#[rstest]
#[tokio::test]
async fn a_page_has_fifty_changes_where_nobody_says(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for number in 0..51 {
        app.create("ann", &number.to_string()).await;
    }
    let answer = app.get("ann", "/api/tasks/changes?since=0").await.json();
    assert_eq!((answer["changes"].as_array().unwrap().len(), &answer["has_more"]), (50, &json!(true)));
    let query =
        "{ taskChanges(after: \"0\") { nodes { __typename } edges { cursor node { ... on TaskUpserted { revision } } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let data = app.data("ann", query, Value::Null).await;
    let connection = &data["taskChanges"];
    let edges = connection["edges"].as_array().unwrap();
    assert_eq!((connection["nodes"].as_array().unwrap().len(), edges.len()), (50, 50));
    assert!(edges.iter().all(|edge| edge["cursor"] == edge["node"]["revision"]));
    let info = json!({ "hasNextPage": true, "hasPreviousPage": false,
        "startCursor": edges[0]["cursor"], "endCursor": edges[49]["cursor"] });
    assert_eq!(connection["pageInfo"], info);
}

#[rstest]
#[tokio::test]
async fn a_page_that_is_known_is_not_sent_again(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.create("ann", "milk").await;
    let get = async |path: &str, etag: &str| {
        app.call("ann", http::Method::GET, path).header("if-none-match", etag).send().await
    };
    let path = "/api/tasks/changes?since=0";
    let first = get(path, "\"none\"").await;
    let etag = first.header("etag").to_owned();
    let again = get(path, &etag).await;
    assert_eq!((again.status.as_u16(), again.header("etag"), again.body.len()), (304, etag.as_str(), 0));
    let since = text(&first.json()["revision"]).to_owned();
    assert_eq!(get(&format!("/api/tasks/changes?since={since}"), &etag).await.status, 200, "another page");
    app.put("ann", "/api/tasks/1", json!({ "title": "oat milk" })).await;
    assert_eq!(get(path, &etag).await.status, 200);
}
