//! The settings of the group [`LIMITS`].

use super::{Group, Setting};

/// What the service bears before it refuses.
pub const LIMITS: Group = Group {
    heading: "Limits",
    settings: &[
        &TASKGATE_BODY_LIMIT,
        &TASKGATE_HEADER_TIMEOUT,
        &TASKGATE_BODY_TIMEOUT,
        &TASKGATE_REQUEST_TIMEOUT,
        &TASKGATE_MAX_IN_FLIGHT,
        &TASKGATE_MAX_CONNECTIONS,
        &TASKGATE_DRAIN_TIME,
    ],
};

pub const TASKGATE_BODY_LIMIT: Setting = Setting {
    variable: "TASKGATE_BODY_LIMIT",
    flag: "body-limit",
    value: "SIZE",
    default: Some("1MiB"),
    help: "The most that the body of a request may hold, in bytes, KiB or MiB; beyond it 413",
};

pub const TASKGATE_HEADER_TIMEOUT: Setting = Setting {
    variable: "TASKGATE_HEADER_TIMEOUT",
    flag: "header-timeout",
    value: "TIME",
    default: Some("10s"),
    help: "How long the header of a request may take to arrive before its connection is closed",
};

pub const TASKGATE_BODY_TIMEOUT: Setting = Setting {
    variable: "TASKGATE_BODY_TIMEOUT",
    flag: "body-timeout",
    value: "TIME",
    default: Some("10s"),
    help: "How long a body may stand still: one that is sent (504), or an answer that nobody takes (closed)",
};

pub const TASKGATE_REQUEST_TIMEOUT: Setting = Setting {
    variable: "TASKGATE_REQUEST_TIMEOUT",
    flag: "request-timeout",
    value: "TIME",
    default: Some("10s"),
    help: "How long a request may take, from its header to its answer; beyond it 504",
};

pub const TASKGATE_MAX_IN_FLIGHT: Setting = Setting {
    variable: "TASKGATE_MAX_IN_FLIGHT",
    flag: "max-in-flight",
    value: "NUMBER",
    default: Some("512"),
    help: "The most requests that run at once; beyond it 503 with Retry-After, but for /health, /livez and /readyz",
};

pub const TASKGATE_MAX_CONNECTIONS: Setting = Setting {
    variable: "TASKGATE_MAX_CONNECTIONS",
    flag: "max-connections",
    value: "NUMBER",
    default: Some("10000"),
    help: "The most connections that are open at once; those beyond it are closed unanswered",
};

pub const TASKGATE_DRAIN_TIME: Setting = Setting {
    variable: "TASKGATE_DRAIN_TIME",
    flag: "drain-time",
    value: "TIME",
    default: Some("10s"),
    help: "How long a stop waits for running requests before it cuts them; /readyz is 503 from its beginning, and \
           after SIGTERM its first fifth still takes new requests",
};
