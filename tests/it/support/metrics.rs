//! The text format of OpenMetrics, as far as the service writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::Method;
use serde_json::json;

use super::TestApp;

/// Samples by name and labels, all as they are written.
#[derive(Debug)]
pub struct Metrics(BTreeMap<String, String>);

impl Metrics {
    /// Reads a text, after a look at its form: every sample follows the description of its metric.
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").unwrap_or_else(|| panic!("it has no end: {text}"));
        let (mut samples, mut described) = (BTreeMap::new(), String::new());
        for line in body.lines() {
            if let Some(description) = line.strip_prefix("# ") {
                described = description.split(' ').nth(1).unwrap().to_owned();
                continue;
            }
            let (sample, value) = line.rsplit_once(' ').unwrap();
            assert!(sample.starts_with(&described) && sample.starts_with("taskgate_"), "{sample} after {described}");
            assert!(value.parse::<f64>().is_ok_and(|value| value >= 0.0), "{line}");
            let known = samples.insert(sample.to_owned(), value.to_owned());
            assert!(known.is_none(), "{sample} is there twice");
        }
        Self(samples)
    }

    /// The value of a sample, such as `rate_limited_total{by="user"}`; 0 where it is not there.
    pub fn value(&self, sample: &str) -> u64 {
        self.0.get(&format!("taskgate_{sample}")).map_or(0, |value| value.parse().unwrap())
    }

    /// The value of a sample that is a time.
    pub fn seconds(&self, sample: &str) -> f64 {
        self.0[&format!("taskgate_{sample}")].parse().unwrap()
    }

    /// The samples whose name begins so.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, u64)> {
        let samples = self.0.iter().filter_map(|(sample, value)| Some((sample.strip_prefix("taskgate_")?, value)));
        samples
            .filter(move |(sample, _)| sample.starts_with(name))
            .map(|(sample, value)| (sample, value.parse().unwrap()))
    }

    /// The labels of a metric with the values that they have; `None` where there is no such metric.
    pub fn labels(&self, metric: &str) -> Option<BTreeMap<&str, BTreeSet<&str>>> {
        let mut known = None;
        for sample in self.0.keys().filter_map(|sample| sample.strip_prefix("taskgate_")) {
            let (name, labels) = sample.trim_end_matches('}').split_once('{').unwrap_or((sample, ""));
            if name == metric {
                let known: &mut BTreeMap<_, BTreeSet<_>> = known.get_or_insert_default();
                // No value has a comma: they are routes, names, codes and numbers.
                for (label, value) in labels.split(',').filter_map(|label| label.split_once('=')) {
                    known.entry(label).or_default().insert(value.trim_matches('"'));
                }
            }
        }
        known
    }
}

/// Has one request of an app with one place run, and another refused meanwhile.
pub async fn shed_one(app: &TestApp) {
    let held = app.database.hold().await;
    let running = tokio::spawn(app.call("ann", Method::POST, "/api/tasks").json(&json!({ "title": "milk" })).send());
    while app.metrics().await.value("http_requests_in_flight") < 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(app.get("ann", "/api/tasks").await.status, 503);
    held.release().await;
    assert_eq!(running.await.unwrap().status, 201);
}
