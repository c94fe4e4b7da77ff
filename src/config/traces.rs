//! Where traces go. The variables and their meanings are OpenTelemetry's own:
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/> and
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>.

use std::collections::HashMap;
use std::fmt;

use ::http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

use super::settings::{
    OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    OTEL_RESOURCE_ATTRIBUTES, OTEL_SDK_DISABLED, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG,
    Setting,
};
use super::sources::Sources;

/// What becomes of traces.
#[derive(Clone)]
pub struct TracesConfig {
    /// Where they are sent by OTLP over HTTP, with its path; `None` where there are none.
    pub endpoint: Option<Url>,
    /// What is sent with them, such as a key. Secret.
    pub headers: HashMap<String, String>,
    pub service_name: String,
    /// What is said of the service beside its name.
    pub attributes: Vec<(String, String)>,
    pub sampling: Sampling,
}

/// Which traces are exported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Whether the caller decides where a request is a part of the caller's trace.
    pub follows_caller: bool,
    /// How many of all others, 0 to 1.
    pub share: f64,
}

impl TracesConfig {
    /// Reads and checks the settings of the group [`TRACES`](super::settings::TRACES).
    ///
    /// # Errors
    /// A sentence that names the first wrong setting and says what to write.
    pub fn resolve(sources: &Sources) -> Result<Self, String> {
        let is_disabled = sources.switch(&OTEL_SDK_DISABLED)?.unwrap_or(false);
        let attributes = pairs(sources, &OTEL_RESOURCE_ATTRIBUTES)?;
        let named = attributes.iter().find(|(name, _)| name == "service.name").map(|(_, value)| value.as_str());
        let service_name = sources.value(&OTEL_SERVICE_NAME).or(named).unwrap_or("taskgate").to_owned();
        Ok(Self {
            endpoint: endpoint(sources)?.filter(|_| !is_disabled),
            headers: headers(sources)?,
            service_name,
            attributes,
            sampling: sampling(sources)?,
        })
    }
}

/// Headers hold keys.
impl fmt::Debug for TracesConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracesConfig")
            .field("endpoint", &self.endpoint.as_ref().map(Url::as_str))
            .field("service_name", &self.service_name)
            .field("sampling", &self.sampling)
            .finish_non_exhaustive()
    }
}

/// The address for traces as it is, or the one for everything with their path.
fn endpoint(sources: &Sources) -> Result<Option<Url>, String> {
    let traces = url(sources, &OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)?;
    let mut all = url(sources, &OTEL_EXPORTER_OTLP_ENDPOINT)?;
    if let Some(all) = &mut all {
        all.set_path(&format!("{}/v1/traces", all.path().trim_end_matches('/')));
    }
    Ok(traces.or(all))
}

fn url(sources: &Sources, setting: &Setting) -> Result<Option<Url>, String> {
    let Some(text) = sources.value(setting) else { return Ok(None) };
    let is_good =
        |url: &Url| matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    let advice = "write the http:// or https:// URL of a collector that speaks OTLP over HTTP, such as \
                  http://localhost:4318; a key for it belongs into OTEL_EXPORTER_OTLP_HEADERS";
    text.parse().ok().filter(is_good).map(Some).ok_or_else(|| sources.refuse(setting, advice))
}

fn headers(sources: &Sources) -> Result<HashMap<String, String>, String> {
    let headers = pairs(sources, &OTEL_EXPORTER_OTLP_HEADERS)?;
    let is_good =
        |(name, value): &(String, String)| name.parse::<HeaderName>().is_ok() && HeaderValue::from_str(value).is_ok();
    if headers.iter().all(is_good) {
        return Ok(headers.into_iter().collect());
    }
    Err(sources.refuse(&OTEL_EXPORTER_OTLP_HEADERS, "write names and values of HTTP headers, as name=value,name=value"))
}

/// Names and values with percent-encoding, in the form of W3C Baggage.
fn pairs(sources: &Sources, setting: &Setting) -> Result<Vec<(String, String)>, String> {
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').filter(|(name, _)| !name.trim().is_empty())?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        Some((name.trim().to_owned(), value.into_owned()))
    };
    let texts = sources.value(setting).unwrap_or_default().split(',').filter(|text| !text.trim().is_empty());
    let advice = "write name=value,name=value, with percent-encoding for what is neither";
    texts.map(pair).collect::<Option<_>>().ok_or_else(|| sources.refuse(setting, advice))
}

fn sampling(sources: &Sources) -> Result<Sampling, String> {
    let name = sources.value(&OTEL_TRACES_SAMPLER).unwrap_or_default();
    let (follows_caller, root) = match name.strip_prefix("parentbased_") {
        Some(root) => (true, root),
        None => (false, name),
    };
    let share = match root {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => share(sources)?,
        _ => {
            let advice = "write always_on, always_off or traceidratio, or one of them after parentbased_";
            return Err(sources.refuse(&OTEL_TRACES_SAMPLER, advice));
        }
    };
    Ok(Sampling { follows_caller, share })
}

fn share(sources: &Sources) -> Result<f64, String> {
    let share = sources.value(&OTEL_TRACES_SAMPLER_ARG).unwrap_or_default().parse().ok();
    let advice = "write the share of the traces that are exported, from 0 to 1, such as 0.1";
    share.filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| sources.refuse(&OTEL_TRACES_SAMPLER_ARG, advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve<const N: usize>(variables: [(&str, &str); N]) -> Result<TracesConfig, String> {
        TracesConfig::resolve(&Sources::new([], variables, []))
    }

    #[test]
    fn traces_go_where_the_standard_says() {
        let all = |url| ("OTEL_EXPORTER_OTLP_ENDPOINT", url);
        let traces = |url| ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url);
        let disabled = |on| ("OTEL_SDK_DISABLED", on);
        for (variables, endpoint) in [
            ([all(""), traces(""), disabled("")], None),
            ([all("http://localhost:4318"), traces(""), disabled("")], Some("http://localhost:4318/v1/traces")),
            ([all("https://o.example/otlp/"), traces(""), disabled("false")], Some("https://o.example/otlp/v1/traces")),
            ([all("http://a.example"), traces("http://b.example/x"), disabled("")], Some("http://b.example/x")),
            ([all(""), traces("http://b.example"), disabled("")], Some("http://b.example/")),
            ([all("http://localhost:4318"), traces(""), disabled("true")], None),
        ] {
            assert_eq!(resolve(variables).unwrap().endpoint.as_ref().map(Url::as_str), endpoint, "{variables:?}");
        }
    }

    #[test]
    fn a_service_has_a_name_and_attributes() {
        let config = resolve([]).unwrap();
        assert_eq!((config.service_name.as_str(), config.attributes.len()), ("taskgate", 0));
        let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=tasks, deployment.environment.name=a%2Cb ,");
        let config = resolve([attributes]).unwrap();
        assert_eq!(config.service_name, "tasks");
        assert_eq!(config.attributes[1], ("deployment.environment.name".to_owned(), "a,b".to_owned()));
        assert_eq!(resolve([attributes, ("OTEL_SERVICE_NAME", "other")]).unwrap().service_name, "other");
    }

    #[test]
    fn the_samplers_are_those_of_the_standard() {
        for (name, share, follows_caller, expected) in [
            ("", "", true, 1.0),
            ("always_on", "", false, 1.0),
            ("always_off", "0.5", false, 0.0),
            ("traceidratio", "", false, 1.0),
            ("traceidratio", "0.25", false, 0.25),
            ("parentbased_traceidratio", "0", true, 0.0),
        ] {
            let config = resolve([("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", share)]).unwrap();
            assert_eq!(config.sampling, Sampling { follows_caller, share: expected }, "{name} {share}");
        }
    }

    #[test]
    fn wrong_settings_are_named_and_not_repeated() {
        for (variable, text) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "hunter2:4317"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://hunter2"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://user:hunter2@o.example"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a b=hunter2"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=hunter2%0A"),
            ("OTEL_RESOURCE_ATTRIBUTES", "hunter2"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a=%FFhunter2"),
            ("OTEL_SDK_DISABLED", "hunter2"),
            ("OTEL_TRACES_SAMPLER", "hunter2"),
            ("OTEL_TRACES_SAMPLER", "parentbased_hunter2"),
        ] {
            let sentence = resolve([(variable, text)]).unwrap_err();
            assert!(sentence.starts_with(variable) && sentence.ends_with('.'), "{sentence}");
            assert!(!sentence.contains("hunter2"), "{sentence}");
        }
        for share in ["2", "-0.1", "NaN", "half"] {
            let sampler = ("OTEL_TRACES_SAMPLER", "traceidratio");
            let sentence = resolve([sampler, ("OTEL_TRACES_SAMPLER_ARG", share)]).unwrap_err();
            assert!(sentence.starts_with("OTEL_TRACES_SAMPLER_ARG: "), "{sentence}");
        }
    }

    #[test]
    fn a_printed_configuration_holds_no_key() {
        let config = resolve([("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20hunter2")]).unwrap();
        assert_eq!(config.headers["Authorization"], "Bearer hunter2");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
