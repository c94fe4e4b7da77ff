//! The routes, and the statement of each.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::fmt::StdFmtWrite;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Serialize, Serializer};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

use crate::App;
use crate::auth::User;

/// taskgate's pool has ten connections, one of which is for reads.
const WRITERS: usize = 9;

const ONE: &str = "SELECT id, title, description, completed, created_at, updated_at FROM tasks
    WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL";

const LIST: &str = "SELECT id, title, description, completed, created_at, updated_at FROM tasks
    WHERE user_id = $1 AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $2";

const PAGE: &str = "SELECT id, title, description, completed, created_at, updated_at FROM tasks
    WHERE user_id = $1 AND deleted_at IS NULL AND created_at <= $3 AND (created_at < $3 OR id < $4)
    ORDER BY created_at DESC, id DESC LIMIT $2";

const CREATE: &str = "WITH bump AS (
        INSERT INTO owners (user_id, revision, task_count) VALUES ($1, $5, 1)
        ON CONFLICT (user_id) DO UPDATE SET revision = owners.revision + 1, task_count = owners.task_count + 1
        WHERE owners.task_count < 50000 RETURNING revision
    )
    INSERT INTO tasks (user_id, title, description, completed, created_at, updated_at, revision, title_folded,
        description_folded)
    SELECT $1, $2, $3, FALSE, $4, $4, revision, $6, $7 FROM bump
    RETURNING id, title, description, completed, created_at, updated_at";

const TOGGLE: &str = "WITH bump AS (
        UPDATE owners SET revision = revision + 1 WHERE user_id = $2 AND EXISTS (
            SELECT FROM tasks WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE)
        RETURNING revision
    )
    UPDATE tasks SET completed = NOT completed, updated_at = $3, revision = bump.revision FROM bump
    WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL
    RETURNING id, title, description, completed, created_at, updated_at";

type Answer<T> = Result<T, StatusCode>;

struct Reader {
    client: Client,
    one: Statement,
    list: Statement,
    page: Statement,
}

struct Writer {
    /// How many changes wait for it.
    waiting: AtomicUsize,
    client: Client,
    create: Statement,
    toggle: Statement,
}

/// Counts one who waits, until it is dropped: a caller may go away in the middle.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn on(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The connections, each with its statements prepared.
pub struct Database {
    reader: Reader,
    writers: Vec<Writer>,
}

impl Database {
    /// # Errors
    /// The database cannot be reached, or its tables are not taskgate's.
    pub async fn connect(url: &str) -> Result<Self, tokio_postgres::Error> {
        let client = connection(url).await?;
        let (one, list, page) = (client.prepare(ONE).await?, client.prepare(LIST).await?, client.prepare(PAGE).await?);
        let mut writers = Vec::new();
        for _ in 0..WRITERS {
            let client = connection(url).await?;
            let (create, toggle) = (client.prepare(CREATE).await?, client.prepare(TOGGLE).await?);
            writers.push(Writer { waiting: AtomicUsize::new(0), client, create, toggle });
        }
        Ok(Self { reader: Reader { client, one, list, page }, writers })
    }

    /// Runs a statement that `pick` chooses on the connection that the fewest wait for.
    async fn write(&self, pick: fn(&Writer) -> &Statement, values: &[&(dyn ToSql + Sync)]) -> Answer<Json<Task>> {
        let idlest = self.writers.iter().min_by_key(|writer| writer.waiting.load(Ordering::Relaxed));
        let writer = idlest.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
        let _waiting = Waiting::on(&writer.waiting);
        found(writer.client.query_opt(pick(writer), values).await)
    }
}

async fn connection(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A task as REST shows it.
#[derive(Serialize)]
pub struct Task {
    id: i64,
    title: String,
    description: Option<String>,
    completed: bool,
    #[serde(serialize_with = "with_micros")]
    created_at: Timestamp,
    #[serde(serialize_with = "with_micros")]
    updated_at: Timestamp,
}

impl From<&Row> for Task {
    fn from(row: &Row) -> Self {
        Self {
            id: row.get(0),
            title: row.get(1),
            description: row.get(2),
            completed: row.get(3),
            created_at: row.get(4),
            updated_at: row.get(5),
        }
    }
}

/// RFC 3339 with six digits of a second.
fn with_micros<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    struct Micros(Timestamp);
    impl Display for Micros {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
            PRINTER.print_timestamp(&self.0, StdFmtWrite(f)).map_err(|_| fmt::Error)
        }
    }
    serializer.collect_str(&Micros(*time))
}

/// `GET /api/tasks/{id}`
pub async fn one(State(app): State<Arc<App>>, user: User, Path(id): Path<i64>) -> Answer<Json<Task>> {
    let reader = &app.database.reader;
    let row = reader.client.query_opt(&reader.one, &[&id, &user.0]).await;
    found(row)
}

/// The query of `GET /api/tasks`.
#[derive(Deserialize)]
pub struct ListQuery {
    limit: i64,
    cursor: Option<String>,
}

/// `GET /api/tasks?limit=&cursor=`, newest first. The cursor is taskgate's.
pub async fn list(State(app): State<Arc<App>>, user: User, Query(query): Query<ListQuery>) -> Answer<Json<Vec<Task>>> {
    let reader = &app.database.reader;
    let rows = match query.cursor {
        None => reader.client.query(&reader.list, &[&user.0, &query.limit]).await,
        Some(cursor) => {
            let (created_at, id) = place(&cursor).ok_or(StatusCode::UNPROCESSABLE_ENTITY)?;
            reader.client.query(&reader.page, &[&user.0, &query.limit, &created_at, &id]).await
        }
    };
    rows.map(|rows| Json(rows.iter().map(Task::from).collect())).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// The time and the id in a cursor; before them are its version, the order and a hash of the filter.
fn place(cursor: &str) -> Option<(Timestamp, i64)> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let number = |from: usize| bytes.get(from..from + 8)?.try_into().ok().map(i64::from_be_bytes);
    Some((Timestamp::from_microsecond(number(18)?).ok()?, number(10)?))
}

/// The body of `POST /api/tasks`.
#[derive(Deserialize)]
pub struct NewTask {
    title: String,
    description: Option<String>,
}

/// `POST /api/tasks`
pub async fn create(
    State(app): State<Arc<App>>,
    user: User,
    Json(task): Json<NewTask>,
) -> Answer<(StatusCode, Json<Task>)> {
    let now = Timestamp::now();
    let micros = now.as_microsecond();
    let now = Timestamp::from_microsecond(micros).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let title = task.title.trim();
    if title.is_empty() || title.chars().count() > 200 {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (title_folded, description_folded) =
        (title.to_lowercase(), task.description.as_ref().map(|text| text.to_lowercase()));
    let values: &[&(dyn ToSql + Sync)] =
        &[&user.0, &title, &task.description, &now, &micros, &title_folded, &description_folded];
    let task = app.database.write(|writer| &writer.create, values).await?;
    Ok((StatusCode::CREATED, task))
}

/// `PATCH /api/tasks/{id}/complete`
pub async fn toggle(State(app): State<Arc<App>>, user: User, Path(id): Path<i64>) -> Answer<Json<Task>> {
    app.database.write(|writer| &writer.toggle, &[&id, &user.0, &Timestamp::now()]).await
}

fn found(row: Result<Option<Row>, tokio_postgres::Error>) -> Answer<Json<Task>> {
    match row {
        Ok(Some(row)) => Ok(Json(Task::from(&row))),
        Ok(None) => Err(StatusCode::NOT_FOUND),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}
