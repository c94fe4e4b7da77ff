//! The settings of the group [`TRACES`], as OpenTelemetry names them.

use super::{Group, Setting};

/// Where traces go.
pub const TRACES: Group = Group {
    heading: "Traces",
    settings: &[
        &OTEL_EXPORTER_OTLP_ENDPOINT,
        &OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
        &OTEL_EXPORTER_OTLP_HEADERS,
        &OTEL_SERVICE_NAME,
        &OTEL_RESOURCE_ATTRIBUTES,
        &OTEL_TRACES_SAMPLER,
        &OTEL_TRACES_SAMPLER_ARG,
        &OTEL_SDK_DISABLED,
    ],
};

pub const OTEL_EXPORTER_OTLP_ENDPOINT: Setting = Setting {
    variable: "OTEL_EXPORTER_OTLP_ENDPOINT",
    flag: "otel-exporter-otlp-endpoint",
    value: "URL",
    default: None,
    help: "The collector that traces are sent to by OTLP over HTTP, such as http://localhost:4318 [default: none are]",
};

pub const OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: Setting = Setting {
    variable: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    flag: "otel-exporter-otlp-traces-endpoint",
    value: "URL",
    default: None,
    help: "The same with its path, for traces alone",
};

pub const OTEL_EXPORTER_OTLP_HEADERS: Setting = Setting {
    variable: "OTEL_EXPORTER_OTLP_HEADERS",
    flag: "otel-exporter-otlp-headers",
    value: "PAIRS",
    default: None,
    help: "Headers for the collector, as name=value,name=value; prefer the variable, other users of the machine can read \
           flags",
};

pub const OTEL_SERVICE_NAME: Setting = Setting {
    variable: "OTEL_SERVICE_NAME",
    flag: "otel-service-name",
    value: "NAME",
    default: None,
    help: "What the service is called in traces [default: taskgate]",
};

pub const OTEL_RESOURCE_ATTRIBUTES: Setting = Setting {
    variable: "OTEL_RESOURCE_ATTRIBUTES",
    flag: "otel-resource-attributes",
    value: "PAIRS",
    default: None,
    help: "What else traces say of the service, as name=value,name=value",
};

pub const OTEL_TRACES_SAMPLER: Setting = Setting {
    variable: "OTEL_TRACES_SAMPLER",
    flag: "otel-traces-sampler",
    value: "SAMPLER",
    default: Some("parentbased_always_on"),
    help: "Which traces are exported: always_on, always_off or traceidratio; after parentbased_ the caller decides, where \
           a request is a part of the caller's trace",
};

pub const OTEL_TRACES_SAMPLER_ARG: Setting = Setting {
    variable: "OTEL_TRACES_SAMPLER_ARG",
    flag: "otel-traces-sampler-arg",
    value: "SHARE",
    default: Some("1"),
    help: "The share of traces that traceidratio exports, from 0 to 1",
};

pub const OTEL_SDK_DISABLED: Setting = Setting {
    variable: "OTEL_SDK_DISABLED",
    flag: "otel-sdk-disabled",
    value: "true|false",
    default: Some("false"),
    help: "Send no traces, whatever else is set",
};
