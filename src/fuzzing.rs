//! What the fuzz targets call; only there with `--cfg fuzzing`. See `fuzz/`.

use std::sync::{Arc, LazyLock};

use secrecy::SecretString;

use crate::auth::{TokenRules, Verifier};
use crate::clock::SystemClock;
use crate::graphql;

/// Bounds, parses and measures a document, as a caller's is.
pub fn document(text: &str) {
    graphql::fuzz_document(text);
}

/// Reads a cursor of each order; what is read is written again as the same cursor.
pub fn cursor(text: &str) {
    graphql::fuzz_cursor(text);
}

/// Verifies a token. None that was not signed with the secret, which is made anew for each run, is accepted.
#[expect(clippy::panic, reason = "that is how a finding is reported")]
pub fn token(text: &str) {
    static VERIFIER: LazyLock<Option<(tokio::runtime::Runtime, Verifier)>> = LazyLock::new(|| {
        let rules = TokenRules {
            secrets: vec![SecretString::from(format!("{}{}", uuid::Uuid::new_v4(), uuid::Uuid::new_v4()))],
            jwks_url: None,
            issuer: None,
            audience: None,
            subject_claim: "sub".to_owned(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
        Some((runtime, Verifier::new(rules, Arc::new(SystemClock)).ok()?))
    });
    if let Some((runtime, verifier)) = VERIFIER.as_ref()
        && runtime.block_on(verifier.verify(text)).is_ok()
    {
        panic!("a token that nobody signed was accepted");
    }
}
