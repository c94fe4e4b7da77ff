//! The program itself: many at once, and its end.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::Value;

use crate::support::{Backend, Database, Postgres, Sqlite};

pub const SECRET: &str = "a secret of thirty-two bytes, no more";

/// A running `taskgate serve`.
pub struct Service {
    pub child: Child,
    pub address: String,
}

impl Service {
    /// Starts it; [`Service::wait`] tells when it listens.
    pub fn spawn(database: &str) -> Child {
        Self::spawn_with(database, &[])
    }

    fn spawn_with(database: &str, settings: &[(&str, &str)]) -> Child {
        Self::serve(database).envs(settings.iter().copied()).spawn().unwrap()
    }

    /// `taskgate serve`, to be started.
    pub fn serve(database: &str) -> Command {
        let mut command = Self::command(env!("CARGO_BIN_EXE_taskgate"), database, &[]);
        command.arg("serve");
        command
    }

    /// A program in the environment that the service has.
    pub fn command(program: &str, database: &str, settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs([("DATABASE_URL", database), ("BETTER_AUTH_SECRET", SECRET), ("LISTEN", "127.0.0.1:0")])
            // Tests call faster than a user may.
            .env("TASKGATE_RATE_LIMIT", "off")
            .envs(settings.iter().copied())
            .current_dir(std::env::temp_dir())
            .stderr(Stdio::piped());
        command
    }

    /// A service that listens.
    pub fn start(database: &str, settings: &[(&str, &str)]) -> Self {
        Self::wait(Self::spawn_with(database, settings))
    }

    pub fn wait(mut child: Child) -> Self {
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut told = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended before it listened: {told}");
            told += &line;
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "listening" {
                break line["address"].as_str().unwrap().to_owned();
            }
        };
        // The log goes on, and nobody may wait for a full pipe.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, address }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    pub fn status(&self, path: &str) -> String {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    }

    pub fn terminate(&self) {
        self.send_signal("-TERM");
    }

    pub fn send_signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// A token of `user` that the service accepts.
    pub fn token(user: &str) -> String {
        let token = Self::command(env!("CARGO_BIN_EXE_taskgate"), "", &[]).args(["token", "--sub", user]).output();
        String::from_utf8(token.unwrap().stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[rstest]
#[tokio::test]
async fn ten_started_together_on_an_empty_database_all_come_up(#[values(Sqlite, Postgres)] backend: Backend) {
    let database = Database::empty(backend).await;
    let children: Vec<Child> = (0..10).map(|_| Service::spawn(&database.text)).collect();
    let begun = Instant::now();
    for service in children.into_iter().map(Service::wait).collect::<Vec<_>>() {
        // Those that do not migrate wait for the one that does.
        while service.status("/readyz") != "200" {
            assert!(begun.elapsed() < Duration::from_secs(30), "{} is not ready", service.address);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[tokio::test]
async fn a_stop_lets_running_requests_finish() {
    let database = Database::empty(Sqlite).await;
    let mut service = Service::wait(Service::spawn(&database.text));
    let token = Service::token("ann");
    let body = r#"{"title": "half"}"#;
    let mut stream = service.connect();
    write!(
        stream,
        "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{}",
        token,
        body.len(),
        &body[..5]
    )
    .unwrap();
    // Answered, so the half request before it is being read.
    assert_eq!(service.status("/livez"), "200");
    service.terminate();
    std::thread::sleep(Duration::from_millis(200));
    assert!(service.child.try_wait().unwrap().is_none(), "it did not wait for the running request");
    stream.write_all(&body.as_bytes()[5..]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(service.child.wait().unwrap().success());
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_told_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let not_a_database = folder.path().join("notes.txt");
    fs::write(&not_a_database, "this is no database, and it is long enough to be looked at as one ".repeat(9)).unwrap();
    let mut wrong_database: url::Url = Database::empty(Postgres).await.text.parse().unwrap();
    wrong_database.set_path("nothing");
    for (url, told) in [
        (format!("sqlite://{}/no/such/folder/tasks.db", folder.path().display()), "folder"),
        (format!("sqlite://{}", not_a_database.display()), "cannot be opened"),
        (wrong_database.to_string(), "does not exist"),
    ] {
        let output = Service::spawn(&url).wait_with_output().unwrap();
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{sentence}");
        assert!(sentence.starts_with("taskgate: ") && sentence.contains(told), "{sentence}");
        assert_eq!(sentence.lines().count(), 1, "{sentence}");
    }
}

#[tokio::test]
async fn an_address_is_known_by_its_connection() {
    let database = Database::empty(Sqlite).await;
    let service = Service::start(&database.text, &[("TASKGATE_RATE_LIMIT", "3000")]);
    assert_eq!(service.status("/api/tasks"), "401");
    assert!((0..200).any(|_| service.status("/api/tasks") == "429"));
}

/// `taskgate health` for what should listen at `address`: exit status, standard output, standard error.
fn health(address: &str, flags: &[&str]) -> (Option<i32>, String, String) {
    let program = env!("CARGO_BIN_EXE_taskgate");
    let output = Service::command(program, "", &[("LISTEN", address)]).arg("health").args(flags).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn health_tells_by_its_exit_status_whether_the_service_is_ready() {
    let database = Database::empty(Sqlite).await;
    let service = Service::start(&database.text, &[]);
    let healthy = (Some(0), "healthy\n".to_owned(), String::new());
    assert_eq!(health(&service.address, &[]), healthy);
    // As an image has it.
    let port = service.address.rsplit(':').next().unwrap();
    assert_eq!(health(&format!("0.0.0.0:{port}"), &["--live"]), healthy);
    let address = service.address.clone();
    drop(service);
    let (status, _, sentence) = health(&address, &[]);
    assert_eq!(status, Some(1));
    assert!(sentence.starts_with(&format!("taskgate: http://{address}/readyz: ")), "{sentence}");
    assert!(sentence.ends_with("set LISTEN to where it listens.\n"), "{sentence}");
}

#[tokio::test]
async fn a_service_without_its_database_lives_and_is_not_ready() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let service = Service::start(&format!("postgres://u:p@{nobody}/db"), &[]);
    assert_eq!(health(&service.address, &["--live"]).0, Some(0));
    let (status, said, sentence) = health(&service.address, &[]);
    assert_eq!((status, said.as_str()), (Some(1), ""));
    assert!(sentence.contains("/readyz: 503, "), "{sentence}");
}

#[test]
fn health_does_not_wait_for_what_never_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let begun = Instant::now();
    let (status, _, sentence) = health(&address, &[]);
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    assert_eq!(
        (status, sentence),
        (Some(1), format!("taskgate: http://{address}/readyz: no answer within 5 seconds.\n"))
    );
}
