//! Every door is locked: each REST route and each GraphQL root field is called without a token, with an expired one and
//! as another user. A route or field that is not in these lists fails the test.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use http::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, Postgres, Sqlite, TestApp, start};

/// What another user is to see of a task of ann's.
#[derive(Clone, Copy, PartialEq)]
enum Foreign {
    /// It is none of theirs: 403, `FORBIDDEN`.
    Forbidden,
    /// The call names no task, and what it answers has nothing of ann's.
    Nothing,
}

/// Route, method, body. `{id}`, in either, is the id of a task of ann's.
const ROUTES: [(&str, &str, &str, Foreign); 11] = [
    ("/api/tasks", "get", "", Foreign::Nothing),
    ("/api/tasks", "post", r#"{"title": "bob's"}"#, Foreign::Nothing),
    ("/api/tasks/changes", "get", "", Foreign::Nothing),
    ("/api/tasks/events?since=0", "get", "", Foreign::Nothing),
    ("/api/tasks/trash", "get", "", Foreign::Nothing),
    ("/api/tasks/{id}/restore", "post", "", Foreign::Forbidden),
    ("/api/tasks/{id}", "get", "", Foreign::Forbidden),
    ("/api/tasks/{id}", "put", r#"{"title": "stolen"}"#, Foreign::Forbidden),
    ("/api/tasks/{id}", "delete", "", Foreign::Forbidden),
    ("/api/tasks/{id}/complete", "patch", "", Foreign::Forbidden),
    (
        "/api/tasks/bulk",
        "post",
        r#"[{"op": "create", "title": "bob's"}, {"op": "delete", "id": {id}}]"#,
        Foreign::Forbidden,
    ),
];

/// Routes that are for everybody.
const PUBLIC: [&str; 3] = ["/health", "/livez", "/readyz"];

/// Root type, field, an operation that calls it with `$id`.
const FIELDS: [(&str, &str, &str, Foreign); 18] = [
    ("Query", "viewer", "{ viewer { id revision taskCounts { total pending completed } } }", Foreign::Nothing),
    ("Query", "task", "query ($id: ID!) { task(id: $id) { title } }", Foreign::Forbidden),
    ("Query", "tasks", "{ tasks { nodes { title } edges { node { title } } totalCount } }", Foreign::Nothing),
    (
        "Query",
        "taskChanges",
        "{ taskChanges(after: \"0\") { nodes { ... on TaskUpserted { task { title } } } revision } }",
        Foreign::Nothing,
    ),
    ("Query", "deletedTasks", "{ deletedTasks { nodes { task { title } } revision } }", Foreign::Nothing),
    (
        "Mutation",
        "restoreTask",
        "mutation ($id: ID!) { restoreTask(input: { id: $id }) { task { title } } }",
        Foreign::Forbidden,
    ),
    (
        "Subscription",
        "taskChanges",
        "subscription { taskChanges(after: \"0\") { ... on TaskUpserted { task { title } } } }",
        Foreign::Nothing,
    ),
    (
        "Mutation",
        "createTask",
        r#"mutation { createTask(input: { title: "bob's" }) { task { title } } }"#,
        Foreign::Nothing,
    ),
    (
        "Mutation",
        "updateTask",
        r#"mutation ($id: ID!) { updateTask(input: { id: $id, title: "stolen" }) { task { title } } }"#,
        Foreign::Forbidden,
    ),
    (
        "Mutation",
        "toggleTask",
        "mutation ($id: ID!) { toggleTask(input: { id: $id }) { task { title } } }",
        Foreign::Forbidden,
    ),
    (
        "Mutation",
        "setTaskCompleted",
        "mutation ($id: ID!) { setTaskCompleted(input: { id: $id, completed: true }) { task { title } } }",
        Foreign::Forbidden,
    ),
    (
        "Mutation",
        "deleteTask",
        "mutation ($id: ID!) { deleteTask(input: { id: $id }) { revision } }",
        Foreign::Forbidden,
    ),
    (
        "Mutation",
        "createTasks",
        r#"mutation { createTasks(input: { tasks: [{ title: "bob's" }] }) { tasks { title } } }"#,
        Foreign::Nothing,
    ),
    (
        "Mutation",
        "updateTasks",
        r#"mutation ($id: ID!) { updateTasks(input: { tasks: [{ id: $id, title: "stolen" }] }) { tasks { title } } }"#,
        Foreign::Forbidden,
    ),
    (
        "Mutation",
        "completeTasks",
        "mutation ($id: ID!) { completeTasks(input: { ids: [$id], completed: true }) { tasks { title } } }",
        Foreign::Forbidden,
    ),
    (
        "Mutation",
        "deleteTasks",
        "mutation ($id: ID!) { deleteTasks(input: { ids: [$id] }) { revision } }",
        Foreign::Forbidden,
    ),
    (
        "Mutation",
        "changeTasks",
        "mutation ($id: ID!) { changeTasks(input: { changes: [{ delete: { id: $id } }] }) { results { revision } } }",
        Foreign::Forbidden,
    ),
    ("Mutation", "clearCompletedTasks", "mutation { clearCompletedTasks { deletedTaskIds } }", Foreign::Nothing),
];

const SECRET_TITLE: &str = "ann's own";

#[test]
fn every_route_is_listed() {
    let document: Value = serde_json::from_str(taskgate::server::openapi_document().unwrap()).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            let is_listed =
                ROUTES.iter().any(|(route, verb, ..)| route.split('?').next() == Some(path) && verb == method);
            assert!(is_listed || PUBLIC.contains(&path.as_str()), "{method} {path} is not in the list of this test");
        }
    }
}

#[test]
fn every_root_field_is_listed() {
    for (name, field) in root_fields() {
        let is_listed = FIELDS.iter().any(|(root, listed, ..)| *root == name && *listed == field);
        assert!(is_listed, "{name}.{field} is not in the list of this test");
    }
}

/// Every field of the three root types of the schema.
pub fn root_fields() -> Vec<(&'static str, String)> {
    let schema = parse_schema(taskgate::graphql::sdl()).unwrap();
    let mut fields = Vec::new();
    for definition in schema.definitions {
        let TypeSystemDefinition::Type(ty) = definition else { continue };
        let TypeKind::Object(object) = ty.node.kind else { continue };
        let root = ["Query", "Mutation", "Subscription"].into_iter().find(|root| *root == ty.node.name.node.as_str());
        fields.extend(
            root.into_iter()
                .flat_map(|root| object.fields.iter().map(move |field| (root, field.node.name.node.to_string()))),
        );
    }
    fields
}

async fn rest(app: &TestApp, token: Option<&str>, route: (&str, &str, &str), id: &str) -> Answer {
    let (path, method, body) = route;
    let method: Method = method.to_uppercase().parse().unwrap();
    let mut call = app.anonymous(method, &path.replace("{id}", id));
    if let Some(token) = token {
        call = call.header("authorization", &format!("Bearer {token}"));
    }
    if !body.is_empty() {
        call = call.header("content-type", "application/json").body(body.replace("{id}", id));
    }
    call.send().await
}

async fn graphql(app: &TestApp, token: Option<&str>, document: &str, id: &str) -> Answer {
    let body = json!({ "query": document, "variables": { "id": id } }).to_string();
    rest(app, token, ("/graphql", "post", &body), id).await
}

#[rstest]
#[tokio::test]
async fn no_door_opens_without_a_good_token(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", SECRET_TITLE).await;
    let id = task["id"].to_string();
    let expired = app.token_for("ann", -31);
    for token in [None, Some(expired.as_str()), Some("nonsense")] {
        for (path, method, body, _) in ROUTES {
            let answer = rest(&app, token, (path, method, body), &id).await;
            assert_eq!(answer.error(), (401, "UNAUTHENTICATED".to_owned()), "{method} {path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        for (root, field, document, _) in FIELDS {
            let answer = graphql(&app, token, document, &id).await;
            assert_eq!(answer.status, 401, "{root}.{field}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            let body = answer.json();
            assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{root}.{field}");
            assert_eq!(body.get("data"), None, "{root}.{field}");
        }
    }
    assert_eq!(app.get("ann", "/api/tasks").await.json(), json!([task]));
}

#[rstest]
#[tokio::test]
async fn no_door_shows_or_changes_what_is_anothers(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let task = app.create("ann", SECRET_TITLE).await;
    let before = app.get("ann", "/api/tasks").await;
    let id = task["id"].to_string();
    let bob = app.token("bob");
    for (path, method, body, foreign) in ROUTES {
        let answer = rest(&app, Some(&bob), (path, method, body), &id).await;
        if foreign == Foreign::Forbidden {
            assert_eq!(answer.error(), (403, "FORBIDDEN".to_owned()), "{method} {path}");
        }
        assert!(!answer.text().contains(SECRET_TITLE), "{method} {path}");
    }
    for (root, field, document, foreign) in FIELDS {
        let answer = graphql(&app, Some(&bob), document, &id).await;
        if foreign == Foreign::Forbidden {
            assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "FORBIDDEN", "{root}.{field}");
        } else if root == "Subscription" {
            // Who follows what is looked at where it can be followed: here it is refused.
            assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{root}.{field}");
        } else {
            assert_eq!(answer.json().get("errors"), None, "{root}.{field}");
        }
        assert!(!answer.text().contains(SECRET_TITLE), "{root}.{field}");
    }
    let after = app.get("ann", "/api/tasks").await;
    assert_eq!(after.json(), json!([task]));
    assert_eq!(after.header("etag"), before.header("etag"));
}

#[tokio::test]
async fn public_routes_need_no_token() {
    let app = start(Sqlite).await;
    for path in PUBLIC {
        assert_eq!(app.anonymous(Method::GET, path).send().await.status, 200, "{path}");
    }
}
