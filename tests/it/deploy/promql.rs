//! Queries of Prometheus, as far as it names metrics and labels. Whether it is well formed is for `promtool` to say.

use std::collections::BTreeSet;

/// What a query names.
#[derive(Debug, Default)]
pub struct Query {
    pub selectors: Vec<Selector>,
    /// The labels of `by`, `on` and their like.
    pub grouped: BTreeSet<String>,
}

/// A metric and the labels that are asked for; the value is known where it has to be equal.
#[derive(Debug)]
pub struct Selector {
    pub metric: String,
    pub matchers: Vec<(String, Option<String>)>,
}

const OPERATORS: [&str; 6] = ["and", "or", "unless", "offset", "bool", "atan2"];
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

impl Query {
    pub fn read(text: &str) -> Self {
        let mut query = Self::default();
        // Grafana's own: values of a label of a metric.
        let values = text.strip_prefix("label_values(").and_then(|inner| inner.strip_suffix(')')?.rsplit_once(','));
        let text = values.map_or(text, |(selector, label)| {
            query.grouped.insert(label.trim().to_owned());
            selector
        });
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = match first {
                '[' => rest.split_once(']').unwrap().1,
                '0'..='9' => rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '.'),
                _ if is_name(first) => query.name(rest),
                _ => &rest[first.len_utf8()..],
            };
        }
        query
    }

    /// Takes a name and what belongs to it, and answers what follows.
    fn name<'a>(&mut self, text: &'a str) -> &'a str {
        let (name, rest) = text.split_at(text.find(|c| !is_name(c)).unwrap_or(text.len()));
        let next = rest.trim_start();
        if GROUPINGS.contains(&name) {
            let (labels, after) = next.strip_prefix('(').unwrap().split_once(')').unwrap();
            let labels = labels.split(',').map(str::trim).filter(|label| !label.is_empty());
            self.grouped.extend(labels.map(str::to_owned));
            return after;
        }
        if OPERATORS.contains(&name) || next.starts_with('(') || GROUPINGS.iter().any(|word| starts(next, word)) {
            return rest;
        }
        let (matchers, rest) = next.strip_prefix('{').map_or((Vec::new(), rest), matchers);
        self.selectors.push(Selector { metric: name.to_owned(), matchers });
        rest
    }
}

/// Whether a text begins with this word and a bracket, as in `sum by (route)`; `sum` is no metric then.
fn starts(text: &str, word: &str) -> bool {
    matches!(word, "by" | "without") && text.strip_prefix(word).is_some_and(|rest| rest.trim_start().starts_with('('))
}

/// The matchers of a selector after its opening brace, and what follows the closing one.
fn matchers(mut text: &str) -> (Vec<(String, Option<String>)>, &str) {
    let mut found = Vec::new();
    loop {
        text = text.trim_start_matches([' ', ',', '\n']);
        if let Some(rest) = text.strip_prefix('}') {
            return (found, rest);
        }
        let (label, rest) = text.split_at(text.find(|c| !is_name(c)).unwrap());
        let (operator, rest) = rest.split_once('"').unwrap();
        let (value, rest) = rest.split_once('"').unwrap();
        found.push((label.to_owned(), (operator == "=").then(|| value.to_owned())));
        text = rest;
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}
