//! One published key (a JWK, RFC 7517), and whether we use it.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde_json::{Map, Value};

use crate::auth::json::parse_object;

/// A public key that verifies signatures.
#[derive(Debug)]
pub(super) struct Key {
    kid: Option<String>,
    kind: Kind,
    /// The one algorithm that the key is for, when it says so.
    algorithm: Option<Algorithm>,
    pub(super) decoding: DecodingKey,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Ed25519,
    P256,
    P384,
    Rsa,
}

/// The keys of a JWK Set that we use, and the number of those that we do not.
///
/// A key that we do not understand is passed over (RFC 7517, section 5); so is one that is not for verifying
/// signatures, and one of type `oct`, which is a secret and has no business being published.
pub(super) fn parse_set(body: &[u8]) -> Result<(Vec<Key>, usize), &'static str> {
    let set = parse_object(body).ok_or("the answer is not a JSON object")?;
    let Some(Value::Array(jwks)) = set.get("keys") else {
        return Err("the answer has no array of keys");
    };
    let keys: Vec<Key> = jwks.iter().filter_map(|jwk| Key::parse(jwk.as_object()?)).collect();
    let ignored = jwks.len() - keys.len();
    Ok((keys, ignored))
}

impl Key {
    fn parse(jwk: &Map<String, Value>) -> Option<Self> {
        if !is_for_verifying(jwk) {
            return None;
        }
        let (kind, decoding) = match (text(jwk, "kty")?, text(jwk, "crv")) {
            ("OKP", Some("Ed25519")) => (Kind::Ed25519, ed25519(jwk)?),
            ("EC", Some("P-256")) => (Kind::P256, ecdsa(jwk, &ECDSA_P256_SHA256_FIXED, 32)?),
            ("EC", Some("P-384")) => (Kind::P384, ecdsa(jwk, &ECDSA_P384_SHA384_FIXED, 48)?),
            ("RSA", _) => (Kind::Rsa, rsa(jwk)?),
            _ => return None,
        };
        let algorithm = match jwk.get("alg") {
            None => None,
            Some(name) => Some(name.as_str()?.parse().ok().filter(|algorithm| kind.verifies(*algorithm))?),
        };
        let name = match jwk.get("kid") {
            None => None,
            Some(name) => Some(name.as_str()?.to_owned()),
        };
        Some(Self { kid: name, kind, algorithm, decoding })
    }

    /// Whether a token with this `alg` and `kid` may be verified with this key.
    pub(super) fn fits(&self, algorithm: Algorithm, kid: Option<&str>) -> bool {
        self.kind.verifies(algorithm)
            && self.algorithm.is_none_or(|own| own == algorithm)
            && kid.is_none_or(|kid| self.is_named(kid))
    }

    pub(super) fn is_named(&self, kid: &str) -> bool {
        self.kid.as_deref() == Some(kid)
    }
}

impl Kind {
    fn verifies(self, algorithm: Algorithm) -> bool {
        match self {
            Self::Ed25519 => algorithm == Algorithm::EdDSA,
            Self::P256 => algorithm == Algorithm::ES256,
            Self::P384 => algorithm == Algorithm::ES384,
            Self::Rsa => algorithm.family() == AlgorithmFamily::Rsa,
        }
    }
}

/// What `use` and `key_ops` say, when they say something (RFC 7517, sections 4.2 and 4.3).
fn is_for_verifying(jwk: &Map<String, Value>) -> bool {
    let has_verify = |ops: &Value| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify"));
    jwk.get("use").is_none_or(|purpose| purpose == "sig") && jwk.get("key_ops").is_none_or(has_verify)
}

/// A point on the curve that is not one of the eight of small order: under those, anybody can make signatures.
fn ed25519(jwk: &Map<String, Value>) -> Option<DecodingKey> {
    let x: [u8; 32] = bytes(jwk, "x")?.try_into().ok()?;
    (is_valid(&ED25519, &x) && !is_of_small_order(x)).then(|| DecodingKey::from_ed_der(&x))
}

fn is_of_small_order(mut point: [u8; 32]) -> bool {
    // The sign of the other coordinate, which does not matter here.
    point[31] &= 0x7f;
    let [first, .., last] = point;
    // 0, 1, p - 1, and p and p + 1, which are 0 and 1 once more.
    let is_flat = |end, middle, ends: &[u8]| {
        last == end && point[1..31].iter().all(|byte| *byte == middle) && ends.contains(&first)
    };
    is_flat(0, 0, &[0, 1]) || is_flat(0x7f, 0xff, &[0xec, 0xed, 0xee]) || OF_ORDER_EIGHT.contains(&point)
}

/// The ordinates of the points of order eight (RFC 8032, section 5.1, for the curve), in its encoding.
const OF_ORDER_EIGHT: [[u8; 32]; 2] = [
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// A point on the curve of `algorithm`, whose coordinates have `size` bytes each (RFC 7518, section 6.2.1).
fn ecdsa(jwk: &Map<String, Value>, algorithm: &'static dyn VerificationAlgorithm, size: usize) -> Option<DecodingKey> {
    let coordinate = |name| bytes(jwk, name).filter(|coordinate| coordinate.len() == size);
    let point = [vec![0x04], coordinate("x")?, coordinate("y")?].concat();
    is_valid(algorithm, &point).then(|| DecodingKey::from_ec_der(&point))
}

/// An odd modulus of 2048 to 8192 bits and an odd exponent, without leading zeros (RFC 7518, sections 3.3 and 6.3.1):
/// what the verification of a signature would ask for as well, but a key that cannot verify must not count as one that
/// fits. An exponent of 3 is legal; what made it infamous is lenient reading of the padding.
fn rsa(jwk: &Map<String, Value>) -> Option<DecodingKey> {
    let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    let first = *n.first()?;
    let is_good_size = (256..=1024).contains(&n.len()) && (first >= 0x80 || (first > 0 && n.len() > 256));
    let is_good_exponent = is_odd(&e) && e.first() != Some(&0) && e != [1] && e.len() <= 4;
    (is_good_size && is_odd(&n) && is_good_exponent).then(|| DecodingKey::from_rsa_raw_components(&n, &e))
}

fn is_valid(algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> bool {
    UnparsedPublicKey::new(algorithm, key).parse().is_ok()
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    jwk.get(name).and_then(Value::as_str)
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text(jwk, name)?).ok()
}
