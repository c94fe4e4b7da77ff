//! The bodies of the routes. Nothing is read into these types: they say what the routes take and give, with the rules
//! of [`crate::task`].

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType};
use utoipa::openapi::{Array, Type};

use super::errors;
use crate::task::{Description, Title};

/// The largest id: what a JSON number holds exactly everywhere.
const MAX_ID: i64 = (1 << 53) - 1;

/// White space as `char::is_whitespace` has it, for a character class: `\s` differs between engines.
const WHITE_SPACE: &str = r"\t-\r \u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000";

/// Any text but one with a NUL.
const NO_NUL: &str = r"^[^\u0000]*$";

/// Six digits of a second, in UTC.
const TIME: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$";

/// A revision, in the one spelling that it has.
const REVISION: &str = "^(0|[1-9][0-9]{0,17})$";

/// A task, with exactly these members.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "id": 1, "title": "Buy milk", "description": "2 litres", "completed": false,
    "created_at": "2026-01-09T10:00:00.123456Z", "updated_at": "2026-01-09T10:00:00.123456Z",
})))]
pub struct Task {
    #[schema(schema_with = id)]
    pub id: i64,
    #[schema(schema_with = title)]
    pub title: String,
    #[schema(required, schema_with = description)]
    pub description: Option<String>,
    /// Whether it is done.
    pub completed: bool,
    #[schema(schema_with = created_at)]
    pub created_at: String,
    #[schema(schema_with = updated_at)]
    pub updated_at: String,
}

/// A task to make.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreateTask {
    #[schema(schema_with = new_title)]
    pub title: String,
    #[schema(schema_with = new_description)]
    pub description: Option<String>,
}

/// What to change of a task. A member that is absent leaves its part as it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpdateTask {
    #[schema(schema_with = new_title)]
    pub title: Option<String>,
    #[schema(schema_with = new_description)]
    pub description: Option<String>,
    /// Whether it is done.
    #[schema(nullable = false)]
    pub completed: Option<bool>,
}

/// Whether a task is done; toggled when absent.
#[derive(Debug, Serialize, ToSchema)]
pub struct SetCompleted {
    /// Whether it is done.
    #[schema(nullable = false)]
    pub completed: Option<bool>,
}

/// A deleted task that can be restored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "task": {
        "id": 1, "title": "Buy milk", "description": "2 litres", "completed": false,
        "created_at": "2026-01-09T10:00:00.123456Z", "updated_at": "2026-01-09T10:00:00.123456Z",
    },
    "deleted_at": "2026-01-09T11:00:00.123456Z",
})))]
pub struct DeletedTask {
    pub task: Task,
    #[schema(schema_with = deleted_at)]
    pub deleted_at: String,
}

/// Part of what changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "changes": [
        { "type": "upserted", "revision": "1767952800123456", "task": {
            "id": 1, "title": "Buy milk", "description": "2 litres", "completed": false,
            "created_at": "2026-01-09T10:00:00.123456Z", "updated_at": "2026-01-09T10:00:00.123456Z",
        } },
        { "type": "deleted", "revision": "1767952800123457", "id": 2 },
    ],
    "revision": "1767952800123457",
    "has_more": false,
})))]
pub struct Changes {
    /// In the order in which they are to be applied.
    pub changes: Vec<Change>,
    #[schema(schema_with = place_in_feed)]
    pub revision: String,
    /// Whether there is more after `revision`.
    pub has_more: bool,
}

/// What became of a task, or of the feed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Change {
    /// A task was made, changed or restored.
    Upserted {
        #[schema(schema_with = place_in_feed)]
        revision: String,
        task: Task,
    },
    /// A task was deleted.
    Deleted {
        #[schema(schema_with = place_in_feed)]
        revision: String,
        #[schema(schema_with = id)]
        id: i64,
    },
    /// The feed does not reach back: fetch everything again.
    Reset {
        #[schema(schema_with = place_in_feed)]
        revision: String,
    },
}

/// Changes to make, all or none.
#[derive(Debug, Serialize, ToSchema)]
#[schema(min_items = 1, max_items = 100)]
pub struct BulkChanges(Vec<BulkChange>);

/// One of many changes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum BulkChange {
    /// Make a task.
    Create {
        #[schema(schema_with = new_title)]
        title: String,
        #[schema(schema_with = new_description)]
        description: Option<String>,
    },
    /// Change what is present of a task and leave what is absent.
    Update {
        #[schema(schema_with = named)]
        id: i64,
        #[schema(schema_with = new_title)]
        title: Option<String>,
        #[schema(schema_with = new_description)]
        description: Option<String>,
        /// Whether it is done.
        #[schema(nullable = false)]
        completed: Option<bool>,
        #[schema(schema_with = expected)]
        revision: Option<String>,
    },
    /// Complete a task, or reopen it.
    Complete {
        #[schema(schema_with = named)]
        id: i64,
        /// Whether it is done; it is when absent.
        #[schema(nullable = false)]
        completed: Option<bool>,
        #[schema(schema_with = expected)]
        revision: Option<String>,
    },
    /// Delete a task.
    Delete {
        #[schema(schema_with = named)]
        id: i64,
        #[schema(schema_with = expected)]
        revision: Option<String>,
    },
}

/// What many changes left.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "results": [
        {
            "revision": "1767952800123456",
            "task": {
                "id": 1, "title": "Buy milk", "description": "2 litres", "completed": false,
                "created_at": "2026-01-09T10:00:00.123456Z", "updated_at": "2026-01-09T10:00:00.123456Z",
            },
        },
        { "revision": "1767952800123457", "task": null },
    ],
})))]
pub struct BulkResults {
    /// What each change left, in their order.
    pub results: Vec<BulkResult>,
}

/// What one of many changes left.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkResult {
    #[schema(schema_with = revision)]
    pub revision: String,
    /// The task after this change, or null where it deleted it.
    #[schema(required)]
    pub task: Option<Task>,
}

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// One word.
    pub status: String,
}

/// Why a request was not answered as asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    /// One sentence for a person.
    pub detail: String,
    #[schema(schema_with = errors::codes)]
    pub code: String,
}

/// Which rules the request breaks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ValidationError)]
pub struct ValidationErrorBody {
    /// One sentence for a person, with all that is wrong.
    pub detail: String,
    #[schema(schema_with = errors::validation_code)]
    pub code: String,
    /// Each broken rule.
    #[schema(min_items = 1)]
    pub errors: Vec<Problem>,
}

/// A broken rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    #[schema(schema_with = place)]
    pub loc: Vec<String>,
    /// What is wrong with it, for a person.
    pub msg: String,
    /// A stable name of the rule.
    #[serde(rename = "type")]
    pub kind: String,
}

fn string(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn place_in_feed() -> Object {
    let pattern = r"^(0|[1-9][0-9]*(\.[1-9][0-9]*)?)$";
    string("Where to go on from, for `since`: not to be looked into.").pattern(Some(pattern)).build()
}

fn id() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
    ObjectBuilder::new().schema_type(Type::Integer).format(Some(format)).minimum(Some(1)).maximum(Some(MAX_ID)).build()
}

/// An id that is sent: what no task can have names nothing, and is no error of the body.
fn named() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).description(Some("Which task.")).build()
}

fn revision() -> Object {
    string("The revision of this change; where it changed nothing, that of the task.").pattern(Some(REVISION)).build()
}

fn expected() -> Object {
    string("Change it only while this is its revision: its `ETag` without the quotes.").pattern(Some(REVISION)).build()
}

fn title() -> Object {
    string("What is to be done.").min_length(Some(1)).max_length(Some(Title::MAX_CHARS)).build()
}

/// A length bounds what is sent, white space around it and all; the rule is on what is left of it.
fn new_title() -> Object {
    let rest = Title::MAX_CHARS - 1;
    let pattern = format!("^[{WHITE_SPACE}]*[^{WHITE_SPACE}\\u0000][^\\u0000]{{0,{rest}}}[{WHITE_SPACE}]*$");
    let description =
        format!("What is to be done: 1 to {} characters once white space around it is trimmed.", Title::MAX_CHARS);
    string(&description).pattern(Some(pattern)).build()
}

fn nullable(description: &str) -> ObjectBuilder {
    string(description)
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .max_length(Some(Description::MAX_CHARS))
}

fn description() -> Object {
    nullable("More about it.").build()
}

fn new_description() -> Object {
    nullable("More about it, kept as sent; null for none.").pattern(Some(NO_NUL)).build()
}

fn time(description: &str) -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    string(description).format(Some(format)).pattern(Some(TIME)).build()
}

fn created_at() -> Object {
    time("When it was made.")
}

fn updated_at() -> Object {
    time("When it was last changed.")
}

fn deleted_at() -> Object {
    time("When it was deleted.")
}

/// The way to a value: the part of the request, then the name in it.
fn place() -> Array {
    ArrayBuilder::new()
        .items(ObjectBuilder::new().schema_type(Type::String))
        .description(Some("Where: `body`, `query` or `path`, and the name in it."))
        .build()
}
