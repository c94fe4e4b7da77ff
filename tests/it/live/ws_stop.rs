//! Sockets at a stop.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use super::client::{Client, PROTOCOL};
use crate::process::Service;
use crate::support::{Database, Sqlite};

/// A socket of `user` on a service of its own process.
async fn begun(service: &Service, user: &str) -> Client {
    let mut client = Client::shake(service.address.parse().unwrap(), "/graphql", &[PROTOCOL]).await.unwrap();
    client.init(&Service::token(user)).await;
    assert_eq!(client.next().await, json!({ "type": "connection_ack" }));
    client
}

#[tokio::test]
async fn sockets_leave_one_after_the_other_and_the_process_with_them() {
    let database = Database::empty(Sqlite).await;
    let mut service = Service::start(&database.text, &[("TASKGATE_DRAIN_TIME", "5s")]);
    let mut leaving = JoinSet::new();
    for _ in 0..10 {
        let mut client = begun(&service, "ann").await;
        leaving.spawn(async move { (client.end().await, Instant::now()) });
    }
    // One that has not begun, too.
    let mut silent = Client::shake(service.address.parse().unwrap(), "/graphql", &[PROTOCOL]).await.unwrap();
    leaving.spawn(async move { (silent.end().await, Instant::now()) });
    let told = Instant::now();
    service.terminate();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let refused = Client::shake(service.address.parse().unwrap(), "/graphql", &[PROTOCOL]).await;
    assert_eq!(refused.unwrap_err().0, 503, "no new sockets");

    let mut times = Vec::new();
    while let Some(left) = leaving.join_next().await {
        let ((code, _), at) = left.unwrap();
        // The one that has not begun may run out of time first.
        assert!(code == 1012 || code == 4408, "{code}");
        times.push(at.duration_since(told).as_secs_f64());
    }
    assert!(service.child.wait().unwrap().success());
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
    let (first, last) = (times[0], times[times.len() - 1]);
    // From a fifth of the time to four fifths of it, evenly.
    assert!(first >= 0.95 && last <= 4.2 && last - first > 2.0, "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] < 1.0), "{times:?}");
}

#[tokio::test]
async fn a_person_who_stops_it_does_not_wait_for_sockets() {
    let database = Database::empty(Sqlite).await;
    let mut service = Service::start(&database.text, &[("TASKGATE_DRAIN_TIME", "5s")]);
    let mut client = begun(&service, "ann").await;
    let told = Instant::now();
    service.send_signal("-INT");
    assert_eq!(client.end().await.0, 1012);
    drop(client);
    assert!(service.child.wait().unwrap().success());
    assert!(told.elapsed() < Duration::from_secs(1), "{:?}", told.elapsed());
}

#[tokio::test]
async fn a_socket_outlives_the_limits_of_requests() {
    let database = Database::empty(Sqlite).await;
    let limits = [
        ("TASKGATE_HEADER_TIMEOUT", "300ms"),
        ("TASKGATE_BODY_TIMEOUT", "300ms"),
        ("TASKGATE_REQUEST_TIMEOUT", "300ms"),
    ];
    let settings = [&limits[..], &[("TASKGATE_MAX_IN_FLIGHT", "2"), ("TASKGATE_MAX_CONNECTIONS", "4")]].concat();
    let service = Service::start(&database.text, &settings);
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(begun(&service, "ann").await);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    for client in &mut open {
        assert!(client.lives().await);
    }
    // They take no place of requests, but of connections.
    assert_eq!(service.status("/api/tasks"), "401");
    // The connection of that question has to be found to be gone.
    tokio::time::sleep(Duration::from_millis(500)).await;
    open.push(begun(&service, "ann").await);
    let mut refused = service.connect();
    let _ = std::io::Write::write_all(&mut refused, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut answer = Vec::new();
    let _ = std::io::Read::read_to_end(&mut refused, &mut answer);
    assert!(answer.is_empty(), "there was a place");
}
