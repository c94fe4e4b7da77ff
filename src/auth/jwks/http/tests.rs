use std::convert::Infallible;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use futures_util::stream;
use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// The address of a server on this machine with these routes.
async fn serve(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}")
}

/// The address of a server that answers with these bytes, whatever it is asked, and then keeps silent.
async fn raw(answer: &'static str) -> String {
    raw_then(answer, false).await
}

/// The same, which may hang up instead.
async fn raw_then(answer: &'static str, hangs_up: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            if !hangs_up {
                open.push(stream);
            }
        }
    });
    format!("http://{address}/")
}

async fn fetch(address: &str) -> Result<String, String> {
    fetch_within(TIMEOUT, address).await
}

async fn fetch_within(timeout: Duration, address: &str) -> Result<String, String> {
    let source = HttpSource::with_timeout(address.parse().unwrap(), timeout).unwrap();
    let fetched = source.fetch().await;
    fetched.map(|body| String::from_utf8(body).unwrap()).map_err(|cause| cause.to_string())
}

#[test]
fn keys_come_by_https_or_from_this_machine() {
    let good = ["https://auth.test/api/auth/jwks", "https://10.0.0.1:8443/", "http://localhost:3000/api/auth/jwks"];
    for address in good.into_iter().chain(["http://127.0.0.1/jwks", "http://127.9.9.9/", "http://[::1]:3000/jwks"]) {
        assert_eq!(check_jwks_url(&address.parse().unwrap()), Ok(()), "{address}");
    }
    let bad = ["http://auth.test/jwks", "http://10.0.0.1/", "http://localhost.auth.test/", "http://0.0.0.0/"];
    for address in
        bad.into_iter().chain(["file:///etc/jwks", "ftp://localhost/", "data:,{}", "https://ada:pw@auth.test/"])
    {
        check_jwks_url(&address.parse().unwrap()).expect_err(address);
    }
}

#[tokio::test]
async fn an_answer_is_taken_as_it_is_up_to_its_bound() {
    let of = |size| move || async move { "x".repeat(size) };
    let agent = |headers: HeaderMap| async move { headers["user-agent"].to_str().unwrap().to_owned() };
    let routes = Router::new()
        .route("/agent", get(agent))
        .route("/most", get(of(64 * 1024)))
        .route("/more", get(of(64 * 1024 + 1)))
        .route("/here", get(Redirect::temporary("/there")))
        .route("/there", get("keys"));
    let base = serve(routes).await;
    assert_eq!(fetch(&format!("{base}/agent")).await.unwrap(), concat!("taskgate/", env!("CARGO_PKG_VERSION")));
    assert_eq!(fetch(&format!("{base}/most")).await.unwrap().len(), 64 * 1024);
    assert_eq!(fetch(&format!("{base}/more")).await.unwrap_err(), "the answer is larger than 65536 bytes");
    assert_eq!(fetch(&format!("{base}/here")).await.unwrap(), "keys");
}

#[tokio::test]
async fn a_failure_says_why_but_not_where() {
    let elsewhere = serve(Router::new().route("/", get("keys"))).await;
    let by_name = elsewhere.replace("127.0.0.1", "localhost");
    let routes = Router::new()
        .route("/name", get(Redirect::permanent(&by_name)))
        .route("/safe", get(Redirect::temporary("https://127.0.0.1/")))
        .route("/file", get(Redirect::temporary("file:///etc/passwd")))
        .route("/far", get(Redirect::temporary("/away?private")))
        .route("/away", get(Redirect::temporary(&elsewhere)))
        .route("/round", get(Redirect::temporary("/round")))
        .route("/nothing-new", get(|| async { StatusCode::NOT_MODIFIED }))
        .route("/part", get(|| async { (StatusCode::PARTIAL_CONTENT, "{") }))
        .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR.into_response() }));
    let base = serve(routes).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let cases = [
        (format!("{base}/away?private"), "it redirects to another origin"),
        (format!("{base}/name?private"), "it redirects to another origin"),
        (format!("{base}/safe?private"), "it redirects to another origin"),
        (format!("{base}/file?private"), "307"),
        (format!("{base}/far?private"), "it redirects to another origin"),
        (format!("{base}/round?private"), "it redirects too often"),
        (format!("{base}/broken?private"), "500"),
        (format!("{base}/nothing?private"), "404"),
        (format!("{base}/nothing-new?private"), "304"),
        (format!("{base}/part?private"), "206"),
        (format!("http://{closed}/?private"), "onnection refused"),
    ];
    for (address, why) in cases {
        let text = fetch(&address).await.unwrap_err();
        assert!(text.contains(why) && !text.contains("private"), "{address}: {text}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_by_its_size() {
    let endless = || async { Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(vec![b' '; 8 * 1024]))) };
    let base = serve(Router::new().route("/", get(endless))).await;
    assert_eq!(fetch(&base).await.unwrap_err(), "the answer is larger than 65536 bytes");
    let claimed = raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{").await;
    assert_eq!(fetch(&claimed).await.unwrap_err(), "the answer is larger than 65536 bytes");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_by_its_time() {
    let stalled = || async { Body::from_stream(stream::pending::<Result<Vec<u8>, Infallible>>()) };
    let drip = || async {
        Body::from_stream(stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((Ok::<_, Infallible>(vec![b' ']), ()))
        }))
    };
    let base = serve(Router::new().route("/stalled", get(stalled)).route("/drip", get(drip))).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cases = [
        format!("{base}/stalled?private"),
        format!("{base}/drip?private"),
        format!("http://{}/?private", silent.local_addr().unwrap()),
        raw("HTTP/1.1 200 OK\r\nContent-").await,
    ];
    for address in cases {
        let started = Instant::now();
        let text = fetch_within(Duration::from_millis(100), &address).await.unwrap_err();
        assert!(text.contains("timed out") && !text.contains("private"), "{address}: {text}");
        assert!(started.elapsed() < Duration::from_secs(2), "{address}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    let cases = [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{\"keys\":[]}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{\"keys\":[]}\r\n",
        "{\"keys\":[]}",
    ];
    for answer in cases {
        let address = raw_then(answer, true).await;
        fetch(&address).await.expect_err(answer);
    }
}

#[test]
fn debug_output_has_no_query() {
    let source = HttpSource::new("https://auth.test/jwks?key=private".parse().unwrap()).unwrap();
    assert_eq!(format!("{source:?}"), r#"HttpSource("https://auth.test")"#);
}
