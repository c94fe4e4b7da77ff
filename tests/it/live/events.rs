//! A client of server-sent events, as browsers have it.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use tokio::time::timeout;

use super::Live;

const PATIENCE: Duration = Duration::from_secs(10);

/// An event as the specification has it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: String,
}

impl Event {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// There is no more.
    Complete,
    /// The connection broke off: clients try again.
    Cut,
}

/// An open stream.
#[derive(Debug)]
pub struct Events {
    response: reqwest::Response,
    read: String,
}

impl Events {
    /// The stream of a path, for `user`, with more headers.
    pub async fn open(live: &Live, user: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::of(Self::ask(live, &live.app.token(user), path, headers).await)
    }

    /// That of a GraphQL operation.
    pub async fn run(live: &Live, user: &str, body: &Value, headers: &[(&str, &str)]) -> Self {
        let mut request = reqwest::Client::new().post(format!("http://{}/graphql", live.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.bearer_auth(live.app.token(user)).header("content-type", "application/json");
        Self::of(request.header("accept", "text/event-stream").body(body.to_string()).send().await.unwrap())
    }

    /// Asks for events, whatever the answer is.
    pub async fn ask(live: &Live, token: &str, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        let mut request = reqwest::Client::new().get(format!("http://{}{path}", live.address)).bearer_auth(token);
        request = request.header("accept", "text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    pub fn of(response: reqwest::Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with("text/event-stream"));
        assert!(header("cache-control").contains("no-cache") && header("x-accel-buffering") == "no");
        assert!(!response.headers().contains_key("content-encoding"), "what is compressed comes late");
        Self { response, read: String::new() }
    }

    /// The next event, or how the stream ended.
    pub async fn next_or_end(&mut self) -> Result<Event, End> {
        loop {
            if let Some((block, rest)) = self.read.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.read = rest;
                match parse(&block) {
                    Some(event) => return Ok(event),
                    None => continue,
                }
            }
            match timeout(PATIENCE, self.response.chunk())
                .await
                .unwrap_or_else(|_| panic!("nothing came but {:?}", self.read))
            {
                Ok(Some(bytes)) => self.read.push_str(std::str::from_utf8(&bytes).unwrap()),
                Ok(None) => return Err(End::Complete),
                Err(_) => return Err(End::Cut),
            }
        }
    }

    pub async fn next(&mut self) -> Event {
        self.next_or_end().await.unwrap_or_else(|end| panic!("the stream ended: {end:?}"))
    }

    pub async fn end(&mut self) -> End {
        let event = self.next_or_end().await;
        event.err().unwrap_or_else(|| panic!("the stream goes on"))
    }

    /// Waits, and finds that nothing is there.
    pub async fn is_quiet(&mut self) -> bool {
        self.read.is_empty() && timeout(Duration::from_millis(200), self.response.chunk()).await.is_err()
    }
}

/// `None` for comments alone.
fn parse(block: &str) -> Option<Event> {
    let mut event = Event::default();
    let mut is_event = false;
    for line in block.lines().filter(|line| !line.starts_with(':')) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        is_event = true;
        match field {
            "event" => event.name.push_str(value),
            "id" => event.id.push_str(value),
            "data" => event.data.push_str(value),
            _ => panic!("an unknown field: {line}"),
        }
    }
    is_event.then_some(event)
}
