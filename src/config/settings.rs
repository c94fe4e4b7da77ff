//! Every setting: its environment variable, its flag, its default and what `--help` says about it.

use clap::{Arg, ValueHint};

mod feed;
mod limits;
mod traces;

pub use feed::*;
pub use limits::*;
pub use traces::*;

/// One setting, which flag, environment and `.env` can give.
#[derive(Debug)]
pub struct Setting {
    /// The environment variable.
    pub variable: &'static str,
    /// The flag without its dashes.
    pub flag: &'static str,
    /// What stands for the value in the help.
    value: &'static str,
    /// The value where nothing is set; `None` where that depends on the command, or on nothing at all.
    pub default: Option<&'static str>,
    help: &'static str,
}

/// Settings that commands read together, under one heading of the help.
#[derive(Debug)]
pub struct Group {
    heading: &'static str,
    pub settings: &'static [&'static Setting],
}

impl Group {
    /// The settings as flags of a command.
    pub fn args(&self) -> impl Iterator<Item = Arg> {
        self.settings.iter().map(|setting| {
            Arg::new(setting.flag)
                .long(setting.flag)
                // Only named here: the value is read by `Sources`, which knows of `.env` and of empty variables.
                .env(setting.variable)
                .hide_env_values(true)
                .value_name(setting.value)
                .value_hint(if setting.value == "FILE" { ValueHint::FilePath } else { ValueHint::Other })
                .default_value(setting.default)
                .help(setting.help)
                .help_heading(self.heading)
                // For `migrate`, whose own commands inherit them.
                .global(true)
        })
    }
}

/// Every group, in the order of the help.
pub const GROUPS: [&Group; 9] = [&DATABASE, &TOKENS, &HTTP, &LIMITS, &RATE_LIMIT, &FEED, &GRAPHQL, &LOG, &TRACES];

/// Where the tasks are kept.
pub const DATABASE: Group = Group {
    heading: "Database",
    settings: &[&DATABASE_URL, &DATABASE_DIRECT_URL, &DATABASE_POOL_SIZE, &TASKGATE_STATEMENT_TIMEOUT],
};

/// Whose tokens are accepted.
pub const TOKENS: Group = Group {
    heading: "Tokens",
    settings: &[
        &BETTER_AUTH_SECRET,
        &BETTER_AUTH_SECRET_PREVIOUS,
        &JWKS_URL,
        &JWT_ISSUER,
        &JWT_AUDIENCE,
        &JWT_SUBJECT_CLAIM,
    ],
};

/// How callers reach the service, and what it shows them.
pub const HTTP: Group = Group {
    heading: "HTTP",
    settings: &[
        &LISTEN,
        &TASKGATE_ADMIN_LISTEN,
        &CORS_ORIGINS,
        &TASKGATE_EXPLORE,
        &TASKGATE_DOCS,
        &TASKGATE_HIDE_FOREIGN_TASKS,
        &TASKGATE_HSTS,
        &TASKGATE_SERVER_TIMING,
    ],
};

/// How much callers may ask for, and keep.
pub const RATE_LIMIT: Group = Group {
    heading: "Rate limit and quota",
    settings: &[&TASKGATE_RATE_LIMIT, &TASKGATE_TRUSTED_PROXIES, &TASKGATE_MAX_TASKS],
};

/// Which documents callers may run.
pub const GRAPHQL: Group =
    Group { heading: "GraphQL", settings: &[&TASKGATE_TRUSTED_DOCUMENTS, &TASKGATE_TRUSTED_DOCUMENTS_MODE] };

/// What is logged.
pub const LOG: Group = Group { heading: "Log", settings: &[&TASKGATE_LOG, &TASKGATE_LOG_FORMAT] };

pub const DATABASE_URL: Setting = Setting {
    variable: "DATABASE_URL",
    flag: "database-url",
    value: "URL",
    default: Some("sqlite://taskgate.db"),
    help: "The database: sqlite://<file>, or postgres://<user>:<password>@<host>/<database> with libpq's sslmode, \
           sslrootcert and channel_binding",
};

pub const DATABASE_DIRECT_URL: Setting = Setting {
    variable: "DATABASE_DIRECT_URL",
    flag: "database-direct-url",
    value: "URL",
    default: None,
    help: "The same PostgreSQL database past its pooler, where DATABASE_URL is a pooler's: for migrations, and to hear \
           at once what other nodes change",
};

pub const DATABASE_POOL_SIZE: Setting = Setting {
    variable: "DATABASE_POOL_SIZE",
    flag: "database-pool-size",
    value: "NUMBER",
    default: Some("10"),
    help: "The most connections that are open to the database at once, beside one that listens to other nodes",
};

pub const TASKGATE_STATEMENT_TIMEOUT: Setting = Setting {
    variable: "TASKGATE_STATEMENT_TIMEOUT",
    flag: "statement-timeout",
    value: "TIME",
    default: Some("5s"),
    help: "How long the database may take over a statement before the caller is answered 504, such as 500ms or 5s",
};

pub const BETTER_AUTH_SECRET: Setting = Setting {
    variable: "BETTER_AUTH_SECRET",
    flag: "better-auth-secret",
    value: "SECRET",
    default: None,
    help: "The secret of HS256 tokens, at least 32 bytes; prefer the variable, other users of the machine can read \
           flags",
};

pub const BETTER_AUTH_SECRET_PREVIOUS: Setting = Setting {
    variable: "BETTER_AUTH_SECRET_PREVIOUS",
    flag: "better-auth-secret-previous",
    value: "SECRET",
    default: None,
    help: "The secret before that, accepted too while it is rotated out",
};

pub const JWKS_URL: Setting = Setting {
    variable: "JWKS_URL",
    flag: "jwks-url",
    value: "URL",
    default: None,
    help: "Where the public keys of tokens are, such as https://app.example/api/auth/jwks",
};

pub const JWT_ISSUER: Setting = Setting {
    variable: "JWT_ISSUER",
    flag: "jwt-issuer",
    value: "ISSUER",
    default: None,
    help: "What `iss` of a token has to be [default: anything]",
};

pub const JWT_AUDIENCE: Setting = Setting {
    variable: "JWT_AUDIENCE",
    flag: "jwt-audience",
    value: "AUDIENCE",
    default: None,
    help: "What `aud` of a token has to be or hold [default: anything]",
};

pub const JWT_SUBJECT_CLAIM: Setting = Setting {
    variable: "JWT_SUBJECT_CLAIM",
    flag: "jwt-subject-claim",
    value: "PATH",
    default: Some("sub"),
    help: "The claim that names the user, as a dotted path; tokens of Better Auth's cookie cache need user.id",
};

pub const LISTEN: Setting = Setting {
    variable: "LISTEN",
    flag: "listen",
    value: "ADDRESS",
    default: Some("127.0.0.1:8000"),
    help: "The address and port to listen on",
};

pub const TASKGATE_ADMIN_LISTEN: Setting = Setting {
    variable: "TASKGATE_ADMIN_LISTEN",
    flag: "admin-listen",
    value: "ADDRESS|off",
    default: Some("off"),
    help: "The address and port for operators, with /metrics for Prometheus and /livez; it takes no token, so only they \
           may reach it",
};

pub const CORS_ORIGINS: Setting = Setting {
    variable: "CORS_ORIGINS",
    flag: "cors-origins",
    value: "ORIGINS",
    default: Some("http://localhost:3000"),
    help: "The origins whose pages may call the service, separated by commas, each scheme://host[:port]",
};

pub const TASKGATE_EXPLORE: Setting = Setting {
    variable: "TASKGATE_EXPLORE",
    flag: "explore",
    value: "on|off",
    default: None,
    help: "GraphiQL, introspection, suggestions and /schema.graphql [default: on under dev, off under serve]",
};

pub const TASKGATE_DOCS: Setting = Setting {
    variable: "TASKGATE_DOCS",
    flag: "docs",
    value: "on|off",
    default: Some("on"),
    help: "The pages /docs and /openapi.json",
};

pub const TASKGATE_HIDE_FOREIGN_TASKS: Setting = Setting {
    variable: "TASKGATE_HIDE_FOREIGN_TASKS",
    flag: "hide-foreign-tasks",
    value: "on|off",
    default: Some("off"),
    help: "Answer for another user's task as for one that does not exist",
};

pub const TASKGATE_RATE_LIMIT: Setting = Setting {
    variable: "TASKGATE_RATE_LIMIT",
    flag: "rate-limit",
    value: "POINTS|off",
    default: Some("3000"),
    help: "How many points a user may spend in a minute, a tenth of them at once; a request costs 1, and 1 more for \
           each 100 of its operation's complexity",
};

pub const TASKGATE_TRUSTED_PROXIES: Setting = Setting {
    variable: "TASKGATE_TRUSTED_PROXIES",
    flag: "trusted-proxies",
    value: "ADDRESSES",
    default: None,
    help: "The proxies whose X-Forwarded-For counts: IP addresses and networks such as 10.0.0.0/8, separated by \
           commas [default: none]",
};

pub const TASKGATE_MAX_TASKS: Setting = Setting {
    variable: "TASKGATE_MAX_TASKS",
    flag: "max-tasks",
    value: "NUMBER",
    default: Some("50000"),
    help: "The most tasks that a user may have; one more is refused with 422 QUOTA_EXCEEDED",
};

pub const TASKGATE_TRUSTED_DOCUMENTS: Setting = Setting {
    variable: "TASKGATE_TRUSTED_DOCUMENTS",
    flag: "trusted-documents",
    value: "FILE",
    default: None,
    help: "The manifest of the GraphQL documents that front ends send, as Relay's or Apollo's tools write it \
           [default: none, every document may run]",
};

pub const TASKGATE_TRUSTED_DOCUMENTS_MODE: Setting = Setting {
    variable: "TASKGATE_TRUSTED_DOCUMENTS_MODE",
    flag: "trusted-documents-mode",
    value: "only|log",
    default: Some("only"),
    help: "What becomes of a document that is not in the manifest: refused, or run and logged",
};

pub const TASKGATE_HSTS: Setting = Setting {
    variable: "TASKGATE_HSTS",
    flag: "hsts",
    value: "on|off",
    default: Some("off"),
    help: "Tell browsers to reach this host by https alone for a year (Strict-Transport-Security)",
};

pub const TASKGATE_SERVER_TIMING: Setting = Setting {
    variable: "TASKGATE_SERVER_TIMING",
    flag: "server-timing",
    value: "on|off",
    default: None,
    help: "Tell callers where the time went (Server-Timing) [default: on under dev, off under serve]",
};

pub const TASKGATE_LOG: Setting = Setting {
    variable: "TASKGATE_LOG",
    flag: "log",
    value: "FILTER",
    default: Some("info"),
    help: "What to log: a level (error, warn, info, debug, trace, off), or levels by module, such as \
           info,taskgate=debug",
};

pub const TASKGATE_LOG_FORMAT: Setting = Setting {
    variable: "TASKGATE_LOG_FORMAT",
    flag: "log-format",
    value: "auto|pretty|json",
    default: Some("auto"),
    help: "How to log; auto is pretty on a terminal and JSON otherwise",
};
