//! A PostgreSQL server of a test's own, which can be killed.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

/// A cluster that is gone when this is dropped. Its superuser `postgres` needs no password.
#[derive(Debug)]
pub struct Cluster {
    pub port: u16,
    folder: TempDir,
    server: Option<Child>,
}

impl Cluster {
    /// An empty cluster that is not started.
    pub fn new() -> Self {
        let folder = private_folder();
        let made = as_server(&programs().join("initdb"))
            .arg("-D")
            .arg(folder.path().join("data"))
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { port: free_port(), folder, server: None }
    }

    /// The folder of the cluster's data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server; ready when it takes connections.
    pub async fn start(&mut self) {
        self.spawn();
        self.wait().await;
    }

    /// Starts the server without waiting for it.
    pub fn spawn(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let server = as_server(&programs().join("postgres"))
            .arg("-D")
            .arg(self.data())
            .args([format!("-cport={}", self.port).as_str(), "-clisten_addresses=127.0.0.1"])
            // A killed process loses nothing that the system has; nothing here outlives the machine.
            .args(["-cunix_socket_directories=", "-cfsync=off", "-cfull_page_writes=off"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.server = Some(server.unwrap());
    }

    /// Waits until the server takes connections, or refuses ours for a reason of its own.
    pub async fn wait(&mut self) {
        let begun = Instant::now();
        loop {
            let state = match tokio_postgres::connect(&self.url(), NoTls).await {
                Ok(_) => return,
                Err(error) => error.code().cloned(),
            };
            if state.is_some_and(|state| state != SqlState::CANNOT_CONNECT_NOW) {
                return;
            }
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap();
            assert!(begun.elapsed() < Duration::from_mins(1), "it does not start: {}", log());
            assert!(self.server.as_mut().unwrap().try_wait().unwrap().is_none(), "it ended: {}", log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills every process of the server at once, as a machine does that loses its power.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let id = server.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let killed = Command::new("kill").arg("-KILL").arg(id.to_string()).args(children.split_whitespace()).status();
        // A child that ended by itself in the meantime is no failure.
        killed.unwrap();
        server.wait().unwrap();
    }

    /// Has the server read its settings again.
    pub fn reload(&self) {
        let id = self.server.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program that runs as who may run PostgreSQL, which root may not.
pub fn as_server(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

/// A folder of the user whom [`as_server`] runs programs as.
pub fn private_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("taskgate-postgres.").tempdir().unwrap();
    if is_root() {
        assert!(Command::new("chown").arg("postgres").arg(folder.path()).status().unwrap().success());
    }
    folder
}

/// A port that nobody listens on, and that the system gives to nobody else.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Where Debian keeps the programs of the newest PostgreSQL.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions.filter_map(|entry| entry.unwrap().file_name().into_string().ok()?.parse::<u32>().ok()).max();
    let newest = newest.unwrap_or_else(|| panic!("there is no PostgreSQL; run scripts/test"));
    PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin"))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}
