//! The parameters of the routes, in the path and in the query.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// Which task.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct TaskPath {
    /// The id of the task. Digits that no task has as its id are 404, anything else is 422.
    #[param(minimum = 1, maximum = 9_007_199_254_740_991_i64, example = 1)]
    pub id: i64,
}

/// Which tasks to list, and how.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// Which tasks.
    #[param(inline)]
    pub status: Option<Status>,
    /// Only tasks whose title or description has this text, whatever its case. No character is a wildcard.
    #[param(max_length = 200, pattern = r"^[^\u0000]*$", example = "milk")]
    pub search: Option<String>,
    /// The order; a leading `-` is for descending. Ties break by id.
    #[param(inline)]
    pub sort: Option<Sort>,
    /// At most this many tasks; all without.
    #[param(minimum = 1, maximum = 100, example = 50)]
    pub limit: Option<i32>,
    /// Where to go on: from the `Link` of the page before, with the same `status`, `search` and `sort`.
    #[param(pattern = "^[A-Za-z0-9_-]+$", example = "AQFsyZzSSpG-XAAAAAAAAAALAAZgwzXT73w")]
    pub cursor: Option<String>,
}

/// Which deleted tasks to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TrashParameters {
    /// At most this many tasks; 50 without.
    #[param(minimum = 1, maximum = 100, example = 50)]
    pub limit: Option<i32>,
    /// Where to go on: from the `Link` of the page before.
    #[param(pattern = "^(0|[1-9][0-9]{0,17})$", example = "1767952800123456")]
    pub cursor: Option<String>,
}

/// Which changes to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangesParameters {
    /// The `revision` of the answer or of the change that one has already; 0 for a client that has nothing.
    #[param(pattern = r"^(0|[1-9][0-9]*(\.[1-9][0-9]*)?)$", example = "0")]
    pub since: String,
    /// At most this many changes; 50 without.
    #[param(minimum = 1, maximum = 100, example = 50)]
    pub limit: Option<i32>,
}

/// Which changes to follow.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventsParameters {
    /// The `revision` of what one has already; without, and without `Last-Event-ID`, only what changes from now on.
    #[param(pattern = r"^(0|[1-9][0-9]*(\.[1-9][0-9]*)?)$", example = "0")]
    pub since: Option<String>,
}

/// Which tasks to list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(default = "all")]
pub enum Status {
    All,
    Pending,
    Completed,
}

/// How to order a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(default = "-created_at")]
pub enum Sort {
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-updated_at")]
    UpdatedAtDescending,
    #[serde(rename = "updated_at")]
    UpdatedAt,
    #[serde(rename = "-title")]
    TitleDescending,
    #[serde(rename = "title")]
    Title,
}
