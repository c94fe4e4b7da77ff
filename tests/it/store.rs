//! The databases themselves: their tables and rules, migrations, copies.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use diesel::expression::Expression;
use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text};
use diesel::{Column, QueryableByName, RunQueryDsl as _};
use http::Method;
use rstest::rstest;
use serde_json::{Value, json};
use taskgate::clock::{ManualClock, Timestamp};
use taskgate::database_url::DatabaseUrl;
use taskgate::error::Error;
use taskgate::store::migrate::{self, MigrateError};
use taskgate::store::timestamp::Instant;
use taskgate::store::{Filter, Store, Target, backup, schema};
use taskgate::task::{Description, NewTask, Revision, Search, TaskId, TaskPatch, Title};
use taskgate::user::UserId;
use tokio_postgres::SimpleQueryMessage;

use crate::support::{Backend, Database, Postgres, Sqlite, start, start_on};

mod groups;

fn user(subject: &str) -> UserId {
    UserId::parse(subject).unwrap()
}

fn new_task(title: &str) -> NewTask {
    NewTask { title: Title::parse(title).unwrap(), description: None }
}

fn target(subject: &str, id: TaskId) -> Target {
    Target { user: user(subject), id, expected: None }
}

/// An instant as each database writes it in SQL.
fn instant(backend: Backend) -> &'static str {
    match backend {
        Sqlite => "1767952800000000",
        Postgres => "'2026-01-09T10:00:00Z'",
    }
}

/// The rules hold in the database too, whoever writes to it.
#[rstest]
#[tokio::test]
async fn the_database_keeps_the_rules_itself(#[values(Sqlite, Postgres)] backend: Backend) {
    let database = Database::migrated(backend).await;
    let owner = async |subject: &str, revision: &str| {
        database.execute(&format!("INSERT INTO owners (user_id, revision) VALUES ('{subject}', {revision})")).await
    };
    for subject in ["", &"x".repeat(256), &"😀".repeat(256)] {
        owner(subject, "1").await.unwrap_err();
    }
    owner(&"😀".repeat(255), "1").await.unwrap();
    owner("ann", "-1").await.unwrap_err();
    owner("ann", "NULL").await.unwrap_err();
    owner("ann", "1").await.unwrap();
    owner("ann", "2").await.unwrap_err();

    let at = instant(backend);
    let task = async |subject: &str, title: &str, description: &str, completed: &str, revision: i64| {
        let folded = if description == "NULL" { "NULL" } else { "''" };
        let sql = format!(
            "INSERT INTO tasks (user_id, title, description, completed, created_at, updated_at, revision, title_folded,
                 description_folded) VALUES ('{subject}', '{title}', {description}, {completed}, {at}, {at}, {revision},
                 '', {folded})"
        );
        database.execute(&sql).await
    };
    task("ann", &"😀".repeat(200), &format!("'{}'", "😀".repeat(1000)), "TRUE", 1).await.unwrap();
    task("ann", &"x".repeat(201), "NULL", "TRUE", 2).await.unwrap_err();
    task("ann", "", "NULL", "TRUE", 2).await.unwrap_err();
    task("ann", "t", &format!("'{}'", "x".repeat(1001)), "TRUE", 2).await.unwrap_err();
    task("ann", "t", "NULL", "2", 2).await.unwrap_err();
    task("ann", "t", "NULL", "NULL", 2).await.unwrap_err();
    task("nobody", "t", "NULL", "FALSE", 2).await.unwrap_err();
    task("ann", "two tasks of one revision", "NULL", "FALSE", 1).await.unwrap_err();
    task("ann", "t", "NULL", "FALSE", 2).await.unwrap();
    database.execute("UPDATE tasks SET description = 'not folded' WHERE title = 't'").await.unwrap_err();
    database.execute(&format!("UPDATE tasks SET title = '{}'", "x".repeat(201))).await.unwrap_err();
}

#[rstest]
#[tokio::test]
async fn times_are_exact_to_the_microsecond(#[values(Sqlite, Postgres)] backend: Backend) {
    let database = Database::migrated(backend).await;
    let in_the_table = match backend {
        Sqlite => "SELECT created_at FROM tasks ORDER BY id",
        Postgres => "SELECT EXTRACT(EPOCH FROM created_at) * 1000000 FROM tasks ORDER BY id",
    };
    // Since 2026, at the end of a second, before PostgreSQL's own epoch, in the far future.
    let moments = [1_767_952_800_123_456, 1_767_952_799_999_999, 1, 946_684_799_999_999, 253_402_300_799_999_999];
    for (at, micros) in moments.into_iter().enumerate() {
        let store = Store::new(&database.url, 2, Arc::new(ManualClock::new(Timestamp::from_micros(micros))));
        let made = store.create(user("ann"), new_task("milk")).await.unwrap();
        assert_eq!(
            (made.created_at, made.updated_at),
            (Timestamp::from_micros(micros), Timestamp::from_micros(micros))
        );
        assert_eq!(store.task(user("ann"), made.id).await.unwrap(), made);
        assert_eq!(database.numbers(in_the_table).await, moments[..=at]);
    }
}

#[rstest]
#[tokio::test]
async fn everything_is_scoped_to_its_owner(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let store = &app.store;
    let theirs = store.create(user("bob"), new_task("theirs")).await.unwrap();
    let own = store.create(user("ann"), new_task("own")).await.unwrap();
    let patch = || TaskPatch { completed: Some(true), ..TaskPatch::default() };
    for (id, is_theirs) in [(theirs.id, true), (TaskId(999), false), (TaskId(0), false), (TaskId(i64::MIN), false)] {
        let target = target("ann", id);
        let errors = [
            store.task(user("ann"), id).await.unwrap_err(),
            store.update(target.clone(), patch()).await.unwrap_err(),
            store.update(target.clone(), TaskPatch::default()).await.unwrap_err(),
            store.toggle(target.clone()).await.unwrap_err(),
            store.delete(target.clone()).await.unwrap_err(),
            store.delete(Target { expected: Some(theirs.revision), ..target }).await.unwrap_err(),
        ];
        for error in errors {
            match error {
                Error::Forbidden => assert!(is_theirs),
                Error::NoSuchTask => assert!(!is_theirs),
                error => panic!("{error:?}"),
            }
        }
    }
    assert_eq!(store.task(user("bob"), theirs.id).await.unwrap(), theirs);
    assert_eq!(store.task(user("ann"), own.id).await.unwrap(), own);
    for (subject, total) in [("ann", 1), ("bob", 1), ("eve", 0), ("Ann", 0), ("ann ", 0)] {
        assert_eq!(store.counts(user(subject)).await.unwrap().total, total, "{subject}");
        assert_eq!(store.count(user(subject), Filter::default()).await.unwrap(), total, "{subject}");
        assert_eq!(store.revision(user(subject)).await.unwrap() == Revision::ZERO, total == 0, "{subject}");
    }
    store.delete(target("bob", theirs.id)).await.unwrap();
    assert!(matches!(store.task(user("ann"), theirs.id).await, Err(Error::NoSuchTask)), "a deleted task is nobody's");
}

/// Two users can be alike to a database that folds, pads or normalises what it compares.
#[rstest]
#[tokio::test]
async fn subjects_that_look_alike_are_different_users(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let alike = ["é", "e\u{301}", "É", "é ", "\u{feff}é", "1", "01", "%", "_", "'; DROP TABLE tasks; --", "\u{1f600}"];
    for subject in alike {
        app.store.create(user(subject), new_task(subject)).await.unwrap();
    }
    for subject in alike {
        assert_eq!(app.store.counts(user(subject)).await.unwrap().total, 1, "{subject}");
    }
}

/// The indexes hold the longest keys that there can be.
#[rstest]
#[tokio::test]
async fn the_longest_subjects_and_titles_fit(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let store = &app.store;
    // U+0390 folds to three characters, and to three times its bytes. The rest does not compress.
    let titles = ["\u{390}".repeat(200), "\u{10ffff}".repeat(200), scattered(200)];
    for number in 0..20 {
        let subject: String = char::from_u32(0x1_f600 + number).into_iter().chain(scattered(254).chars()).collect();
        for title in &titles {
            let task = NewTask { description: Some(Description::parse(scattered(1000)).unwrap()), ..new_task(title) };
            let made = store.create(user(&subject), task).await.unwrap();
            let patch = TaskPatch { title: Some(Title::parse(&titles[0]).unwrap()), ..TaskPatch::default() };
            store.update(target(&subject, made.id), patch).await.unwrap();
        }
        let search = Search::parse("\u{3b9}\u{308}\u{301}".repeat(66)).unwrap();
        let filter = Filter { completed: None, search: Some(search) };
        assert_eq!(store.count(user(&subject), filter).await.unwrap(), 3);
    }
}

/// Characters of four bytes each, in an order that does not repeat soon.
fn scattered(length: u32) -> String {
    (0..length).filter_map(|at| char::from_u32(0x2_0000 + at * 7_919 % 40_000)).collect()
}

/// PostgreSQL's own idea of case depends on the database's locale, and C knows ASCII only.
#[tokio::test]
async fn search_knows_no_case_whatever_the_locale() {
    let database = Database::created("TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'").await;
    migrate::run(&database.url).await.unwrap();
    let app = start_on(database, |_| {});
    for title in ["ÅNGSTRÖM", "Straße", "ΣΊΣΥΦΟΣ", "ПРИВЕТ", "b", "Ä", "a"] {
        app.make("ann", title).await;
    }
    let query = "query($search: String) { tasks(filter: {search: $search}) { nodes { title } } }";
    for (search, title) in
        [("ångström", "ÅNGSTRÖM"), ("STRASSE", "Straße"), ("σίσυφος", "ΣΊΣΥΦΟΣ"), ("привет", "ПРИВЕТ"), ("ä", "Ä")]
    {
        let data = app.data("ann", query, json!({ "search": search })).await;
        assert_eq!(data["tasks"]["nodes"], json!([{ "title": title }]), "{search}");
    }
    let query = "{ tasks(orderBy: {field: TITLE, direction: ASC}, first: 3) { nodes { title } } }";
    let data = app.data("ann", query, Value::Null).await;
    assert_eq!(data["tasks"]["nodes"], json!([{ "title": "a" }, { "title": "b" }, { "title": "Straße" }]));
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_character_is_refused() {
    for (encoding, rest) in [("SQL_ASCII", ""), ("LATIN1", "")] {
        let options = format!("TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' {rest}");
        let database = Database::created(&options).await;
        for outcome in [migrate::run(&database.url).await, migrate::status(&database.url).await] {
            match outcome.unwrap_err() {
                MigrateError::Encoding(name) => assert_eq!(name, encoding),
                error => panic!("{error}"),
            }
        }
        let tables = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'";
        assert_eq!(database.numbers(tables).await, [0], "nothing was made in it");
    }
}

#[rstest]
#[tokio::test]
async fn migrations_run_revert_and_run_again(#[values(Sqlite, Postgres)] backend: Backend) {
    let database = Database::empty(backend).await;
    let url = &database.url;
    let with = |state: &str, names: &[String]| names.iter().map(|name| format!("{state} {name}")).collect::<Vec<_>>();
    let pending = migrate::status(url).await.unwrap();
    let ran = migrate::run(url).await.unwrap();
    assert!(!ran.is_empty());
    assert_eq!(pending, with("pending", &ran));
    assert_eq!(migrate::status(url).await.unwrap(), with("applied", &ran));
    assert_eq!(migrate::run(url).await.unwrap(), [""; 0], "there is nothing left to do");
    database.execute("INSERT INTO owners (user_id, revision) VALUES ('ann', 1)").await.unwrap();

    for (left, name) in ran.iter().enumerate().rev() {
        assert_eq!(migrate::revert(url).await.unwrap(), [name.as_str()]);
        let expected = [with("applied", &ran[..left]), with("pending", &ran[left..])].concat();
        assert_eq!(migrate::status(url).await.unwrap(), expected);
    }
    assert_eq!(migrate::revert(url).await.unwrap(), [""; 0]);
    database.execute("SELECT 1 FROM owners").await.unwrap_err();

    assert_eq!(migrate::run(url).await.unwrap(), ran);
    start_on(database, |_| {}).make("ann", "milk").await;
}

/// As ten nodes do that start together on an empty database.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_may_migrate_at_once(#[values(Sqlite, Postgres)] backend: Backend) {
    for _ in 0..3 {
        let database = Database::empty(backend).await;
        let runs = (0..10).map(|_| {
            let url = database.url.clone();
            tokio::spawn(async move { migrate::run(&url).await })
        });
        let mut workers = 0;
        for run in futures_util::future::join_all(runs).await {
            workers += usize::from(!run.unwrap().unwrap().is_empty());
        }
        assert_eq!(workers, 1, "one of them did the work");
        start_on(database, |_| {}).make("ann", "milk").await;
    }
}

#[rstest]
#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone(#[values(Sqlite, Postgres)] backend: Backend) {
    let database = Database::migrated(backend).await;
    let insert = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')";
    database.execute(insert).await.unwrap();
    let url = &database.url;
    for outcome in [migrate::run(url).await, migrate::revert(url).await, migrate::status(url).await] {
        let error = outcome.unwrap_err();
        assert!(matches!(&error, MigrateError::Newer(version) if version == "29990101000000"), "{error}");
        assert!(error.to_string().contains("newer"), "{error}");
    }
    database.execute("SELECT 1 FROM tasks").await.unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("text"), "not a database, but long enough to be looked at as one: ".repeat(50)).unwrap();
    std::fs::create_dir(path("folder")).unwrap();
    for bad in
        [path("missing/tasks.db"), path("text/tasks.db"), path("folder"), "/proc/tasks.db".to_owned(), path("text")]
    {
        let url = DatabaseUrl::parse(&format!("sqlite://{bad}")).unwrap();
        for outcome in [migrate::run(&url).await, migrate::status(&url).await] {
            match outcome.unwrap_err() {
                MigrateError::Unopenable { path, .. } => assert_eq!(path, bad),
                error => panic!("{bad}: {error:?}"),
            }
        }
    }
    let text = std::fs::read_to_string(path("text")).unwrap();
    assert!(text.starts_with("not a database"), "it is still whole");
}

#[tokio::test]
async fn a_server_that_is_not_there_cannot_be_reached() {
    for url in ["postgres://nobody@127.0.0.1:1/none", "postgres://nobody@no-such-host.invalid/none"] {
        let error = migrate::run(&DatabaseUrl::parse(url).unwrap()).await.unwrap_err();
        assert!(matches!(error, MigrateError::Unreachable(_)), "{url}: {error}");
        assert!(error.to_string().contains("DATABASE_URL"), "{error}");
    }
}

/// What people write down is for them alone.
#[tokio::test]
async fn the_file_is_for_its_owner_only() {
    let app = start(Sqlite).await;
    app.make("ann", "milk").await;
    let folder = app.database.path().parent().unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().into_string().unwrap());
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{names:?}");
    }
    names.sort();
    assert_eq!(names, ["tasks.db", "tasks.db-shm", "tasks.db-wal"]);
}

/// A copy that is made while writers write is whole, and has whatever was acknowledged before it began.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_has_what_was_there_when_it_began() {
    let app = Arc::new(start(Sqlite).await);
    let folder = tempfile::tempdir().unwrap();
    let copy = |number: usize| folder.path().join(format!("copy-{number}.db"));
    let mut acknowledged = Vec::new();
    for number in 0..5 {
        let writers: tokio::task::JoinSet<_> = (0..4)
            .map(|writer| {
                let app = Arc::clone(&app);
                async move {
                    let mut ids = Vec::new();
                    for round in 0..8 {
                        ids.push(app.make("ann", &format!("{number} {writer} {round}")).await["id"].clone());
                    }
                    ids
                }
            })
            .collect();
        let first = app.make("ann", "before the copy").await["id"].clone();
        acknowledged.push(first);
        backup(app.database.path(), &copy(number)).await.unwrap();
        assert_eq!(std::fs::metadata(copy(number)).unwrap().permissions().mode() & 0o777, 0o600);
        let url = DatabaseUrl::parse(&format!("sqlite://{}", copy(number).display())).unwrap();
        assert_eq!(integrity(&url), "ok");
        assert!(migrate::status(&url).await.unwrap().iter().all(|line| line.starts_with("applied")));
        let store = Store::new(&url, 1, app.clock.clone());
        let last = store.revision(user("ann")).await.unwrap();
        for id in &acknowledged {
            let task = store.task(user("ann"), TaskId::parse(id.as_str().unwrap()).unwrap()).await.unwrap();
            assert!(task.revision <= last);
        }
        acknowledged.extend(writers.join_all().await.into_iter().flatten());
    }
    assert_eq!(app.store.counts(user("ann")).await.unwrap().total, 5 * 33);

    let error = backup(app.database.path(), &copy(0)).await.unwrap_err();
    assert!(error.to_string().contains("exists already"), "{error}");
    let error = backup(&folder.path().join("none.db"), &copy(9)).await.unwrap_err();
    assert!(error.to_string().contains("no database"), "{error}");
    backup(app.database.path(), &folder.path().join("missing/copy.db")).await.unwrap_err();
    assert!(!copy(9).exists());
}

fn integrity(url: &DatabaseUrl) -> String {
    #[derive(QueryableByName)]
    struct Check {
        #[diesel(sql_type = Text)]
        integrity_check: String,
    }
    let DatabaseUrl::Sqlite(path) = url else { panic!("a file") };
    let mut connection = <diesel::SqliteConnection as diesel::Connection>::establish(path.to_str().unwrap()).unwrap();
    let check: Check = diesel::sql_query("PRAGMA integrity_check").get_result(&mut connection).unwrap();
    check.integrity_check
}

/// How a SQL type of Diesel's is written in each database.
trait Declared {
    const POSTGRES: &str;
    const SQLITE: &str;
    const NULLABLE: bool = false;
}

macro_rules! declared {
    ($($ty:ty: $postgres:literal, $sqlite:literal;)*) => {$(
        impl Declared for $ty {
            const POSTGRES: &str = $postgres;
            const SQLITE: &str = $sqlite;
        }
    )*};
}
declared! {
    BigInt: "bigint", "INTEGER";
    Integer: "integer", "INTEGER";
    Text: "text", "TEXT";
    Bool: "boolean", "INTEGER";
    Binary: "bytea", "BLOB";
    Instant: "timestamp with time zone", "INTEGER";
}

impl<T: Declared + diesel::sql_types::SqlType<IsNull = diesel::sql_types::is_nullable::NotNull>> Declared
    for Nullable<T>
{
    const POSTGRES: &str = T::POSTGRES;
    const SQLITE: &str = T::SQLITE;
    const NULLABLE: bool = true;
}

/// A column: its name, its type, and whether it may be null.
type Described = (String, String, bool);

/// The columns that `table!` declares, as a database would describe them.
trait Describe {
    fn describe(backend: Backend) -> Vec<Described>;
}

macro_rules! describe {
    ($($column:ident)*) => {
        impl<$($column),*> Describe for ($($column,)*)
        where
            $($column: Column, <$column as Expression>::SqlType: Declared,)*
        {
            fn describe(backend: Backend) -> Vec<Described> {
                vec![$({
                    let ty = match backend {
                        Postgres => <<$column as Expression>::SqlType as Declared>::POSTGRES,
                        Sqlite => <<$column as Expression>::SqlType as Declared>::SQLITE,
                    };
                    (<$column as Column>::NAME.to_owned(), ty.to_owned(), <<$column as Expression>::SqlType as Declared>::NULLABLE)
                }),*]
            }
        }
    };
}
describe!(A B);
describe!(A B C);
describe!(A B C D);
describe!(A B C D E);
describe!(A B C D E F);
describe!(A B C D E F G);
describe!(A B C D E F G H);
describe!(A B C D E F G H I);
describe!(A B C D E F G H I J);
describe!(A B C D E F G H I J K);
describe!(A B C D E F G H I J K L);
describe!(A B C D E F G H I J K L M);
describe!(A B C D E F G H I J K L M N);

fn declared<Columns: Describe>(_: Columns, backend: Backend) -> Vec<Described> {
    let mut columns = Columns::describe(backend);
    columns.sort();
    columns
}

async fn in_the_database(database: &Database, table: &str) -> Vec<Described> {
    #[derive(QueryableByName)]
    struct Info {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        ty: String,
        #[diesel(sql_type = Bool)]
        nullable: bool,
    }
    let mut columns: Vec<Described> = match &database.url {
        DatabaseUrl::Sqlite(_) => {
            let sql = format!("SELECT name, type AS ty, NOT \"notnull\" AS nullable FROM pragma_table_info('{table}')");
            let rows: Vec<Info> = diesel::sql_query(sql).load(&mut database.open()).unwrap();
            rows.into_iter().map(|row| (row.name, row.ty, row.nullable)).collect()
        }
        DatabaseUrl::Postgres(_) => {
            let sql = "SELECT column_name::text, data_type::text, is_nullable = 'YES'
                       FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1";
            let rows = database.connect().await.query(sql, &[&table]).await.unwrap();
            rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
        }
    };
    columns.sort();
    columns
}

/// `table!` is written by hand for both databases, so it is compared with what their migrations make.
#[rstest]
#[tokio::test]
async fn the_tables_are_as_they_are_declared(#[values(Sqlite, Postgres)] backend: Backend) {
    let database = Database::migrated(backend).await;
    assert_eq!(in_the_database(&database, "owners").await, declared(schema::owners::all_columns, backend));
    assert_eq!(in_the_database(&database, "tasks").await, declared(schema::tasks::all_columns, backend));
    let keys = declared(schema::idempotency_keys::all_columns, backend);
    assert_eq!(in_the_database(&database, "idempotency_keys").await, keys);
    let ids = declared(schema::imported_ids::all_columns, backend);
    assert_eq!(in_the_database(&database, "imported_ids").await, ids);
    let others = match backend {
        Sqlite => {
            "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'
             AND name NOT IN ('owners', 'tasks', 'idempotency_keys', 'imported_ids', '__diesel_schema_migrations', 'sqlite_sequence')"
        }
        Postgres => {
            "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'
             AND tablename NOT IN ('owners', 'tasks', 'idempotency_keys', 'imported_ids', '__diesel_schema_migrations')"
        }
    };
    assert_eq!(database.numbers(others).await, [0], "a table that is compared with nothing");
}

/// A change of one task costs the same however many its owner has: PostgreSQL must not look for it among all of them by
/// their revisions, which it does where it believes that few are within bounds that it does not know.
#[tokio::test]
async fn a_change_finds_its_task_by_its_id() {
    let app = start(Postgres).await;
    let id = app.create("ann", "one").await["id"].as_i64().unwrap();
    let many = "INSERT INTO owners (user_id, revision) SELECT 'user' || n, 1 FROM generate_series(1, 499) n; \
                INSERT INTO tasks (user_id, title, completed, created_at, updated_at, revision, \
                title_folded, deleted_at) \
                SELECT CASE n % 500 WHEN 0 THEN 'ann' ELSE 'user' || n % 500 END, 'many', false, now(), now(), n, \
                'many', CASE n % 3 WHEN 0 THEN now() END \
                FROM generate_series(1, 50000) n; ANALYZE tasks";
    app.database.execute(many).await.unwrap();
    for (method, path, body) in [
        (Method::PATCH, format!("/api/tasks/{id}/complete"), json!({})),
        (Method::PUT, format!("/api/tasks/{id}"), json!({ "title": "other" })),
        (Method::DELETE, format!("/api/tasks/{id}"), json!(null)),
        (Method::POST, format!("/api/tasks/{id}/restore"), json!(null)),
    ] {
        let call = app.call("ann", method.clone(), &path);
        let call = if body.is_null() { call } else { call.json(&body) };
        assert!(call.send().await.status.is_success(), "{method} {path}");
        let plan = plan_of_latest_change(&app.database).await;
        assert!(plan.contains("tasks_pkey") && !plan.contains("tasks_by_"), "{method} {path}: {plan}");
    }
}

/// How PostgreSQL runs the statement of the latest change, whatever its parameters are.
async fn plan_of_latest_change(database: &Database) -> String {
    let client = database.connect().await;
    let latest = "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'WITH bump%' \
                  ORDER BY query_start DESC LIMIT 1";
    let statement: String = client.query_one(latest, &[]).await.unwrap().get(0);
    let parameters = (1..100).take_while(|n| statement.contains(&format!("${n}"))).map(|_| "NULL").collect::<Vec<_>>();
    let explain = format!(
        "SET plan_cache_mode = force_generic_plan; PREPARE latest AS {statement}; EXPLAIN EXECUTE latest ({})",
        parameters.join(", ")
    );
    let lines = client.simple_query(&explain).await.unwrap();
    let lines = lines.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}
