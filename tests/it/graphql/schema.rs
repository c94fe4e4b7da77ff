//! The schema as callers see it, and the text of it that is committed.

use std::collections::BTreeSet;

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, ServiceDocument, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use http::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Sqlite, start};

/// What callers rely on, without descriptions.
const CONTRACT: &str = "
    scalar BigInt
    scalar DateTime
    scalar Revision
    type Query {
        viewer: Viewer!
        task(id: ID!): Task
        tasks(first: Int, after: String, last: Int, before: String, filter: TaskFilter, orderBy: TaskOrder): TaskConnection!
        taskChanges(after: Revision!, first: Int): TaskChangeConnection!
        deletedTasks(first: Int, after: String): DeletedTaskConnection!
    }
    type Subscription { taskChanges(after: Revision): TaskChange! }
    union TaskChange = TaskUpserted | TaskDeleted | FeedReset
    type TaskUpserted { revision: Revision! task: Task! }
    type TaskDeleted { revision: Revision! taskId: ID! }
    type FeedReset { revision: Revision! }
    type TaskChangeConnection {
        edges: [TaskChangeEdge!]! nodes: [TaskChange!]! pageInfo: PageInfo! revision: Revision!
    }
    type DeletedTaskConnection {
        edges: [DeletedTaskEdge!]! nodes: [DeletedTask!]! pageInfo: PageInfo! revision: Revision!
    }
    type DeletedTaskEdge { cursor: String! node: DeletedTask! }
    type DeletedTask { task: Task! deletedAt: DateTime! }
    type TaskChangeEdge { cursor: String! node: TaskChange! }
    type Viewer { id: ID! revision: Revision! taskCounts: TaskCounts! }
    type TaskCounts { total: Int! pending: Int! completed: Int! }
    type Task {
        id: ID! databaseId: BigInt! title: String! description: String completed: Boolean!
        createdAt: DateTime! updatedAt: DateTime! revision: Revision!
    }
    type TaskConnection { edges: [TaskEdge!]! nodes: [Task!]! pageInfo: PageInfo! totalCount: Int! revision: Revision! }
    type TaskEdge { cursor: String! node: Task! }
    type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
    enum TaskStatus { PENDING COMPLETED }
    enum TaskOrderField { CREATED_AT UPDATED_AT TITLE }
    enum OrderDirection { ASC DESC }
    input TaskFilter { status: TaskStatus search: String }
    input TaskOrder { field: TaskOrderField! direction: OrderDirection! }
    type Mutation {
        createTask(input: CreateTaskInput!): CreateTaskPayload!
        updateTask(input: UpdateTaskInput!): UpdateTaskPayload!
        toggleTask(input: ToggleTaskInput!): ToggleTaskPayload!
        setTaskCompleted(input: SetTaskCompletedInput!): SetTaskCompletedPayload!
        deleteTask(input: DeleteTaskInput!): DeleteTaskPayload!
        restoreTask(input: RestoreTaskInput!): RestoreTaskPayload!
        createTasks(input: CreateTasksInput!): CreateTasksPayload!
        updateTasks(input: UpdateTasksInput!): UpdateTasksPayload!
        completeTasks(input: CompleteTasksInput!): CompleteTasksPayload!
        deleteTasks(input: DeleteTasksInput!): DeleteTasksPayload!
        changeTasks(input: ChangeTasksInput!): ChangeTasksPayload!
        clearCompletedTasks: ClearCompletedTasksPayload!
    }
    input CreateTasksInput { tasks: [CreateTaskInput!]! }
    input UpdateTasksInput { tasks: [UpdateTaskInput!]! }
    input CompleteTasksInput { ids: [ID!]! completed: Boolean! }
    input DeleteTasksInput { ids: [ID!]! }
    input ChangeTasksInput { changes: [TaskChangeInput!]! }
    input TaskChangeInput @oneOf {
        create: CreateTaskInput update: UpdateTaskInput setCompleted: SetTaskCompletedInput delete: DeleteTaskInput
    }
    type CreateTasksPayload { tasks: [Task!]! }
    type UpdateTasksPayload { tasks: [Task!]! }
    type CompleteTasksPayload { tasks: [Task!]! }
    type DeleteTasksPayload { deletedTaskIds: [ID!]! revision: Revision! }
    type ChangeTasksPayload { results: [ChangedTask!]! }
    type ChangedTask { task: Task revision: Revision! }
    type ClearCompletedTasksPayload { deletedTaskIds: [ID!]! revision: Revision! hasMore: Boolean! }
    input CreateTaskInput { title: String! description: String }
    input UpdateTaskInput { id: ID! title: String description: String completed: Boolean expectedRevision: Revision }
    input ToggleTaskInput { id: ID! expectedRevision: Revision }
    input SetTaskCompletedInput { id: ID! completed: Boolean! expectedRevision: Revision }
    input RestoreTaskInput { id: ID! expectedRevision: Revision }
    type RestoreTaskPayload { task: Task! }
    input DeleteTaskInput { id: ID! expectedRevision: Revision }
    type CreateTaskPayload { task: Task! }
    type UpdateTaskPayload { task: Task! }
    type ToggleTaskPayload { task: Task! }
    type SetTaskCompletedPayload { task: Task! }
    type DeleteTaskPayload { deletedTaskId: ID! revision: Revision! }
";

#[test]
fn the_committed_schema_is_the_one_that_is_served() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql")).unwrap();
    let current = taskgate::graphql::sdl();
    assert!(committed == current, "schema.graphql is out of date; run: cargo run -- schema > schema.graphql");
    assert!(current.ends_with("}\n"), "it ends with one line's end");
}

#[test]
fn the_schema_is_the_contracts() {
    let lines = |text: &str| lines(&parse_schema(text).unwrap());
    let (contract, schema) = (lines(CONTRACT), lines(&taskgate::graphql::sdl()));
    let missing: Vec<_> = contract.difference(&schema).collect();
    let extra: Vec<_> = schema.difference(&contract).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing: {missing:#?}, not in the contract: {extra:#?}");
}

#[test]
fn everything_is_described() {
    let document = parse_schema(taskgate::graphql::sdl()).unwrap();
    let mut bare = Vec::new();
    for definition in types(&document) {
        let name = &definition.name.node;
        let mut look = |place: String, description: &Option<Positioned<String>>| {
            let text = description.as_ref().map(|text| text.node.trim()).unwrap_or_default();
            if !text.ends_with('.') {
                bare.push(place);
            }
        };
        look(name.to_string(), &definition.description);
        for field in fields(definition) {
            look(format!("{name}.{}", field.name.node), &field.description);
            for argument in &field.arguments {
                let argument = &argument.node;
                look(format!("{name}.{}({})", field.name.node, argument.name.node), &argument.description);
            }
        }
        for member in members(definition) {
            look(format!("{name}.{}", member.name.node), &member.description);
        }
        if let TypeKind::Enum(values) = &definition.kind {
            for value in &values.values {
                look(format!("{name}.{}", value.node.value.node), &value.node.description);
            }
        }
    }
    assert!(bare.is_empty(), "without a sentence that says what it is: {bare:#?}");
}

/// The REST routes run their documents unchecked, so each is checked here as a caller's would be.
#[rstest]
#[tokio::test]
async fn the_operations_of_rest_validate(#[values(Sqlite)] backend: Backend) {
    let app = start(backend).await;
    let task = app.make("ann", "milk").await;
    for (name, document) in taskgate::rest::OPERATIONS {
        let input = match name {
            "create_task" => json!({ "title": "bread", "description": null }),
            "update_task" => json!({ "id": task["id"], "title": "bread", "description": "1 kg", "completed": true }),
            "toggle_task" => json!({ "id": task["id"], "expectedRevision": null }),
            "set_task_completed" => json!({ "id": task["id"], "completed": true }),
            "delete_task" | "restore_task" => json!({ "id": task["id"] }),
            "change_tasks" => json!({ "changes": [{ "create": { "title": "bread", "description": null } }] }),
            _ => Value::Null,
        };
        let variables = match name {
            "get_task" => json!({ "id": task["id"] }),
            "list_tasks" => json!({
                "filter": { "status": "PENDING", "search": "milk" }, "first": 10, "after": null,
                "orderBy": { "field": "TITLE", "direction": "ASC" },
            }),
            "task_changes" => json!({ "after": "0", "first": 10 }),
            "list_deleted_tasks" => json!({ "after": "7", "first": 10 }),
            _ => json!({ "input": input }),
        };
        let answer = if name == "task_events" {
            let body = json!({ "query": document, "variables": { "after": "0" } });
            let call = app.call("ann", Method::POST, "/graphql").header("accept", "text/event-stream").json(&body);
            let told = call.send().await.text();
            let first = told.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
            serde_json::from_str(first).unwrap()
        } else {
            app.graphql("ann", document, variables).await
        };
        assert!(answer.get("errors").is_none(), "{name}: {answer}");
        assert_eq!(answer["data"].as_object().unwrap().len(), 1, "{name} has one root field");
    }
}

/// One line for each type, field and value, with its arguments and types.
fn lines(document: &ServiceDocument) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for definition in types(document) {
        let name = &definition.name.node;
        let kind = match &definition.kind {
            TypeKind::Scalar => "scalar",
            TypeKind::Object(_) => "type",
            TypeKind::Interface(_) => "interface",
            TypeKind::Union(_) => "union",
            TypeKind::Enum(_) => "enum",
            TypeKind::InputObject(_) => "input",
        };
        lines.insert(format!("{kind} {name}"));
        for field in fields(definition) {
            let arguments: Vec<String> = field.arguments.iter().map(|argument| line(&argument.node)).collect();
            lines.insert(format!("{name}.{}({}): {}", field.name.node, arguments.join(", "), field.ty.node));
        }
        lines.extend(members(definition).map(|member| format!("{name}.{}", line(member))));
        if let TypeKind::Union(union) = &definition.kind {
            lines.extend(union.members.iter().map(|member| format!("{name} = {}", member.node)));
        }
        if let TypeKind::Enum(values) = &definition.kind {
            lines.extend(values.values.iter().map(|value| format!("{name}.{}", value.node.value.node)));
        }
    }
    lines
}

fn line(input: &InputValueDefinition) -> String {
    let default = input.default_value.as_ref().map(|value| format!(" = {}", value.node)).unwrap_or_default();
    format!("{}: {}{default}", input.name.node, input.ty.node)
}

fn types(document: &ServiceDocument) -> impl Iterator<Item = &TypeDefinition> {
    document.definitions.iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some(&definition.node),
        _ => None,
    })
}

fn fields(definition: &TypeDefinition) -> impl Iterator<Item = &FieldDefinition> {
    let fields = match &definition.kind {
        TypeKind::Object(object) => object.fields.as_slice(),
        _ => &[],
    };
    fields.iter().map(|field| &field.node)
}

fn members(definition: &TypeDefinition) -> impl Iterator<Item = &InputValueDefinition> {
    let members = match &definition.kind {
        TypeKind::InputObject(input) => input.fields.as_slice(),
        _ => &[],
    };
    members.iter().map(|member| &member.node)
}
