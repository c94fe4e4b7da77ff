//! TLS to PostgreSQL, with what libpq's `sslmode` promises and no more.
//!
//! Whatever is checked of a certificate, the handshake's signature is always checked: the server has to hold the key
//! of the certificate that it shows, which channel binding relies on.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslNegotiation;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database_url::{PostgresUrl, Roots, TlsMode};

/// The name of PostgreSQL's protocol in TLS, which `sslnegotiation=direct` has to offer.
const ALPN: &[u8] = b"postgresql";

/// What connects with TLS as `url` asks, or `None` where it asks for none.
///
/// Certificates are read here, once: a new file is used from the next call on.
///
/// # Errors
/// A sentence when the certificates cannot be read or hold nothing to trust.
pub fn connector(url: &PostgresUrl) -> Result<Option<MakeRustlsConnect>, String> {
    Ok(client_config(url)?.map(MakeRustlsConnect::new))
}

fn client_config(url: &PostgresUrl) -> Result<Option<ClientConfig>, String> {
    // Named, not the process's default: which one that is depends on the features of unrelated crates.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let Some(verifier) = verifier(&url.tls, &provider)? else { return Ok(None) };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}."))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    if url.config.get_ssl_negotiation() == SslNegotiation::Direct {
        config.alpn_protocols = vec![ALPN.to_vec()];
    }
    Ok(Some(config))
}

fn verifier(mode: &TlsMode, provider: &Arc<CryptoProvider>) -> Result<Option<Arc<dyn ServerCertVerifier>>, String> {
    let algorithms = provider.signature_verification_algorithms;
    Ok(Some(match mode {
        TlsMode::Off => return Ok(None),
        TlsMode::Unverified => Arc::new(AnyName { roots: None, algorithms }),
        TlsMode::Chain(file) => Arc::new(AnyName { roots: Some(read_roots(file)?), algorithms }),
        TlsMode::Full(Roots::File(file)) => {
            WebPkiServerVerifier::builder_with_provider(read_roots(file)?.into(), Arc::clone(provider))
                .build()
                .map_err(|error| unusable(file, &error))?
        }
        TlsMode::Full(Roots::System) => {
            Arc::new(rustls_platform_verifier::Verifier::new(Arc::clone(provider)).map_err(|error| {
                format!("The system's certificates cannot be used ({error}); install them or set sslrootcert=<file>.")
            })?)
        }
    }))
}

fn read_roots(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unusable(file, &error))? {
        let certificate = certificate.map_err(|error| unusable(file, &error))?;
        roots.add(certificate).map_err(|error| unusable(file, &error))?;
    }
    if roots.is_empty() {
        return Err(unusable(file, &"it holds no certificate"));
    }
    Ok(roots)
}

fn unusable(file: &Path, reason: &dyn std::fmt::Display) -> String {
    let file = file.display();
    format!("The sslrootcert {file} cannot be used ({reason}); it has to hold the authority's certificates as PEM.")
}

/// Checks the chain, where there are roots, and never the name.
#[derive(Debug)]
struct AnyName {
    roots: Option<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
