//! The routes. Checks come in the order route, token, body, owner, precondition.

use async_graphql::{Value, Variables, value};
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http::{HeaderMap, StatusCode, header};
use percent_encoding::percent_decode_str;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use super::bulk;
use super::change::Change;
use super::etag::{self, Condition};
use super::openapi::parameters::{ChangesParameters, EventsParameters, ListParameters, TaskPath, TrashParameters};
use super::openapi::schemas::{
    BulkChanges, BulkResults, Changes, CreateTask, DeletedTask, SetCompleted, Task, UpdateTask,
};
use super::query::{self, ListQuery, TrashQuery};
use super::respond::Answered;
use super::translate::{Input, take, take_text};
use super::{Operation, Rest, changes, events, respond};
use crate::error::{Error, Result};
use crate::task::{Revision, TaskId};
use crate::user::UserId;

/// All routes, each behind `guard`, which puts the [`UserId`] of the caller into the request. The guard is inside the
/// method router, so that a wrong method is told before a wrong token.
pub fn router(guard: impl Fn(MethodRouter<Rest>) -> MethodRouter<Rest>) -> OpenApiRouter<Rest> {
    let guarded = |(schemas, paths, routes): UtoipaMethodRouter<Rest>| (schemas, paths, guard(routes));
    OpenApiRouter::new()
        .routes(guarded(routes!(list_tasks, create_task)))
        .routes(guarded(routes!(get_task, update_task, delete_task)))
        .routes(guarded(routes!(complete_task)))
        .routes(guarded(routes!(restore_task)))
        .routes(guarded(routes!(list_deleted_tasks)))
        .routes(guarded(routes!(list_changes)))
        .routes(guarded(routes!(follow_changes)))
        .routes(guarded(routes!(change_tasks)))
}

/// List your tasks
///
/// All of them, newest first, as a bare array. With `limit` it is a page, and `Link` leads to the next one.
#[utoipa::path(
    get, path = "/api/tasks", tag = "tasks", operation_id = "listTasks",
    params(ListParameters),
    responses((status = 200, description = "The tasks.", body = Vec<Task>)),
)]
async fn list_tasks(
    State(rest): State<Rest>,
    Extension(user): Extension<UserId>,
    request: Request,
) -> Result<Response> {
    let query = ListQuery::parse(request.uri().query().unwrap_or_default())?;
    let variables = query.variables()?;
    // What a caller has already need not be read to find that out.
    if request.headers().contains_key(header::IF_NONE_MATCH) {
        let mut viewer = rest.run(Operation::ListRevision, Variables::default(), &user, None).await?;
        let etag = etag::of_list(&take_text(&mut viewer, "revision")?, &user, &variables)?;
        if etag::none_match_exactly(request.headers(), &etag) {
            return Ok(respond::not_modified(etag));
        }
    }
    let mut list = rest.run(Operation::ListTasks, variables.clone(), &user, None).await?;
    let etag = etag::of_list(&take_text(&mut list, "revision")?, &user, &variables)?;
    if etag::none_match(request.headers(), &etag) {
        return Ok(respond::not_modified(etag));
    }
    let body = respond::written(take(&mut list, "nodes")?);
    respond::page(body, etag, take(&mut list, "pageInfo")?, |cursor| query.next(cursor))
}

/// Make a task
///
/// One more than the quota of the service allows is refused (`QUOTA_EXCEEDED`).
#[utoipa::path(
    post, path = "/api/tasks", tag = "tasks", operation_id = "createTask",
    request_body(content = CreateTask, examples(
        ("with a description" = (value = json!({ "title": "Buy milk", "description": "2 litres" }))),
        ("title alone" = (value = json!({ "title": "Buy milk" }))),
    )),
    responses((status = 201, description = "The task.", body = Task)),
)]
async fn create_task(
    State(rest): State<Rest>,
    Extension(user): Extension<UserId>,
    request: Request,
) -> Result<Response> {
    let mut change = Change::read(request, rest.0.bounds).await?;
    let body = change.required_body()?;
    let mut input = Input::default();
    input.required_text(&body, "title");
    input.text(&body, "description", true);
    let task = changed_task(&rest, Operation::CreateTask, input, &user, &change).await?;
    Ok(change.answer(respond::created(&task)?))
}

/// Read a task
#[utoipa::path(
    get, path = "/api/tasks/{id}", tag = "tasks", operation_id = "getTask",
    params(TaskPath),
    responses((status = 200, description = "The task.", body = Task)),
)]
async fn get_task(State(rest): State<Rest>, Extension(user): Extension<UserId>, request: Request) -> Result<Response> {
    let task = read_task(&rest, &id_of(&request)?, &user).await?;
    let response = respond::task(&task)?;
    match response.headers().get(header::ETAG) {
        Some(etag) if etag::none_match(request.headers(), etag) => Ok(respond::not_modified(etag.clone())),
        _ => Ok(response),
    }
}

/// Change a task
///
/// Changes what is present and leaves what is absent; a `description` of null clears it.
#[utoipa::path(
    put, path = "/api/tasks/{id}", tag = "tasks", operation_id = "updateTask",
    params(TaskPath),
    request_body(content = UpdateTask, examples(
        ("rename" = (value = json!({ "title": "Buy oat milk" }))),
        ("clear the description" = (value = json!({ "description": null }))),
        ("change all" = (value = json!({ "title": "Buy milk", "description": "1 litre", "completed": true }))),
    )),
    responses((status = 200, description = "The task as it is now.", body = Task)),
)]
async fn update_task(
    State(rest): State<Rest>,
    Extension(user): Extension<UserId>,
    request: Request,
) -> Result<Response> {
    let id = id_of(&request)?;
    let mut change = Change::read(request, rest.0.bounds).await?;
    let body = change.required_body()?;
    let fill = |input: &mut Input| {
        input.text(&body, "title", false);
        input.text(&body, "description", true);
        input.flag(&body, "completed");
    };
    let task = change_task(&rest, Operation::UpdateTask, &id, &user, &change, fill).await?;
    Ok(change.answer(respond::task(&task)?))
}

/// Complete, reopen or toggle a task
///
/// Without a body, or with `{}`, it toggles; with `completed` it sets.
#[utoipa::path(
    patch, path = "/api/tasks/{id}/complete", tag = "tasks", operation_id = "completeTask",
    params(TaskPath),
    request_body(content = Option<SetCompleted>, examples(
        ("toggle" = (value = json!({}))),
        ("complete" = (value = json!({ "completed": true }))),
        ("reopen" = (value = json!({ "completed": false }))),
    )),
    responses((status = 200, description = "The task as it is now.", body = Task)),
)]
async fn complete_task(
    State(rest): State<Rest>,
    Extension(user): Extension<UserId>,
    request: Request,
) -> Result<Response> {
    let id = id_of(&request)?;
    let mut change = Change::read(request, rest.0.bounds).await?;
    let body = change.body();
    let operation = if body.contains_key("completed") { Operation::SetTaskCompleted } else { Operation::ToggleTask };
    let fill = |input: &mut Input| input.flag(&body, "completed");
    let task = change_task(&rest, operation, &id, &user, &change, fill).await?;
    Ok(change.answer(respond::task(&task)?))
}

/// Delete a task
#[utoipa::path(
    delete, path = "/api/tasks/{id}", tag = "tasks", operation_id = "deleteTask",
    params(TaskPath),
    responses((status = 204, description = "It is gone.")),
)]
async fn delete_task(
    State(rest): State<Rest>,
    Extension(user): Extension<UserId>,
    request: Request,
) -> Result<Response> {
    let id = id_of(&request)?;
    let change = Change::without_body(request)?;
    let expected = expected(&rest, &id, &change.headers, &user).await;
    let variables = Input::of_task(&id, expected).into_variables()?;
    rest.run(Operation::DeleteTask, variables, &user, change.keyed.as_ref()).await?;
    Ok(change.answer(StatusCode::NO_CONTENT.into_response()))
}

/// Restore a deleted task
///
/// It is as it was, under a new revision. A task that is not deleted is answered as it is; one whose deletion is no longer
/// remembered is gone. One more than the quota of the service allows is refused (`QUOTA_EXCEEDED`).
#[utoipa::path(
    post, path = "/api/tasks/{id}/restore", tag = "tasks", operation_id = "restoreTask",
    params(TaskPath),
    responses((status = 200, description = "The task as it is now.", body = Task)),
)]
async fn restore_task(
    State(rest): State<Rest>,
    Extension(user): Extension<UserId>,
    request: Request,
) -> Result<Response> {
    let id = id_of(&request)?;
    let change = Change::without_body(request)?;
    let restore = async |expected: Option<Revision>| {
        changed_task(&rest, Operation::RestoreTask, Input::of_task(&id, expected), &user, &change).await
    };
    let task = match etag::condition(&change.headers) {
        Condition::None => restore(None).await,
        Condition::Is(revision) => restore(Some(revision)).await,
        // A deleted task cannot be read, so the refusal says which of several is meant.
        Condition::IsAmong(revisions) => match restore(Some(Revision::ZERO)).await {
            Err(Error::PreconditionFailed { current }) if revisions.contains(&current) => restore(Some(current)).await,
            other => other,
        },
    }?;
    Ok(change.answer(respond::task(&task)?))
}

/// List deleted tasks
///
/// Those that can be restored, the latest deletion first; `Link` leads to the next page.
#[utoipa::path(
    get, path = "/api/tasks/trash", tag = "tasks", operation_id = "listDeletedTasks",
    params(TrashParameters),
    responses((status = 200, description = "The deleted tasks.", body = Vec<DeletedTask>)),
)]
async fn list_deleted_tasks(
    State(rest): State<Rest>,
    Extension(user): Extension<UserId>,
    request: Request,
) -> Result<Response> {
    let query = TrashQuery::parse(request.uri().query().unwrap_or_default())?;
    let mut trash = rest.run(Operation::ListDeletedTasks, query.variables()?, &user, None).await?;
    let body = respond::written(take(&mut trash, "nodes")?);
    let etag = etag::of_body(&take_text(&mut trash, "revision")?, &user, &body)?;
    if etag::none_match(request.headers(), &etag) {
        return Ok(respond::not_modified(etag));
    }
    respond::page(body, etag, take(&mut trash, "pageInfo")?, |cursor| query.next(cursor))
}

/// List what changed
///
/// Each task once, as it is now, in the order of revisions. Apply the changes in that order and ask again with the
/// `revision` of the answer, at once while there is more. `since=0` answers every task. A `reset` says that the feed does
/// not reach back that far, or that `since` never was: fetch everything again, and go on from the revision of the reset.
#[utoipa::path(
    get, path = "/api/tasks/changes", tag = "tasks", operation_id = "listChanges",
    params(ChangesParameters),
    responses((status = 200, description = "What changed.", body = Changes)),
)]
async fn list_changes(
    State(rest): State<Rest>,
    Extension(user): Extension<UserId>,
    request: Request,
) -> Result<Response> {
    let variables = query::changes(request.uri().query().unwrap_or_default())?;
    let (page, revision) = changes::page(rest.run(Operation::TaskChanges, variables, &user, None).await?)?;
    let body = respond::written(page);
    let etag = etag::of_body(&revision, &user, &body)?;
    if etag::none_match(request.headers(), &etag) {
        return Ok(respond::not_modified(etag));
    }
    let mut response = respond::json(StatusCode::OK, body);
    response.headers_mut().insert(header::ETAG, etag);
    Ok(response)
}

/// Follow what changes
///
/// A stream of server-sent events that does not end: after `Last-Event-ID` or `since` first what changed meanwhile, then
/// what changes. Each event is called by its type, has the revision to go on from as its id, and a change as its data. It
/// is cut when the token expires.
#[utoipa::path(
    get, path = "/api/tasks/events", tag = "tasks", operation_id = "followChanges",
    params(EventsParameters),
    responses((
        status = 200, description = "What changes.", content_type = "text/event-stream", body = String,
        example = "event: deleted\nid: 1767952800123457\n\
                   data: {\"type\":\"deleted\",\"revision\":\"1767952800123457\",\"id\":2}\n\n",
    )),
)]
async fn follow_changes(
    State(rest): State<Rest>,
    Extension(user): Extension<UserId>,
    request: Request,
) -> Result<Response> {
    let last = events::last_event(request.headers());
    let variables = query::events(request.uri().query().unwrap_or_default(), last)?;
    let changes = rest.follow(Operation::TaskEvents, variables, &user)?;
    Ok(events::stream(events::of_changes(changes)))
}

/// Make many changes
///
/// All of them, or none: 1 to 100, in this order, in one transaction. An error names the change that it is about,
/// counted from 0. Each change has a revision of its own; changes of the same task apply one after the other. A change
/// with a `revision` is made only while it is that of the task, before all of these changes.
#[utoipa::path(
    post, path = "/api/tasks/bulk", tag = "tasks", operation_id = "changeTasks",
    request_body(content = BulkChanges, examples(
        ("make some" = (value = json!([
            { "op": "create", "title": "Buy milk", "description": "2 litres" }, { "op": "create", "title": "Buy bread" },
        ]))),
        ("change some" = (value = json!([
            { "op": "update", "id": 1, "title": "Buy oat milk" }, { "op": "complete", "id": 1 },
            { "op": "create", "title": "Drink it" },
        ]))),
        ("reopen and delete" = (value = json!([
            { "op": "complete", "id": 1, "completed": false }, { "op": "delete", "id": 2 },
        ]))),
    )),
    responses((status = 200, description = "What each change left, in their order.", body = BulkResults)),
)]
async fn change_tasks(
    State(rest): State<Rest>,
    Extension(user): Extension<UserId>,
    request: Request,
) -> Result<Response> {
    let mut change = Change::read_list(request, rest.0.bounds).await?;
    let variables = bulk::variables(&change.required_body()?)?;
    let changed = rest.run(Operation::ChangeTasks, variables, &user, change.keyed.as_ref()).await?;
    Ok(change.answer(respond::json(StatusCode::OK, respond::written(changed))))
}

/// The id in the path, once it is known to be one.
fn id_of(request: &Request) -> Result<String> {
    let segment = request.uri().path().split('/').nth(3).unwrap_or_default();
    let id = percent_decode_str(segment).decode_utf8_lossy();
    TaskId::parse(&id).map_err(|problem| problem.at("id").at("path"))?;
    Ok(id.into_owned())
}

async fn read_task(rest: &Rest, id: &str, user: &UserId) -> Result<Answered> {
    match rest.run(Operation::GetTask, Variables::from_value(value!({ "id": id })), user, None).await? {
        Value::Null => Err(Error::NoSuchTask),
        task => Answered::of(task),
    }
}

/// The revision that the task must have, by the caller's `If-Match`. The schema takes one; of several, the one that
/// the task has now is the one that is meant, and the change itself checks that it still has it. When none of them is,
/// the change is asked to fail, so that whatever else is wrong is told first, in the one order there is.
async fn expected(rest: &Rest, id: &str, headers: &HeaderMap, user: &UserId) -> Option<Revision> {
    match etag::condition(headers) {
        Condition::None => None,
        Condition::Is(revision) => Some(revision),
        Condition::IsAmong(revisions) => {
            let current = read_task(rest, id, user).await.and_then(|task| task.revision()).ok();
            Some(current.filter(|current| revisions.contains(current)).unwrap_or(Revision::ZERO))
        }
    }
}

async fn change_task(
    rest: &Rest,
    operation: Operation,
    id: &str,
    user: &UserId,
    change: &Change,
    fill: impl FnOnce(&mut Input),
) -> Result<Answered> {
    let mut input = Input::of_task(id, expected(rest, id, &change.headers, user).await);
    fill(&mut input);
    changed_task(rest, operation, input, user, change).await
}

async fn changed_task(
    rest: &Rest,
    operation: Operation,
    input: Input,
    user: &UserId,
    change: &Change,
) -> Result<Answered> {
    let mut payload = rest.run(operation, input.into_variables()?, user, change.keyed.as_ref()).await?;
    Answered::of(take(&mut payload, "task")?)
}
