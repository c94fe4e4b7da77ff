//! The service, called through its router.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use secrecy::SecretString;
use serde_json::{Value, json};
use taskgate::auth::{self, TokenRules, Verifier};
use taskgate::clock::{Clock, SharedClock, Timestamp};
use taskgate::database_url::DatabaseUrl;
use taskgate::error::Error;
use taskgate::server::{App, Gateway, Settings};
use taskgate::store::Store;
use taskgate::user::UserId;
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::database::{Backend, Database};
use super::leaks;
use super::metrics::Metrics;

/// A clock that moves by a microsecond each time it is read, so that no two moments of a test are the same.
#[derive(Debug)]
pub struct TickingClock(AtomicI64);

impl TickingClock {
    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for TickingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// A clock that panics, and with it whoever reads it.
#[derive(Debug)]
pub struct BrokenClock;

impl Clock for BrokenClock {
    fn now(&self) -> Timestamp {
        panic!("the clock at /src/clock.rs is broken")
    }
}

/// A running service and its database.
#[derive(Debug)]
pub struct TestApp {
    pub database: Database,
    pub clock: Arc<TickingClock>,
    pub store: Store,
    pub app: App,
    router: Router,
    secret: SecretString,
}

/// The service on a migrated database, as `serve` would set it up, with everything for explorers on.
pub async fn start(backend: Backend) -> TestApp {
    start_with(backend, |_| {}).await
}

/// The same, with settings of one's own.
pub async fn start_with(backend: Backend, change: impl FnOnce(&mut Options)) -> TestApp {
    start_on(Database::migrated(backend).await, change)
}

/// The same, on a database that the test made.
pub fn start_on(database: Database, change: impl FnOnce(&mut Options)) -> TestApp {
    let mut options = Options {
        settings: Settings {
            cors_origins: vec!["http://localhost:3000".parse().unwrap()],
            explore: true,
            docs: true,
            ..Settings::default()
        },
        hide_foreign_tasks: false,
        max_tasks: i64::MAX,
        database_url: database.url.clone(),
        pool_size: 4,
        store_clock: None,
        jwks_url: None,
    };
    change(&mut options);
    // 2026-01-09T10:00:00Z
    let clock = Arc::new(TickingClock(AtomicI64::new(1_767_952_800_000_000)));
    let store_clock = options.store_clock.unwrap_or_else(|| clock.clone());
    let store = Store::new(&options.database_url, options.pool_size, store_clock)
        .hiding_foreign_tasks(options.hide_foreign_tasks)
        .with_max_tasks(options.max_tasks);
    let secret = SecretString::from(uuid::Uuid::new_v4().to_string());
    let rules = TokenRules {
        secrets: vec![secret.clone()],
        jwks_url: options.jwks_url,
        issuer: None,
        audience: None,
        subject_claim: "sub".to_owned(),
    };
    let verifier = Verifier::new(rules, clock.clone()).unwrap();
    let app = App::new(store.clone(), verifier, clock.clone(), options.settings).unwrap();
    TestApp { database, clock, store, router: routes(taskgate::server::router(&app)), app, secret }
}

/// The service as a router, which is what calls are made to.
fn routes(gateway: Gateway) -> Router {
    Router::new().fallback_service(gateway)
}

/// What a test may set.
#[derive(Debug)]
pub struct Options {
    pub settings: Settings,
    pub hide_foreign_tasks: bool,
    pub max_tasks: i64,
    /// Where the service finds its database.
    pub database_url: DatabaseUrl,
    pub pool_size: u32,
    /// The store's own clock, where it is not the one that tokens go by.
    pub store_clock: Option<SharedClock>,
    /// Where keys are beside the secret of the test.
    pub jwks_url: Option<url::Url>,
}

impl TestApp {
    /// A token of `user` that is good for an hour.
    pub fn token(&self, user: &str) -> String {
        self.token_for(user, 3600)
    }

    /// A token of `user` that is good for that many seconds from now on, or was until that many seconds ago.
    pub fn token_for(&self, user: &str, seconds: i64) -> String {
        let user = UserId::parse(user).unwrap();
        auth::issue(&self.secret, "sub", &user, None, None, self.clock.now(), seconds).unwrap()
    }

    /// A request without a token.
    pub fn anonymous(&self, method: Method, path: &str) -> Call {
        Call::of(self.router.clone(), method, path)
    }

    /// What an operator is told.
    pub async fn metrics(&self) -> Metrics {
        let router = routes(taskgate::server::admin_router(&self.app));
        let answer = Call::of(router, Method::GET, "/metrics").send().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
        Metrics::parse(&answer.text())
    }

    /// A request of `user`.
    pub fn call(&self, user: &str, method: Method, path: &str) -> Call {
        self.anonymous(method, path).header(header::AUTHORIZATION.as_str(), &format!("Bearer {}", self.token(user)))
    }

    pub async fn get(&self, user: &str, path: &str) -> Answer {
        self.call(user, Method::GET, path).send().await
    }

    pub async fn post(&self, user: &str, path: &str, body: Value) -> Answer {
        self.call(user, Method::POST, path).json(&body).send().await
    }

    pub async fn put(&self, user: &str, path: &str, body: Value) -> Answer {
        self.call(user, Method::PUT, path).json(&body).send().await
    }

    pub async fn patch(&self, user: &str, path: &str, body: Value) -> Answer {
        self.call(user, Method::PATCH, path).json(&body).send().await
    }

    pub async fn delete(&self, user: &str, path: &str) -> Answer {
        self.call(user, Method::DELETE, path).send().await
    }

    /// Runs a GraphQL operation and answers the whole response body.
    pub async fn graphql(&self, user: &str, query: &str, variables: Value) -> Value {
        self.post(user, "/graphql", json!({ "query": query, "variables": variables })).await.json()
    }

    /// Makes a task by REST and answers it.
    pub async fn create(&self, user: &str, title: &str) -> Value {
        let answer = self.post(user, "/api/tasks", json!({ "title": title })).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    }
}

/// A request under construction.
#[derive(Debug)]
pub struct Call {
    router: Router,
    request: http::request::Builder,
    body: Option<Vec<u8>>,
}

impl Call {
    /// A request to a router.
    pub fn of(router: Router, method: Method, path: &str) -> Self {
        Self { router, request: Request::builder().method(method).uri(path), body: None }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// The address that it comes from; without, it comes over no network.
    pub fn from(mut self, address: &str) -> Self {
        let peer = SocketAddr::new(address.parse().unwrap(), 40_000);
        self.request = self.request.extension(ConnectInfo(peer));
        self
    }

    /// A body that is declared as JSON.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// A body that is not declared as anything.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends it, and looks at an error for what only the log may see.
    pub async fn send(self) -> Answer {
        let sent = self.body.unwrap_or_default();
        let request = self.request.body(Body::from(sent.clone())).unwrap();
        let said = format!("{} {:?} {}", request.uri(), request.headers(), String::from_utf8_lossy(&sent));
        let response = self.router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let is_stream = parts.headers.get(header::CONTENT_TYPE).is_some_and(|value| value == "text/event-stream");
        let body = if is_stream { begun(body).await } else { body.collect().await.unwrap().to_bytes().to_vec() };
        if !parts.headers.contains_key(header::CONTENT_ENCODING) {
            leaks::check(parts.status.as_u16(), &body, &said);
        }
        if let Some(cause) = parts.extensions.get::<Error>().and_then(Error::cause) {
            let (cause, text) = (cause.to_string(), String::from_utf8_lossy(&body));
            assert!(!text.contains(&cause), "an answer tells its cause: {text}");
        }
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header that must be there, as text.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap()
    }

    /// Where a `Link` to something that is `relation` to the answer leads (RFC 8288).
    pub fn link(&self, relation: &str) -> Option<String> {
        let mut links = self.headers.get_all("link").iter().map(|link| link.to_str().unwrap());
        let end = format!(">; rel=\"{relation}\"");
        links.find_map(|link| link.strip_suffix(&end)?.strip_prefix('<').map(str::to_owned))
    }

    /// Status and code of an error, after a look at its envelope.
    #[track_caller]
    pub fn error(&self) -> (u16, String) {
        let body = self.json();
        assert!(body["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{body}");
        assert_eq!(body["errors"].is_array(), self.status == StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        (self.status.as_u16(), body["code"].as_str().unwrap().to_owned())
    }
}

/// What comes of a body that does not end, until nothing comes for a while.
async fn begun(mut body: Body) -> Vec<u8> {
    let mut read = Vec::new();
    while let Ok(Some(Ok(frame))) = timeout(Duration::from_millis(300), body.frame()).await {
        read.extend(frame.into_data().unwrap_or_default());
    }
    read
}
