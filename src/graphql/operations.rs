//! Operations that ran, counted for operators by name and outcome.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::error::Code;

/// What an operation is called in figures: there are as many names as the service and its operator have given.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Label {
    /// One of our own.
    Own(&'static str),
    /// One of a trusted document.
    Trusted(Arc<str>),
    /// Whatever else has a name.
    Other,
    Anonymous,
}

impl Label {
    /// A name that a caller made up, or none.
    pub(super) const fn of_caller(name: Option<&str>) -> Self {
        if name.is_some() { Self::Other } else { Self::Anonymous }
    }

    /// The name where it is known.
    pub(super) fn known(&self) -> Option<&str> {
        match self {
            Self::Own(name) => Some(name),
            Self::Trusted(name) => Some(name),
            Self::Other | Self::Anonymous => None,
        }
    }
}

impl EncodeLabelValue for Label {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let text = match self {
            Self::Other => "other",
            Self::Anonymous => "anonymous",
            known => known.known().unwrap_or_default(),
        };
        EncodeLabelValue::encode(&text, encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    door: &'static str,
    operation: Label,
    code: &'static str,
}

/// How many operations came to which end.
#[derive(Debug, Default)]
pub(super) struct Operations(Family<Outcome, Counter>);

impl Operations {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Operations that ran or were refused, by the code of their first error";
        registry.register("graphql_operations", help, self.0.clone());
    }

    /// Counts an operation that came to this end; no code is no error.
    pub(super) fn count(&self, operation: Label, code: Option<Code>) {
        let door = if matches!(operation, Label::Own(_)) { "rest" } else { "graphql" };
        self.0.get_or_create(&Outcome { door, operation, code: code.map_or("OK", Code::as_str) }).inc();
    }
}
