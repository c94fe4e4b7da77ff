//! A database for each test: a file of its own, or a copy of a migrated template in the cluster that `scripts/test`
//! starts.

use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection};
use taskgate::database_url::DatabaseUrl;
use taskgate::store::{Direction, Filter, PageRequest, SortField, Store, migrate};
use taskgate::task::Task;
use taskgate::user::UserId;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

/// Where the cluster is; its user may create databases. There is no skipping: without it, the tests fail.
const CLUSTER: &str = "TASKGATE_TEST_POSTGRES_URL";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A database that is gone when this is dropped.
#[derive(Debug)]
pub struct Database {
    pub url: DatabaseUrl,
    pub text: String,
    _cleanup: Cleanup,
}

#[derive(Debug)]
enum Cleanup {
    Folder { _folder: TempDir },
    Drop { name: String },
}

impl Database {
    /// An empty database.
    pub async fn empty(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                // In memory where there is a place for it: nothing that outlives the run waits for the disk.
                let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
                let text = format!("sqlite://{}", folder.path().join("tasks.db").display());
                Self { url: DatabaseUrl::parse(&text).unwrap(), text, _cleanup: Cleanup::Folder { _folder: folder } }
            }
            Backend::Postgres => Self::created("TEMPLATE template0").await,
        }
    }

    /// A database with the tables in it.
    pub async fn migrated(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let database = Self::empty(backend).await;
                migrate::run(&database.url).await.unwrap();
                database
            }
            Backend::Postgres => Self::created(&format!("TEMPLATE {}", template().await)).await,
        }
    }

    /// An empty PostgreSQL database made with `options` of `CREATE DATABASE`.
    pub async fn created(options: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t_{}_{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        admin().await.batch_execute(&format!("CREATE DATABASE {name} {options}")).await.unwrap();
        let text = url_of(&name);
        Self { url: DatabaseUrl::parse(&text).unwrap(), text, _cleanup: Cleanup::Drop { name } }
    }

    /// A connection beside those of the service. PostgreSQL only.
    pub async fn connect(&self) -> Client {
        connect(&self.text).await
    }

    /// The file. SQLite only.
    #[track_caller]
    pub fn path(&self) -> &Path {
        match &self.url {
            DatabaseUrl::Sqlite(path) => path,
            DatabaseUrl::Postgres(_) => panic!("it is not a file"),
        }
    }

    /// A connection of its own to the file. SQLite only.
    #[track_caller]
    pub fn open(&self) -> SqliteConnection {
        let mut connection = SqliteConnection::establish(self.path().to_str().unwrap()).unwrap();
        connection.batch_execute("PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON;").unwrap();
        connection
    }

    /// Runs statements beside the service.
    pub async fn execute(&self, sql: &str) -> Result<(), String> {
        match &self.url {
            DatabaseUrl::Sqlite(_) => self.open().batch_execute(sql).map_err(|error| error.to_string()),
            DatabaseUrl::Postgres(_) => {
                let client = self.connect().await;
                client.batch_execute(sql).await.map_err(|error| error.as_db_error().unwrap().message().to_owned())
            }
        }
    }

    /// Rows of one column, a whole number, read beside the service.
    pub async fn numbers(&self, sql: &str) -> Vec<i64> {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            number: i64,
        }
        let sql = format!("WITH numbers (number) AS ({sql}) SELECT CAST(number AS BIGINT) AS number FROM numbers");
        match &self.url {
            DatabaseUrl::Sqlite(_) => {
                let rows: Vec<Number> = diesel::sql_query(sql).load(&mut self.open()).unwrap();
                rows.into_iter().map(|row| row.number).collect()
            }
            DatabaseUrl::Postgres(_) => {
                self.connect().await.query(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
            }
        }
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        let Self::Drop { name } = self else { return };
        let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { admin().await.batch_execute(&statement).await.unwrap() });
        });
        let _ = dropped.join();
    }
}

/// All tasks of a user, the oldest first.
pub async fn all_tasks(store: &Store, user: &UserId) -> Vec<Task> {
    let request = PageRequest {
        user: user.clone(),
        filter: Filter::default(),
        field: SortField::CreatedAt,
        direction: Direction::Ascending,
        after: None,
        before: None,
        limit: None,
        from_end: false,
    };
    store.page(request).await.unwrap().tasks
}

/// The name of a database that has the tables, made once.
async fn template() -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let name = format!("template_{}", process::id());
            admin().await.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap();
            migrate::run(&DatabaseUrl::parse(&url_of(&name)).unwrap()).await.unwrap();
            name
        })
        .await
}

fn cluster() -> url::Url {
    #[expect(clippy::disallowed_methods, reason = "where the cluster is, is a matter of the machine")]
    let url = std::env::var(CLUSTER).unwrap_or_else(|_| panic!("{CLUSTER} is not set; run scripts/test"));
    url.parse().unwrap()
}

fn url_of(database: &str) -> String {
    let mut url = cluster();
    url.set_path(database);
    url.into()
}

async fn admin() -> Client {
    connect(cluster().as_str()).await
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
