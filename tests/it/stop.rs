//! The end of the program: it says so, takes nothing new, and lets running requests finish.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rstest::rstest;

use crate::process::Service;
use crate::support::{Backend, Database, Postgres, Sqlite};

/// Sends a request that makes a task and does not wait for its answer.
fn ask(service: &Service) -> TcpStream {
    let body = r#"{"title": "last"}"#;
    let mut stream = service.connect();
    write!(
        stream,
        "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        Service::token("ann"),
        body.len()
    )
    .unwrap();
    stream
}

fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    text
}

#[tokio::test]
async fn a_stop_is_told_first_and_running_requests_finish() {
    let database = Database::migrated(Postgres).await;
    let mut service = Service::start(&database.text, &[("TASKGATE_DRAIN_TIME", "5s")]);
    let held = database.hold().await;
    let running = ask(&service);
    std::thread::sleep(Duration::from_millis(200));
    let told = Instant::now();
    service.terminate();
    std::thread::sleep(Duration::from_millis(300));

    // A balancer hears of it on a new connection, and callers who come meanwhile are served, and told to go.
    assert_eq!(service.status("/readyz"), "503");
    assert_eq!(service.status("/livez"), "200");
    let mut stream = service.connect();
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let answer = rest(stream);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");

    std::thread::sleep(Duration::from_secs(1));
    assert!(TcpStream::connect(&service.address).is_err(), "it takes new connections");
    assert!(service.child.try_wait().unwrap().is_none(), "it did not wait");
    held.release().await;
    let answer = rest(running);
    assert!(answer.starts_with("HTTP/1.1 201 ") && answer.contains("connection: close"), "{answer}");
    assert!(service.child.wait().unwrap().success());
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
}

#[rstest]
#[tokio::test]
async fn what_runs_beyond_the_drain_time_is_cut(#[values(Sqlite, Postgres)] backend: Backend) {
    let database = Database::migrated(backend).await;
    let mut service = Service::start(&database.text, &[("TASKGATE_DRAIN_TIME", "1s")]);
    let held = database.hold().await;
    let running = ask(&service);
    std::thread::sleep(Duration::from_millis(200));
    let told = Instant::now();
    service.terminate();
    assert!(service.child.wait().unwrap().success());
    assert!((950..1900).contains(&told.elapsed().as_millis()), "{:?}", told.elapsed());
    assert_eq!(rest(running), "");
    held.release().await;
}

#[rstest]
#[case::by_hand(&["-INT"], 0..700)]
#[case::by_hand_after_all(&["-TERM", "-INT"], 0..700)]
#[case::by_a_machine(&["-TERM"], 900..2500)]
#[tokio::test]
async fn idle_connections_hold_up_no_stop(#[case] signals: &[&str], #[case] milliseconds: std::ops::Range<u128>) {
    let database = Database::empty(Sqlite).await;
    let mut service = Service::start(&database.text, &[("TASKGATE_DRAIN_TIME", "5s")]);
    let _silent = service.connect();
    let mut idle = service.connect();
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    idle.read_exact(&mut [0; 15]).unwrap();
    let told = Instant::now();
    for signal in signals {
        service.send_signal(signal);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(service.child.wait().unwrap().success());
    assert!(milliseconds.contains(&told.elapsed().as_millis()), "{:?}", told.elapsed());
}

#[tokio::test]
async fn a_second_signal_does_not_wait() {
    let database = Database::migrated(Postgres).await;
    let mut service = Service::start(&database.text, &[]);
    let _held = database.hold().await;
    let _running = ask(&service);
    std::thread::sleep(Duration::from_millis(200));
    let told = Instant::now();
    for _ in 0..3 {
        service.send_signal("-INT");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(service.child.wait().unwrap().success());
    assert!(told.elapsed() < Duration::from_secs(1), "{:?}", told.elapsed());
}

#[tokio::test]
async fn over_http2_too_running_requests_finish_and_new_ones_are_not_taken() {
    let database = Database::migrated(Postgres).await;
    let mut service = Service::start(&database.text, &[("TASKGATE_DRAIN_TIME", "5s")]);
    let stream = tokio::net::TcpStream::connect(&service.address).await.unwrap();
    let (mut caller, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = || {
        Request::post("http://localhost/api/tasks")
            .header("authorization", format!("Bearer {}", Service::token("ann")))
            .header("content-type", "application/json")
            .body(r#"{"title": "last"}"#.to_owned())
            .unwrap()
    };
    let held = database.hold().await;
    let running = tokio::spawn(caller.send_request(request()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    service.send_signal("-INT");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(caller.send_request(request()).await.is_err(), "it takes new requests");
    held.release().await;
    assert_eq!(running.await.unwrap().unwrap().status(), 201);
    connection.await.unwrap().unwrap();
    assert!(service.child.wait().unwrap().success());
}

/// Asks on one connection after the other, as long as there are new ones; answers how many questions had no answer.
fn load(address: &str, answered: &AtomicU32, is_over: &AtomicBool) -> u32 {
    let mut unanswered = 0;
    while !is_over.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(address) else { break };
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stays = true;
        while stays && !is_over.load(Ordering::Relaxed) {
            let asked = stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let head: Vec<String> =
                reader.by_ref().lines().map_while(Result::ok).take_while(|l| !l.is_empty()).collect();
            if asked.is_err() || reader.read_exact(&mut [0; 20]).is_err() {
                unanswered += 1;
                break;
            }
            answered.fetch_add(1, Ordering::Relaxed);
            stays = !head.iter().any(|line| line == "connection: close");
        }
    }
    unanswered
}

#[tokio::test]
async fn under_load_no_question_that_was_heard_goes_without_an_answer() {
    let database = Database::empty(Sqlite).await;
    // A caller who is not given a core for a second, a fifth of that, could not be told that its connection closes.
    let mut service = Service::start(&database.text, &[("TASKGATE_DRAIN_TIME", "5s")]);
    let (answered, is_over) = (AtomicU32::new(0), AtomicBool::new(false));
    let unanswered: u32 = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4).map(|_| scope.spawn(|| load(&service.address, &answered, &is_over))).collect();
        std::thread::sleep(Duration::from_millis(500));
        service.terminate();
        std::thread::sleep(Duration::from_secs(2));
        is_over.store(true, Ordering::Relaxed);
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    assert!(service.child.wait().unwrap().success());
    assert!(answered.load(Ordering::Relaxed) > 100);
    // The system may let a caller in at the very moment at which the listener goes.
    assert!(unanswered <= 1, "{unanswered} of {answered:?}");
}
