use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rstest::rstest;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;
use rustls::{ClientConnection, ServerConfig, ServerConnection};

use super::*;
use crate::database_url::DatabaseUrl;

const HOST: &str = "db.example";

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for `name` and the key that goes with it.
fn issue(authority: &CertifiedIssuer<'static, KeyPair>, name: &str) -> (CertificateDer<'static>, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    (certificate.der().clone(), key)
}

fn expired(authority: &CertifiedIssuer<'static, KeyPair>) -> (CertificateDer<'static>, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([HOST.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    (params.signed_by(&key, authority).unwrap().der().clone(), key)
}

fn client(query: &str) -> Result<Option<ClientConfig>, String> {
    match DatabaseUrl::parse(&format!("postgres://u@{HOST}/db?{query}"))? {
        DatabaseUrl::Postgres(url) => client_config(&url),
        DatabaseUrl::Sqlite(path) => Err(format!("{query} is the file {}", path.display())),
    }
}

/// The server's end: shows `certificate` and signs with `key`, whether they belong together or not.
fn server(
    certificate: CertificateDer<'static>,
    key: &KeyPair,
    version: &'static rustls::SupportedProtocolVersion,
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let resolver = rustls::sign::SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver))
}

/// Shakes hands in memory.
fn handshake(client: ClientConfig, server: ServerConfig) -> Result<(), rustls::Error> {
    let name = ServerName::try_from(HOST).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut bytes = Vec::new();
        server.write_tls(&mut bytes).unwrap();
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

/// What each mode lets through: a certificate of our authority with the right name, with another name, an expired
/// one, and one of another authority.
#[rstest]
#[case("", [true, true, true, true])]
#[case("sslmode=require", [true, true, true, true])]
#[case("sslrootcert=CA", [true, true, false, false])]
#[case("sslmode=require&sslrootcert=CA", [true, true, false, false])]
#[case("sslmode=verify-ca&sslrootcert=CA", [true, true, false, false])]
#[case("sslmode=verify-full&sslrootcert=CA", [true, false, false, false])]
fn each_mode_checks_what_libpq_checks(#[case] query: &str, #[case] expected: [bool; 4]) {
    let authority = authority();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("a comment\n{}", authority.pem())).unwrap();
    let query = query.replace("CA", file.path().to_str().unwrap());
    let shown = [
        issue(&authority, HOST),
        issue(&authority, "other.example"),
        expired(&authority),
        issue(&self::authority(), HOST),
    ];
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let accepted = shown.each_ref().map(|(certificate, key)| {
            handshake(client(&query).unwrap().unwrap(), server(certificate.clone(), key, version)).is_ok()
        });
        assert_eq!(accepted, expected, "{query} {version:?}");
    }
}

#[rstest]
#[case("sslmode=require")]
#[case("sslmode=verify-ca&sslrootcert=CA")]
#[case("sslmode=verify-full&sslrootcert=CA")]
fn a_server_that_does_not_hold_the_key_is_refused_in_every_mode(#[case] query: &str) {
    let authority = authority();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority.pem()).unwrap();
    let query = query.replace("CA", file.path().to_str().unwrap());
    let (certificate, _) = issue(&authority, HOST);
    let other_key = KeyPair::generate().unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = client(&query).unwrap().unwrap();
        let error = handshake(client, server(certificate.clone(), &other_key, version)).unwrap_err();
        let bad_signature = rustls::CertificateError::BadSignature;
        assert_eq!(error, rustls::Error::InvalidCertificate(bad_signature), "{query} {version:?}");
    }
}

#[test]
fn a_public_authority_of_the_system_does_not_vouch_for_a_private_server() {
    let (certificate, key) = issue(&authority(), HOST);
    let Ok(Some(client)) = client("sslmode=verify-full") else { return };
    assert!(handshake(client, server(certificate, &key, &rustls::version::TLS13)).is_err());
}

#[test]
fn no_tls_is_none_and_direct_tls_offers_its_protocol() {
    assert!(client("sslmode=disable").unwrap().is_none());
    assert!(client("sslmode=require").unwrap().unwrap().alpn_protocols.is_empty());
    let direct = client("sslmode=require&sslnegotiation=direct").unwrap().unwrap();
    assert_eq!(direct.alpn_protocols, [ALPN]);
}

#[rstest]
#[case("")]
#[case("no certificate")]
#[case("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
#[case("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")]
fn a_file_without_a_usable_certificate_is_named(#[case] content: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    let path = file.path().to_str().unwrap();
    for mode in ["verify-ca", "verify-full"] {
        let sentence = client(&format!("sslmode={mode}&sslrootcert={path}")).unwrap_err();
        assert!(sentence.contains(path) && sentence.contains("PEM"), "{sentence}");
    }
    assert!(client("sslmode=verify-full&sslrootcert=/no/such/file.pem").unwrap_err().contains("/no/such/file.pem"));
}
