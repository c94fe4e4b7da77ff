//! Traces on their way out: in batches, by OTLP over HTTP, in the background. Where the collector is away or slow, spans
//! are dropped and the log tells of it; no request waits.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use opentelemetry::KeyValue;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use reqwest::redirect::Policy;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::config::{Sampling, TracesConfig};

/// How long the collector may take over a batch.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most of an answer of the collector that is read. It says at most what was wrong with some spans.
const ANSWER_BYTES: usize = 64 * 1024;

/// Traces that are exported, or none.
#[derive(Debug)]
pub struct Traces(pub(super) Option<SdkTracerProvider>);

impl Traces {
    /// No traces.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Traces as the configuration says, sent from the runtime that it is called on.
    ///
    /// # Errors
    /// A sentence, when there is no way to speak HTTP.
    pub fn new(config: &TracesConfig) -> Result<Self, String> {
        let Some(endpoint) = &config.endpoint else { return Ok(Self::off()) };
        let client = reqwest::Client::builder()
            .user_agent(concat!("taskgate/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .build()
            .map_err(|error| format!("Traces cannot be sent from this machine: {error}."))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender { client, runtime: Handle::current() })
            .with_endpoint(endpoint.as_str())
            .with_headers(config.headers.clone())
            .with_timeout(TIMEOUT)
            .build()
            .map_err(|error| format!("Traces cannot be sent: {error}."))?;
        let attributes = config.attributes.iter().map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
        let resource = Resource::builder()
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attributes(attributes)
            .with_service_name(config.service_name.clone())
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(sampler(config.sampling))
            .with_resource(resource)
            .build();
        Ok(Self(Some(provider)))
    }

    /// Sends what is still here, for as long as there is time for it.
    pub async fn finish(self, deadline: Instant) {
        let Some(provider) = self.0 else { return };
        let left = deadline.saturating_duration_since(Instant::now());
        let sent = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(left));
        if !matches!(timeout_at(deadline, sent).await, Ok(Ok(Ok(())))) {
            tracing::warn!("the last traces could not be sent in time");
        }
    }
}

fn sampler(sampling: Sampling) -> Sampler {
    let Sampling { follows_caller, share } = sampling;
    let root = if share < 1.0 { Sampler::TraceIdRatioBased(share) } else { Sampler::AlwaysOn };
    if follows_caller { Sampler::ParentBased(Box::new(root)) } else { root }
}

/// Sends batches. They are made on a thread of their own, which has no runtime to do it on.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
}

impl HttpClient for Sender {
    fn send_bytes<'a, 'f>(&'a self, request: Request<Bytes>) -> BoxFuture<'f, Result<Response<Bytes>, HttpError>>
    where
        'a: 'f,
        Self: 'f,
    {
        let sent = self.runtime.spawn(send(self.client.clone(), request));
        async { sent.await? }.boxed()
    }
}

async fn send(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let mut answer = client.execute(request.try_into()?).await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES {
            return Err("the answer of the collector is too large".into());
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = Response::new(body.into());
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}
