use std::time::Duration;

use rstest::rstest;

use super::*;
use crate::database_url::DatabaseUrl;

fn parse(text: &str) -> Result<PostgresUrl, String> {
    match DatabaseUrl::parse(text)? {
        DatabaseUrl::Postgres(url) => Ok(*url),
        DatabaseUrl::Sqlite(path) => Err(format!("{text} is the file {}", path.display())),
    }
}

/// A password that nothing else in a URL looks like.
fn password() -> String {
    format!("pw{}", uuid::Uuid::new_v4().simple())
}

#[test]
fn a_url_as_neon_hands_it_out() {
    let password = password();
    let url = parse(&format!(
        "postgresql://neondb_owner:{password}@ep-cool-pooler.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require"
    ))
    .unwrap();
    assert_eq!(url.config.get_user(), Some("neondb_owner"));
    assert_eq!(url.config.get_password(), Some(password.as_bytes()));
    assert_eq!(url.config.get_hosts(), [Host::Tcp("ep-cool-pooler.eu-central-1.aws.neon.tech".to_owned())]);
    assert_eq!(url.config.get_dbname(), Some("neondb"));
    assert_eq!(url.config.get_ssl_mode(), SslMode::Require);
    assert_eq!(url.config.get_channel_binding(), ChannelBinding::Require);
    assert_eq!(url.config.get_application_name(), Some("taskgate"));
    assert_eq!(url.tls, TlsMode::Unverified);
}

#[test]
fn libpqs_parameters_are_read() {
    let url = parse(
        "postgres://u@h1:6000,h2/db?connect_timeout=7&options=-c%20statement_timeout%3D5s&application_name=a%20b\
         &keepalives_count=3&target_session_attrs=read-write&client_encoding=UTF8&gssencmode=prefer&",
    )
    .unwrap();
    assert_eq!(url.config.get_connect_timeout(), Some(&Duration::from_secs(7)));
    assert_eq!(url.config.get_options(), Some("-c statement_timeout=5s"));
    assert_eq!(url.config.get_application_name(), Some("a b"));
    assert_eq!(url.config.get_keepalives_retries(), Some(3));
    assert_eq!(url.config.get_ports(), [6000, 5432]);
    assert_eq!(url.config.get_password(), None);
}

#[rstest]
#[case("", SslMode::Prefer, TlsMode::Unverified)]
#[case("sslmode=disable", SslMode::Disable, TlsMode::Off)]
#[case("sslmode=disable&sslrootcert=/ca.pem", SslMode::Disable, TlsMode::Off)]
#[case("sslmode=allow", SslMode::Prefer, TlsMode::Unverified)]
#[case("sslmode=prefer", SslMode::Prefer, TlsMode::Unverified)]
#[case("sslmode=require", SslMode::Require, TlsMode::Unverified)]
#[case("ssl=true", SslMode::Require, TlsMode::Unverified)]
#[case("sslrootcert=/ca.pem", SslMode::Prefer, TlsMode::Chain("/ca.pem".into()))]
#[case("sslmode=require&sslrootcert=/c%20a.pem", SslMode::Require, TlsMode::Chain("/c a.pem".into()))]
#[case("sslmode=verify-ca&sslrootcert=/ca.pem", SslMode::Require, TlsMode::Chain("/ca.pem".into()))]
#[case("sslmode=verify-full", SslMode::Require, TlsMode::Full(Roots::System))]
#[case("sslrootcert=system", SslMode::Require, TlsMode::Full(Roots::System))]
#[case("sslmode=verify-full&sslrootcert=system", SslMode::Require, TlsMode::Full(Roots::System))]
#[case("sslmode=verify-full&sslrootcert=/ca.pem", SslMode::Require, TlsMode::Full(Roots::File("/ca.pem".into())))]
fn sslmode_is_libpqs(#[case] query: &str, #[case] mode: SslMode, #[case] tls: TlsMode) {
    let url = parse(&format!("postgres://u@h/db?{query}")).unwrap();
    assert_eq!((url.config.get_ssl_mode(), url.tls), (mode, tls));
}

#[rstest]
#[case("postgres://u@%2Fvar%2Frun%2Fpostgresql/db?sslmode=require")]
#[case("postgres:///db?host=/var/run/postgresql&sslmode=verify-full")]
fn a_unix_socket_has_no_tls(#[case] text: &str) {
    let url = parse(text).unwrap();
    assert_eq!(url.config.get_hosts(), [Host::Unix("/var/run/postgresql".into())]);
    assert_eq!((url.config.get_ssl_mode(), url.tls), (SslMode::Disable, TlsMode::Off));
}

#[rstest]
#[case("//u@h/db?sslmode=verify-ca", "sslrootcert=<file>")]
#[case("//u@h/db?sslmode=require&sslrootcert=system", "verify-full")]
#[case("//u@h/db?sslmode=on", "verify-full")]
#[case("//u@h/db?ssl=yes", "value of ssl")]
#[case("//u@h/db?sslmode=disable&channel_binding=require", "sslmode=require")]
#[case("//u@h/db?channel_binding=yes", "`channel_binding`")]
#[case("//u@h/db?sslnegotiation=direct", "sslmode=require")]
#[case("//u@h/db?connect_timeout=soon", "`connect_timeout`")]
#[case("//u@h/db?pgbouncer=true", "parameter pgbouncer;")]
#[case("//u@h/db?sslkey=/k.pem", "client certificates")]
#[case("//u@h/db?sslmode", "name=value")]
#[case("//u@h:port/db", "`port`")]
#[case("//u@h:1,g:2/db?port=3", "each port once")]
#[case("///db", "no host")]
#[case("//", "no host")]
#[case("u@h/db", "// after the scheme")]
fn what_cannot_work_says_what_to_write(#[case] rest: &str, #[case] part: &str) {
    let sentence = parse(&format!("postgres:{rest}")).unwrap_err();
    assert!(sentence.contains(part), "{sentence}");
}

#[test]
fn the_password_is_masked_wherever_the_url_is_printed() {
    let password = password();
    for (text, shown) in [
        ("postgresql://u:PW@h:6000/db?sslmode=require", "postgres://u:***@h:6000/db?sslmode=require"),
        ("postgres://u@h/db?password=PW", "postgres://u@h/db?password=***"),
        ("postgres://h/db?user=u&pass%77ord=PW&", "postgres://h/db?user=u&password=***"),
        ("postgres://u:x:PW@h", "postgres://u:***@h"),
    ] {
        let url = DatabaseUrl::parse(&text.replace("PW", &password)).unwrap();
        assert_eq!(url.to_string(), shown);
        let inner = parse(&text.replace("PW", &password)).unwrap();
        for debug in [format!("{url:?}"), format!("{url:#?}"), format!("{inner:?}"), format!("{:?}", inner.config)] {
            assert!(!debug.contains(&password), "{shown}");
        }
    }
}

#[test]
fn no_error_repeats_the_password() {
    let password = password();
    for text in [
        "postgres://u:a@PW@h/db",
        "postgres://u:12/PW@h/db",
        "postgres://u:a?PW@h/db",
        "postgres://u:PW@h:port/db",
        "postgres://u:PW@h/db?nonsense=1",
        "postgres://u:PW@h/db?sslmode=PW",
        "postgres://u@h/db?x-PW=1",
        "postgres://u@h/db?connect_timeout=PW",
        "postgres://u@h:PW/db",
        "postgres://h?password=PW@x",
        "postgres:u:PW@h/db",
        "postgres://:PW@h/db",
        "PW",
    ] {
        let sentence = DatabaseUrl::parse(&text.replace("PW", &password)).unwrap_err();
        assert!(!sentence.contains(&password), "{sentence}");
    }
}

#[test]
fn dead_peers_are_found_unless_the_url_knows_better() {
    let url = parse("postgres://u@h1,h2/db").unwrap();
    let times = |url: &PostgresUrl| {
        let config = &url.config;
        let tcp = (config.get_tcp_user_timeout().copied(), config.get_keepalives_idle());
        (config.get_keepalives(), tcp, config.get_keepalives_interval(), config.get_keepalives_retries())
    };
    let seconds = Duration::from_secs;
    assert_eq!(times(&url), (true, (Some(seconds(15)), seconds(15)), Some(seconds(5)), Some(3)));
    assert_eq!(url.connect_limit(), seconds(4), "two hosts may have to be tried");
    let url = parse(
        "postgres://u@h/db?connect_timeout=7&tcp_user_timeout=8&keepalives_idle=9&keepalives_interval=10&keepalives_retries=11",
    )
    .unwrap();
    assert_eq!(times(&url), (true, (Some(seconds(8)), seconds(9)), Some(seconds(10)), Some(11)));
    assert_eq!(url.connect_limit(), seconds(7));
}
