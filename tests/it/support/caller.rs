//! A caller of the program, over HTTP.

use std::time::{Duration, Instant};

use http::{HeaderMap, Method, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use taskgate::auth;
use taskgate::clock::{Clock as _, SystemClock};
use taskgate::user::UserId;

use super::leaks;
use crate::process::SECRET;

/// How long a caller waits for an answer, which is longer than the service may take for any.
const PATIENCE: Duration = Duration::from_secs(20);

/// All that a caller is told.
const AWAY: &str = "The service cannot answer right now; try again in a moment.";
const SLOW: &str = "The service took too long to answer.";

/// Whoever calls as a user.
#[derive(Debug, Clone)]
pub struct Caller {
    client: reqwest::Client,
    token: String,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
    pub took: Duration,
}

impl Reply {
    /// Status and code of an error, whose sentence tells nothing of what went wrong inside.
    #[track_caller]
    pub fn error(&self) -> (u16, &str) {
        let (status, code) = (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default());
        match status {
            503 => assert_eq!(self.body, json!({ "detail": AWAY, "code": code })),
            504 => assert_eq!(self.body, json!({ "detail": SLOW, "code": code })),
            _ => {}
        }
        (status, code)
    }
}

fn token(subject: &str) -> String {
    let (user, secret) = (UserId::parse(subject).unwrap(), SecretString::from(SECRET));
    auth::issue(&secret, "sub", &user, None, None, SystemClock.now(), 86_400).unwrap()
}

impl Caller {
    /// The user `ann`.
    pub fn new() -> Self {
        Self { client: reqwest::Client::builder().timeout(PATIENCE).build().unwrap(), token: token("ann") }
    }

    /// The same caller as another user.
    pub fn named(&self, subject: &str) -> Self {
        Self { client: self.client.clone(), token: token(subject) }
    }

    /// The same caller with a token that does not verify.
    pub fn forged(&self) -> Self {
        Self { client: self.client.clone(), token: format!("{}x", self.token) }
    }

    pub async fn call(
        &self,
        method: Method,
        address: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Reply, reqwest::Error> {
        let begun = Instant::now();
        let mut request = self.client.request(method, format!("http://{address}{path}")).bearer_auth(&self.token);
        let sent = body.map(|body| body.to_string()).unwrap_or_default();
        if !sent.is_empty() {
            request = request.header("content-type", "application/json").body(sent.clone());
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await?;
        leaks::check(status.as_u16(), &body, &format!("{path} {sent}"));
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Reply { status, headers, body, took: begun.elapsed() })
    }

    pub async fn get(&self, address: &str, path: &str) -> Reply {
        self.call(Method::GET, address, path, None).await.unwrap()
    }

    /// Makes a task.
    pub async fn create(&self, address: &str, title: &str) -> Reply {
        let body = json!({ "title": title });
        self.call(Method::POST, address, "/api/tasks", Some(body)).await.unwrap()
    }

    /// Asks until the status is `status`; answers how long that took.
    pub async fn until(&self, address: &str, path: &str, status: u16) -> Duration {
        let begun = Instant::now();
        loop {
            let reply = self.get(address, path).await;
            if reply.status == status {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{path} answers {}: {}", reply.status, reply.body);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
