//! A JWK Set from an address.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, Response, StatusCode};
use tracing::{Instrument as _, Span};
use url::{Host, Origin, Url};

use super::KeySource;
use crate::error::Cause;
use crate::trace;

/// From the first byte sent to the last one received.
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 64 * 1024;
const MAX_REDIRECTS: usize = 3;

/// Checks that keys may be fetched from `url`: by `https`, or by `http` from this machine, since whoever answers
/// decides which tokens are believed.
///
/// # Errors
/// What to write instead.
pub fn check_jwks_url(url: &Url) -> Result<(), &'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("public keys need no user and no password; take them out");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        _ => Err("write an https:// URL; http:// is for a server on this machine only"),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An address that answers with a JWK Set, within bounds.
pub(in crate::auth) struct HttpSource {
    client: Client,
    url: Url,
}

impl HttpSource {
    /// A source at `url`, which [`check_jwks_url`] lets pass.
    pub(in crate::auth) fn new(url: Url) -> reqwest::Result<Self> {
        Self::with_timeout(url, TIMEOUT)
    }

    fn with_timeout(url: Url, timeout: Duration) -> reqwest::Result<Self> {
        let origin = url.origin();
        let client = Client::builder()
            .user_agent(concat!("taskgate/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .redirect(Policy::custom(move |attempt| redirect(attempt, &origin)));
        // A proxy from the environment is another machine, where this machine's address means another server.
        let client = if is_loopback(&url) { client.no_proxy() } else { client };
        Ok(Self { client: client.build()?, url })
    }

    async fn get(&self) -> Result<Vec<u8>, Cause> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, application/jwk-set+json"));
        let span = trace::fetch(&self.url, &mut headers);
        let outcome = self.answer(headers, &span).instrument(span.clone()).await;
        if outcome.is_err() {
            trace::failed(&span, "fetch");
        }
        outcome
    }

    async fn answer(&self, headers: HeaderMap, span: &Span) -> Result<Vec<u8>, Cause> {
        let response = self.client.get(self.url.clone()).headers(headers).send().await.map_err(describe)?;
        trace::answered(span, response.status());
        match response.status() {
            StatusCode::OK => read(response).await,
            status => Err(format!("the answer's status is {status}").into()),
        }
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, Cause> {
    let too_large = || Err(format!("the answer is larger than {MAX_BYTES} bytes").into());
    if response.content_length().is_some_and(|length| length > MAX_BYTES as u64) {
        return too_large();
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(describe)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return too_large();
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl KeySource for HttpSource {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, Cause>> {
        self.get().boxed()
    }
}

/// Follows redirects within `origin` only: the operator trusts that origin and no other.
fn redirect(attempt: Attempt<'_>, origin: &Origin) -> Action {
    if attempt.url().origin() != *origin {
        attempt.error("it redirects to another origin")
    } else if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error("it redirects too often")
    } else {
        attempt.follow()
    }
}

/// The whole chain of causes in one line, without the address, whose query may be private.
fn describe(error: reqwest::Error) -> Cause {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text.into()
}

/// The origin alone.
impl fmt::Debug for HttpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpSource").field(&self.url.origin().ascii_serialization()).finish()
    }
}

#[cfg(test)]
mod tests;
