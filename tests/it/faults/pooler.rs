//! A pooler between the service and its database.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tempfile::TempDir;

use super::serve;
use crate::process::{SECRET, Service};
use crate::support::cluster::{as_server, free_port, private_folder};
use crate::support::{Database, Postgres};

/// Where another `PgBouncer` is than Debian's, for whoever wants to know how the service does behind it.
const PROGRAM: &str = "TASKGATE_TEST_PGBOUNCER";

/// A `PgBouncer` of the test's own before the database of the test.
pub struct Pooler {
    child: Child,
    pub url: String,
    _folder: TempDir,
}

impl Pooler {
    pub fn start(program: &Path, database: &Database, settings: &str) -> Self {
        let server: url::Url = database.text.parse().unwrap();
        let (folder, port) = (private_folder(), free_port());
        let file = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\n{settings}\n",
            server.host_str().unwrap(),
            server.port().unwrap()
        );
        // `any` forgets who the client is, and the server wants somebody.
        let text = text.replace(" port=", " user=postgres port=");
        fs::write(&file, text).unwrap();
        let child = as_server(program).arg("-q").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut url = server;
        url.set_port(Some(port)).unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "PgBouncer does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child: child.unwrap(), url: url.into(), _folder: folder }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn debians() -> PathBuf {
    PathBuf::from("/usr/sbin/pgbouncer")
}

/// Which prepares nothing for the session that a transaction happens to get.
#[tokio::test]
async fn a_pooler_that_loses_prepared_statements_is_told_in_one_sentence() {
    let database = Database::empty(Postgres).await;
    let pooler = Pooler::start(&debians(), &database, "pool_mode = transaction");
    let direct = [("DATABASE_DIRECT_URL", database.text.as_str())];
    for variables in [&direct[..], &[]] {
        let child = Service::serve(&pooler.url).envs(variables.iter().copied()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{log}");
        let sentence = log.lines().last().unwrap();
        assert!(sentence.starts_with("taskgate: ") && sentence.contains("max_prepared_statements"), "{log}");
    }
    let check = Command::new(env!("CARGO_BIN_EXE_taskgate"))
        .arg("check")
        .env_clear()
        .envs([("DATABASE_URL", pooler.url.as_str()), ("BETTER_AUTH_SECRET", SECRET)])
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    let told = String::from_utf8(check.stdout).unwrap();
    assert!(!check.status.success() && told.contains("max_prepared_statements"), "{told}");
}

#[tokio::test]
async fn a_pooler_of_sessions_is_as_good_as_none() {
    let database = Database::empty(Postgres).await;
    let pooler = Pooler::start(&debians(), &database, "pool_mode = session\ndefault_pool_size = 40");
    works_behind(&pooler).await;
}

/// By hand: `TASKGATE_TEST_PGBOUNCER=<path of 1.21 or newer>`.
#[tokio::test]
async fn a_newer_pooler_of_transactions_works() {
    #[expect(clippy::disallowed_methods, reason = "where another PgBouncer is, is a matter of the machine")]
    let Ok(program) = std::env::var(PROGRAM) else { return };
    let database = Database::empty(Postgres).await;
    let pooler =
        Pooler::start(Path::new(&program), &database, "pool_mode = transaction\nmax_prepared_statements = 100");
    works_behind(&pooler).await;
    // What is set in a session of the pooler would be set for whoever gets it next.
    let (client, connection) = tokio_postgres::connect(&pooler.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let setting = client.query_one("SHOW statement_timeout", &[]).await.unwrap();
    assert_eq!(setting.get::<_, &str>(0), "0");
}

async fn works_behind(pooler: &Pooler) {
    let (service, caller) = serve(&pooler.url, []).await;
    let address = service.address.as_str();
    for number in 0..20 {
        let title = number.to_string();
        let (made, read) =
            tokio::join!(caller.create(address, &title), caller.get(address, "/api/tasks?limit=10&search=1"));
        assert_eq!((made.status.as_u16(), read.status.as_u16()), (201, 200), "{} {}", made.body, read.body);
    }
    // So many that some of them share a transaction.
    let crowd = join_all((0..60).map(|number| {
        let caller = caller.named(&format!("user {number}"));
        async move {
            let made = caller.create(address, "milk").await;
            assert_eq!(made.status, 201, "{}", made.body);
            caller.get(address, "/api/tasks").await.body
        }
    }));
    for list in crowd.await {
        assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    }
}
