//! Callers who are slow, silent, many or too big, on real sockets.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::Value;

use crate::process::Service;
use crate::support::{Database, Sqlite};

const GET: &str = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A service on a database of its own, with patience for tests.
async fn service(settings: &[(&str, &str)]) -> (Service, Database) {
    let database = Database::empty(Sqlite).await;
    let patience = [("TASKGATE_HEADER_TIMEOUT", "500ms"), ("TASKGATE_BODY_TIMEOUT", "500ms")];
    (Service::start(&database.text, &[&patience, settings].concat()), database)
}

/// The head of a request that makes a task, up to its length.
fn post(token: &str, length: usize) -> String {
    format!(
        "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// What arrives until the other side closes; a reset is an end too.
fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    match stream.read_to_end(&mut text) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("it was not closed: {error}"),
        _ => String::from_utf8(text).unwrap(),
    }
}

/// One answer on a connection that stays open.
fn answer(stream: &mut TcpStream) -> String {
    let (mut text, mut byte) = (String::new(), [0]);
    while !text.ends_with("\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0].into());
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    text + &String::from_utf8(body).unwrap()
}

/// Sends `bytes` one by one, until they are all sent or the other side has closed.
fn trickle(stream: &mut TcpStream, bytes: &str, pause: Duration) {
    for byte in bytes.bytes() {
        if stream.write_all(&[byte]).is_err() {
            break;
        }
        std::thread::sleep(pause);
    }
}

/// Calls until it is served: where a connection ended, the server has to notice first.
fn wait_for_a_place(service: &Service, path: &str) {
    let started = Instant::now();
    let is_served = || {
        let (mut stream, mut begin) = (service.connect(), [0; 12]);
        let asked = stream.write_all(GET.replace("/livez", path).as_bytes());
        asked.is_ok() && stream.read_exact(&mut begin).is_ok() && begin == *b"HTTP/1.1 200"
    };
    while !is_served() {
        assert!(started.elapsed() < Duration::from_secs(10), "there is no place");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[rstest]
#[case::nothing_at_all("", "")]
#[case::a_byte("", "G")]
#[case::a_header_that_does_not_end(
    "",
    "GET /livez HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)]
#[case::half_a_preface("", "PRI * HTTP/2.0\r\n\r\nS")]
#[case::http2_without_a_request("", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")]
#[case::a_second_header(
    GET,
    "GET /livez HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)]
#[tokio::test]
async fn a_header_that_does_not_come_is_not_waited_for(#[case] before: &str, #[case] slow: &str) {
    let (service, _database) = service(&[]).await;
    let mut stream = service.connect();
    if !before.is_empty() {
        stream.write_all(before.as_bytes()).unwrap();
        assert!(answer(&mut stream).starts_with("HTTP/1.1 200 "));
        std::thread::sleep(Duration::from_millis(600));
    }
    let started = Instant::now();
    trickle(&mut stream, slow, Duration::from_millis(20));
    let told = rest(&mut stream);
    assert!(!told.contains("HTTP/1.1"), "{told}");
    let took = started.elapsed();
    assert!((450..5000).contains(&took.as_millis()), "{took:?}");
    assert_eq!(service.status("/livez"), "200");
}

#[tokio::test]
async fn a_connection_outlives_the_header_timeout_between_requests() {
    let (service, _database) = service(&[]).await;
    let mut stream = service.connect();
    for _ in 0..3 {
        stream.write_all(GET.as_bytes()).unwrap();
        assert!(answer(&mut stream).starts_with("HTTP/1.1 200 "));
        std::thread::sleep(Duration::from_millis(700));
    }
}

#[tokio::test]
async fn a_body_that_stands_still_is_told_so() {
    let (service, _database) = service(&[]).await;
    let token = Service::token("ann");
    for path in ["/api/tasks", "/graphql"] {
        let mut stream = service.connect();
        let head = post(&token, 100).replace("/api/tasks", path);
        stream.write_all((head + r#"{"title""#).as_bytes()).unwrap();
        let started = Instant::now();
        let told = rest(&mut stream);
        let (head, body) = told.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 504 "), "{told}");
        let body: Value = serde_json::from_str(body).unwrap();
        let code = if path == "/graphql" { &body["errors"][0]["extensions"]["code"] } else { &body["code"] };
        assert_eq!(code, "TIMEOUT");
        assert!((450..5000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_body_that_trickles_has_the_time_of_a_request() {
    let (service, _database) = service(&[("TASKGATE_REQUEST_TIMEOUT", "1s")]).await;
    let mut stream = service.connect();
    stream.write_all(post(&Service::token("ann"), 1000).as_bytes()).unwrap();
    let started = Instant::now();
    let mut writer = stream.try_clone().unwrap();
    std::thread::spawn(move || trickle(&mut writer, &" ".repeat(60), Duration::from_millis(100)));
    assert!(rest(&mut stream).starts_with("HTTP/1.1 504 "));
    // What still comes after the answer is read for two seconds at most.
    assert!((950..8000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_body_that_is_refused_unread_does_not_cost_its_caller_the_answer() {
    let (service, _database) = service(&[]).await;
    let token = Service::token("ann");
    let body = vec![b' '; 16 * 1024 * 1024];
    let chunked = |head: String| {
        head.replace(&format!("Content-Length: {}", body.len()), "Transfer-Encoding: chunked")
            + &format!("{:x}\r\n", body.len())
    };
    for (head, status) in [
        (post(&token, body.len()), "413"),
        (chunked(post(&token, body.len())), "413"),
        (post("nonsense", body.len()), "401"),
        (post(&token, body.len()).replace("application/json", "text/plain"), "415"),
    ] {
        let mut stream = service.connect();
        stream.write_all(head.as_bytes()).unwrap();
        // All of it first, as simple clients do.
        stream.write_all(&body).unwrap();
        let told = answer(&mut stream);
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{told}");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up() {
    let (service, _database) = service(&[("TASKGATE_MAX_CONNECTIONS", "1")]).await;
    let mut greedy = service.connect();
    greedy.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
    // Questions until the other side is stuck with its answers.
    let questions = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000);
    while greedy.write_all(questions.as_bytes()).is_ok() {}
    let mut refused = service.connect();
    let _ = refused.write_all(GET.as_bytes());
    assert_eq!(rest(&mut refused), "", "the one place is taken");
    // The system takes some more for it now and then; after all the place is free.
    wait_for_a_place(&service, "/livez");
}

#[tokio::test]
async fn a_connection_too_many_is_closed_and_the_others_go_on() {
    let (service, _database) = service(&[("TASKGATE_MAX_CONNECTIONS", "3"), ("TASKGATE_HEADER_TIMEOUT", "10s")]).await;
    let mut open: Vec<TcpStream> = (0..3).map(|_| service.connect()).collect();
    for stream in &mut open {
        stream.write_all(GET.as_bytes()).unwrap();
        assert!(answer(stream).starts_with("HTTP/1.1 200 "));
    }
    let started = Instant::now();
    assert_eq!(rest(&mut service.connect()), "");
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    for stream in &mut open {
        stream.write_all(GET.as_bytes()).unwrap();
        assert!(answer(stream).starts_with("HTTP/1.1 200 "));
    }
    drop(open.pop());
    wait_for_a_place(&service, "/livez");
}

#[tokio::test]
async fn many_connections_take_no_file_from_the_database() {
    let database = Database::empty(Sqlite).await;
    // As many files as connections need would be more than there are.
    let script = format!("ulimit -n 120; exec {} serve", env!("CARGO_BIN_EXE_taskgate"));
    let service =
        Service::wait(Service::command("/bin/sh", &database.text, &[]).args(["-c", &script]).spawn().unwrap());
    let open: Vec<TcpStream> = (0..150).map(|_| service.connect()).collect();
    std::thread::sleep(Duration::from_millis(300));
    // One goes, and the database can be opened by who comes in its place.
    drop(open.into_iter().skip(59).collect::<Vec<_>>());
    wait_for_a_place(&service, "/readyz");
}

#[tokio::test]
async fn a_low_bound_on_files_is_raised_as_far_as_it_may_be() {
    let database = Database::empty(Sqlite).await;
    let script = format!("ulimit -S -n 200; exec {} serve", env!("CARGO_BIN_EXE_taskgate"));
    let settings = [("TASKGATE_MAX_CONNECTIONS", "500")];
    let mut command = Service::command("/bin/sh", &database.text, &settings);
    let service = Service::wait(command.args(["-c", &script]).spawn().unwrap());
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", service.child.id())).unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().next(), Some("756"));
}

#[tokio::test]
async fn a_header_that_is_too_large_is_refused_by_the_protocol() {
    let (service, _database) = service(&[]).await;
    let head = |bytes: usize| GET.replace("\r\n\r\n", &format!("\r\nX-Large: {}\r\n\r\n", "a".repeat(bytes)));
    let mut stream = service.connect();
    stream.write_all(head(60_000).as_bytes()).unwrap();
    assert!(answer(&mut stream).starts_with("HTTP/1.1 200 "));
    let mut stream = service.connect();
    let _ = stream.write_all(head(70_000).as_bytes());
    assert!(rest(&mut stream).starts_with("HTTP/1.1 431 "));
    let mut stream = service.connect();
    let _ = stream.write_all(GET.replace("livez", &"a".repeat(70_000)).as_bytes());
    let told = rest(&mut stream);
    assert!(told.starts_with("HTTP/1.1 414 ") || told.starts_with("HTTP/1.1 431 "), "{told}");
}

#[tokio::test]
async fn http2_is_spoken_to_those_who_know() {
    let (service, _database) = service(&[]).await;
    let output = Command::new("curl")
        .args(["-s", "--http2-prior-knowledge", "-w", " %{http_version} %{http_code}", "-H"])
        .arg(format!("Authorization: Bearer {}", Service::token("ann")))
        .args(["--json", r#"{"title": "milk"}"#])
        .arg(format!("http://{}/api/tasks", service.address))
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.ends_with(" 2 201"), "{told}");
}
