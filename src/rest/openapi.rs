//! The OpenAPI document of the REST routes, made from the routes themselves.

use serde::Serialize;
use utoipa::ToSchema;

/// A task, with exactly these members.
#[derive(Debug, Serialize, ToSchema)]
pub struct Task {
    pub id: i64,
    pub title: String,
    pub description: Option<String>,
    pub completed: bool,
    pub created_at: String,
    pub updated_at: String,
}

/// A task to make.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreateTask {
    pub title: String,
    pub description: Option<String>,
}

/// What to change of a task.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpdateTask {
    pub title: Option<String>,
    pub description: Option<String>,
    pub completed: Option<bool>,
}

/// Whether a task is done.
#[derive(Debug, Serialize, ToSchema)]
pub struct SetCompleted {
    pub completed: Option<bool>,
}

/// Which tasks to list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    All,
    Pending,
    Completed,
}

/// How to order a list.
#[derive(Debug, Serialize, ToSchema)]
pub enum Sort {
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
    #[serde(rename = "updated_at")]
    UpdatedAt,
    #[serde(rename = "-updated_at")]
    UpdatedAtDescending,
    #[serde(rename = "title")]
    Title,
    #[serde(rename = "-title")]
    TitleDescending,
}

/// The document as JSON, with a line's end.
#[must_use]
pub fn document() -> String {
    let (_, document) = super::router(std::convert::identity).split_for_parts();
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}
