//! The outside of a token: three parts, a header, a signature (RFC 7515, the compact form).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::{Map, Value};

use super::json::parse_object;
use crate::error::{Error, Result};

/// The most bytes that a token may have. Browsers and servers stop at about as much for a whole header.
const MAX_BYTES: usize = 16 * 1024;

/// The algorithms that some key here may fit. All others, `none` above all, are refused by name.
const ALGORITHMS: [Algorithm; 10] = [
    Algorithm::HS256,
    Algorithm::EdDSA,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// A token taken apart. Nothing in it is believed yet.
pub(super) struct Token<'a> {
    pub(super) algorithm: Algorithm,
    /// Which key is said to have signed it.
    pub(super) kid: Option<String>,
    /// What is signed: the first two parts with the dot between them.
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Token<'a> {
    /// Takes `text` apart and reads its header.
    ///
    /// Of the header only `alg`, `kid` and `crit` count. `jku`, `jwk`, `x5u` and `x5c` say where a key might be, and
    /// a token has no say in which keys we believe (RFC 8725, section 3.10).
    pub(super) fn parse(text: &'a str) -> Result<Self> {
        check_length(text)?;
        let (message, signature) = text.rsplit_once('.').ok_or(NOT_A_TOKEN)?;
        let (header, payload) = message.split_once('.').ok_or(NOT_A_TOKEN)?;
        if header.is_empty() || payload.is_empty() || payload.contains('.') || signature.is_empty() {
            return Err(NOT_A_TOKEN);
        }
        let header = decode(header).ok_or(Error::Unauthenticated("The token's header is not a JSON object."))?;
        // An extension that must be understood and is not: RFC 7515, section 4.1.11.
        if header.contains_key("crit") {
            return Err(Error::Unauthenticated("The token's header has a crit that this service does not know."));
        }
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(Error::Unauthenticated("The token's kid is not a string.")),
        };
        Ok(Self { algorithm: algorithm(&header)?, kid, message, payload, signature })
    }

    /// The claims, when one of `keys` made the signature: there is no other way to them.
    pub(super) fn open(&self, keys: &[DecodingKey]) -> Result<Map<String, Value>> {
        let is_signed_by = |key| crypto::verify(self.signature, self.message.as_bytes(), key, self.algorithm);
        if !keys.iter().any(|key| is_signed_by(key).unwrap_or(false)) {
            return Err(Error::Unauthenticated("The token's signature does not verify."));
        }
        decode(self.payload).ok_or(Error::Unauthenticated("The token's claims are not a JSON object."))
    }
}

/// Refuses texts so long that they are not worth reading.
pub(super) fn check_length(text: &str) -> Result<()> {
    if text.len() > MAX_BYTES { Err(Error::Unauthenticated("The token is too long.")) } else { Ok(()) }
}

const NOT_A_TOKEN: Error = Error::Unauthenticated("The token does not have three parts with a dot between them.");

fn algorithm(header: &Map<String, Value>) -> Result<Algorithm> {
    let named = header.get("alg").and_then(Value::as_str).and_then(|name| name.parse().ok());
    named
        .filter(|algorithm| ALGORITHMS.contains(algorithm))
        .ok_or(Error::Unauthenticated("The token's alg is not one that this service accepts."))
}

/// The object in a part: base64url without padding and without stray bits at the end, so that it has one spelling.
fn decode(part: &str) -> Option<Map<String, Value>> {
    URL_SAFE_NO_PAD.decode(part).ok().and_then(|bytes| parse_object(&bytes))
}
