//! A PostgreSQL URL as libpq reads it.
//!
//! `tokio_postgres` reads most of it; what it does not know (`verify-ca`, `verify-full`, `sslrootcert`) or spells
//! otherwise is taken out here first.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, Host, SslMode, SslNegotiation};

/// What a server sees of us when the URL does not say otherwise.
const APPLICATION_NAME: &str = "taskgate";

/// How long one host may take to be connected to, when the URL does not say otherwise. A request waits no longer for a
/// connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long what we sent may stay unacknowledged by the peer's system.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(15);

/// After how long a silence the peer's system is asked whether it is there, how often, and at what distance.
const KEEPALIVES_IDLE: Duration = Duration::from_secs(15);
const KEEPALIVES_RETRIES: u32 = 3;
const KEEPALIVES_INTERVAL: Duration = Duration::from_secs(5);

/// What `tokio_postgres` has where nothing is said.
const KEEPALIVES_IDLE_OF_TOKIO_POSTGRES: Duration = Duration::from_hours(2);

/// The parameters that `tokio_postgres` reads itself.
const PASSED_ON: [&str; 18] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// A PostgreSQL database and how to reach it.
#[derive(Clone)]
pub struct PostgresUrl {
    /// Everything that `tokio_postgres` has to know, `sslmode` included.
    pub config: Config,
    /// What is checked of the server's certificate.
    pub tls: TlsMode,
    /// The URL with its password masked.
    shown: String,
}

/// What is checked of the server's certificate, once there is one.
///
/// Whether the server may answer without TLS (`prefer`) or not is in [`PostgresUrl::config`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsMode {
    /// There is no TLS: `disable`, or a Unix socket.
    Off,
    /// Nothing: `prefer` and `require` without `sslrootcert` keep listeners out, not impostors.
    Unverified,
    /// That one of the certificates in this file vouches for it, whatever its name: `verify-ca`, and any weaker mode
    /// that has an `sslrootcert`.
    Chain(PathBuf),
    /// That one of these vouches for it and it bears the host's name: `verify-full`.
    Full(Roots),
}

/// The certificates that are trusted to vouch for a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// Those of the operating system.
    System,
    /// Those of a PEM file.
    File(PathBuf),
}

impl PostgresUrl {
    /// Reads what follows the scheme and its colon.
    pub(super) fn parse(rest: &str) -> Result<Self, String> {
        let parts = Parts::split(rest)?;
        let parameters = Parameters::read(parts.query)?;
        let (ssl_mode, tls) = parameters.tls()?;
        let mut config =
            parts.with_query(&parameters.passed_on).parse::<Config>().map_err(|error| unreadable(&error))?;
        config.ssl_mode(ssl_mode);
        if config.get_application_name().is_none() {
            config.application_name(APPLICATION_NAME);
        }
        let mut url = Self { config, tls, shown: parts.masked() };
        url.find_dead_peers();
        url.leave_unix_sockets_alone();
        url.check()?;
        Ok(url)
    }

    /// How long connecting may take, all hosts and the handshakes included.
    #[must_use]
    pub fn connect_limit(&self) -> Duration {
        let hosts = self.config.get_hosts().len().max(self.config.get_hostaddrs().len()).max(1);
        let each = self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        each.saturating_mul(u32::try_from(hosts).unwrap_or(u32::MAX))
    }

    /// A machine that lost its power or its network says nothing, and the system's own defaults take it for alive for
    /// hours. What the URL says stays.
    fn find_dead_peers(&mut self) {
        let config = &mut self.config;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(TCP_USER_TIMEOUT);
        }
        if config.get_keepalives_idle() == KEEPALIVES_IDLE_OF_TOKIO_POSTGRES {
            config.keepalives_idle(KEEPALIVES_IDLE);
        }
        if config.get_keepalives_interval().is_none() {
            config.keepalives_interval(KEEPALIVES_INTERVAL);
        }
        if config.get_keepalives_retries().is_none() {
            config.keepalives_retries(KEEPALIVES_RETRIES);
        }
    }

    /// A Unix socket has no TLS, and libpq ignores `sslmode` for one.
    fn leave_unix_sockets_alone(&mut self) {
        let is_unix = |host: &Host| !matches!(host, Host::Tcp(_));
        let hosts = self.config.get_hosts();
        if !hosts.is_empty() && hosts.iter().all(is_unix) && self.config.get_hostaddrs().is_empty() {
            self.config.ssl_mode(SslMode::Disable);
            self.tls = TlsMode::Off;
        }
    }

    /// Refuses at start what could only fail at every connection.
    fn check(&self) -> Result<(), String> {
        let hosts = self.config.get_hosts().len().max(self.config.get_hostaddrs().len());
        let ports = self.config.get_ports().len();
        if hosts == 0 {
            return Err("it names no host; write postgres://<user>:<password>@<host>/<database>".to_owned());
        }
        if ports > 1 && ports != hosts {
            return Err("write each port once, after its host".to_owned());
        }
        if self.tls == TlsMode::Off && self.config.get_channel_binding() == ChannelBinding::Require {
            return Err("channel_binding=require needs TLS; write sslmode=require or sslmode=verify-full".to_owned());
        }
        if self.config.get_ssl_negotiation() == SslNegotiation::Direct && self.config.get_ssl_mode() == SslMode::Prefer
        {
            return Err("sslnegotiation=direct needs sslmode=require or stronger".to_owned());
        }
        Ok(())
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({})", self.shown)
    }
}

/// The raw parts of a URL, still percent-encoded.
struct Parts<'a> {
    user: Option<&'a str>,
    password: Option<&'a str>,
    /// Hosts, ports and the name of the database.
    location: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn split(rest: &'a str) -> Result<Self, String> {
        let rest = rest.strip_prefix("//").ok_or("write // after the scheme: postgres://<user>:<password>@<host>/…")?;
        let (credentials, rest) = match rest.split_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        // Where one of these stands raw, parts of the password would be taken for the host, and shown as such.
        if rest.contains('@') || credentials.is_some_and(|credentials| credentials.contains(['/', '?'])) {
            return Err("in user, password and parameters write %40 for @, %2F for / and %3F for ?".to_owned());
        }
        let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (user, password) = match credentials.map(|credentials| credentials.split_once(':').ok_or(credentials)) {
            Some(Ok((user, password))) => (Some(user), Some(password)),
            Some(Err(user)) => (Some(user), None),
            None => (None, None),
        };
        if user == Some("") {
            return Err("name the user before the @: postgres://<user>:<password>@<host>/<database>".to_owned());
        }
        Ok(Self { user, password, location, query })
    }

    /// The URL with other parameters, for `tokio_postgres` to read.
    fn with_query(&self, query: &[String]) -> String {
        let mut url = format!("postgres://{}?{}", self.location, query.join("&"));
        if let Some(user) = self.user {
            let password = self.password.map(|password| format!(":{password}")).unwrap_or_default();
            url.insert_str("postgres://".len(), &format!("{user}{password}@"));
        }
        url
    }

    fn masked(&self) -> String {
        let password = if self.password.is_some() { ":***" } else { "" };
        let credentials = self.user.map(|user| format!("{user}{password}@")).unwrap_or_default();
        let mask = |pair: &str| match pair.split_once('=') {
            Some((name, _)) if decode(name).is_ok_and(|name| name == "password") => "password=***".to_owned(),
            _ => pair.to_owned(),
        };
        let query: Vec<String> = self.query.split('&').filter(|pair| !pair.is_empty()).map(mask).collect();
        let separator = if query.is_empty() { "" } else { "?" };
        format!("postgres://{credentials}{}{separator}{}", self.location, query.join("&"))
    }
}

/// The parameters after the question mark.
#[derive(Default)]
struct Parameters {
    /// Pairs for `tokio_postgres`, as they were written.
    passed_on: Vec<String>,
    sslmode: Option<String>,
    sslrootcert: Option<String>,
}

impl Parameters {
    fn read(query: &str) -> Result<Self, String> {
        let mut parameters = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, raw) = pair.split_once('=').ok_or("write each parameter as name=value")?;
            let (name, value) = (decode(name)?, decode(raw)?);
            match name.as_str() {
                "sslmode" => parameters.sslmode = Some(value),
                // libpq's concession to JDBC.
                "ssl" if value == "true" => parameters.sslmode = Some("require".to_owned()),
                "sslrootcert" => parameters.sslrootcert = Some(value).filter(|path| !path.is_empty()),
                "keepalives_count" => parameters.passed_on.push(format!("keepalives_retries={raw}")),
                // What we do anyway: UTF-8, and no Kerberos encryption.
                "client_encoding" if ["utf8", "utf-8", "auto"].contains(&value.to_ascii_lowercase().as_str()) => {}
                "gssencmode" if value == "disable" || value == "prefer" => {}
                known if PASSED_ON.contains(&known) => parameters.passed_on.push(pair.to_owned()),
                _ => return Err(refused(&name)),
            }
        }
        Ok(parameters)
    }

    fn tls(&self) -> Result<(SslMode, TlsMode), String> {
        let roots = self.sslrootcert.as_deref().map(|roots| match roots {
            "system" => Roots::System,
            path => Roots::File(path.into()),
        });
        let default = if roots == Some(Roots::System) { "verify-full" } else { "prefer" };
        let mode = self.sslmode.as_deref().unwrap_or(default);
        Ok(match (mode, roots) {
            ("disable", _) => (SslMode::Disable, TlsMode::Off),
            ("allow" | "prefer", None) => (SslMode::Prefer, TlsMode::Unverified),
            ("require", None) => (SslMode::Require, TlsMode::Unverified),
            ("allow" | "prefer", Some(Roots::File(file))) => (SslMode::Prefer, TlsMode::Chain(file)),
            ("require" | "verify-ca", Some(Roots::File(file))) => (SslMode::Require, TlsMode::Chain(file)),
            ("verify-full", roots) => (SslMode::Require, TlsMode::Full(roots.unwrap_or(Roots::System))),
            // Anybody can get a certificate of some name from a public authority.
            ("allow" | "prefer" | "require", Some(Roots::System)) | ("verify-ca", None | Some(Roots::System)) => {
                return Err("the system's certificates prove nothing without the host's name; write \
                            sslmode=verify-full, or the authority's own file as sslrootcert=<file>"
                    .to_owned());
            }
            _ => return Err("sslmode is disable, prefer, require, verify-ca or verify-full".to_owned()),
        })
    }
}

fn decode(text: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| "its parameters are not UTF-8".to_owned())?;
    Ok(text.into_owned())
}

/// Names the parameter only where it looks like one: in a URL that was put together wrongly it may be anything.
fn refused(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    match name {
        "sslcert" | "sslkey" | "sslpassword" => "taskgate has no client certificates; take sslcert, sslkey and \
                                                 sslpassword out and use a password"
            .to_owned(),
        "gssencmode" | "client_encoding" | "ssl" => format!("taskgate does not know this value of {name}; take it out"),
        name if name.len() <= 40 && name.bytes().all(plain) => {
            format!("taskgate does not know the parameter {name}; take it out")
        }
        _ => "it has a parameter that taskgate does not know; take it out".to_owned(),
    }
}

/// The sources of these errors name parts and parameters, never their values.
fn unreadable(error: &tokio_postgres::Error) -> String {
    let reason = std::error::Error::source(error).map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("it cannot be read{reason}; write postgres://<user>:<password>@<host>:<port>/<database>")
}

#[cfg(test)]
mod tests;
