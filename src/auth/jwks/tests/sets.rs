//! Which keys of a set are used, and for which tokens.

use ::base64::Engine;
use ::base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::auth::testing::{KEYS, base64};

/// How many keys fit, as the error tells.
async fn fitting(set: &Value, algorithm: Algorithm, kid: Option<&str>) -> &'static str {
    match jwks(set).0.find(algorithm, kid).await {
        Ok(_) => "one",
        Err(Error::Unauthenticated("No key of this service fits the token.")) => "none",
        Err(Error::Unauthenticated("More than one key of this service fits the token.")) => "several",
        Err(_) => "an error of another kind",
    }
}

#[tokio::test]
async fn one_key_has_to_fit() {
    use Algorithm::{ES256, ES384, EdDSA, PS512, RS256};
    let [other, ..] = &KEYS.others;
    let mut set = KEYS.set();
    assert_eq!(fitting(&json!({"keys": []}), EdDSA, None).await, "none");
    for (algorithm, kid) in [(EdDSA, "ed"), (ES256, "p256"), (ES384, "p384"), (RS256, "rsa"), (PS512, "rsa")] {
        assert_eq!(fitting(&set, algorithm, Some(kid)).await, "one", "{kid}");
        assert_eq!(fitting(&set, algorithm, None).await, "one", "{kid}");
        assert_eq!(fitting(&set, algorithm, Some("other")).await, "none", "{kid}");
        assert_eq!(fitting(&set, algorithm, Some("")).await, "none", "{kid}");
    }
    assert_eq!(fitting(&set, EdDSA, Some("p256")).await, "none");
    assert_eq!(fitting(&set, ES256, Some("p384")).await, "none");
    assert_eq!(fitting(&set, ES384, Some("p256")).await, "none");
    assert_eq!(fitting(&set, RS256, Some("ed")).await, "none");
    assert_eq!(fitting(&set, Algorithm::HS256, Some("ed")).await, "none");

    set["keys"].as_array_mut().unwrap().push(other.jwk(&json!({"kid": "other"})));
    assert_eq!(fitting(&set, EdDSA, None).await, "several");
    assert_eq!(fitting(&set, EdDSA, Some("ed")).await, "one");
    assert_eq!(fitting(&set, EdDSA, Some("other")).await, "one");
    set["keys"].as_array_mut().unwrap().push(other.jwk(&json!({"kid": "ed"})));
    assert_eq!(fitting(&set, EdDSA, Some("ed")).await, "several");
    let anonymous = json!({"keys": [KEYS.ed.jwk(&json!({}))]});
    assert_eq!(fitting(&anonymous, EdDSA, Some("ed")).await, "none");
    assert_eq!(fitting(&anonymous, EdDSA, None).await, "one");
}

#[tokio::test]
async fn a_key_counts_when_it_is_for_verifying_such_tokens() {
    let cases = [
        ("says nothing", json!({}), "one"),
        ("use sig", json!({"use": "sig"}), "one"),
        ("use enc", json!({"use": "enc"}), "none"),
        ("use Sig", json!({"use": "Sig"}), "none"),
        ("use null", json!({"use": null}), "none"),
        ("key_ops verify", json!({"key_ops": ["verify"]}), "one"),
        ("key_ops sign and verify", json!({"key_ops": ["sign", "verify"]}), "one"),
        ("key_ops sign", json!({"key_ops": ["sign"]}), "none"),
        ("key_ops empty", json!({"key_ops": []}), "none"),
        ("key_ops a string", json!({"key_ops": "verify"}), "none"),
        ("use sig, key_ops encrypt", json!({"use": "sig", "key_ops": ["encrypt"]}), "none"),
        ("its algorithm", json!({"alg": "RS256"}), "one"),
        ("another algorithm", json!({"alg": "PS256"}), "none"),
        ("another type's algorithm", json!({"alg": "ES256"}), "none"),
        ("an unknown algorithm", json!({"alg": "RSA-OAEP"}), "none"),
        ("a secret's algorithm", json!({"alg": "HS256"}), "none"),
        ("alg a number", json!({"alg": 256}), "none"),
        ("kid a number", json!({"kid": 1}), "none"),
        ("no kty", json!({"kty": null}), "none"),
        ("kty in lower case", json!({"kty": "rsa"}), "none"),
        ("members that are not known", json!({"x5c": ["AAAA"], "exp": "never"}), "one"),
    ];
    for (name, more, expected) in cases {
        let set = json!({"keys": [KEYS.rsa.jwk(&more)]});
        assert_eq!(fitting(&set, Algorithm::RS256, None).await, expected, "{name}");
    }
}

fn bytes(member: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(member.as_str().unwrap()).unwrap()
}

fn broken_keys() -> Vec<(&'static str, Value)> {
    let p256 = KEYS.p256.jwk(&json!({}));
    let short = p256["x"].as_str().unwrap()[..40].to_owned();
    let point = [bytes(&p256["x"]), bytes(&p256["y"])].concat();
    let n = KEYS.rsa.jwk(&json!({}))["n"].as_str().unwrap().to_owned();
    let led = base64([vec![0], bytes(&json!(n))].concat());
    let zeros = |count: usize| "A".repeat(count);
    vec![
        ("a number", json!(1)),
        ("null", json!(null)),
        ("an empty object", json!({})),
        ("a secret", json!({"kty": "oct", "k": "c2VjcmV0", "alg": "EdDSA"})),
        ("Ed25519, short", KEYS.ed.jwk(&json!({"x": "AAAA"}))),
        ("Ed25519, padded", KEYS.ed.jwk(&json!({"x": format!("{}=", zeros(43))}))),
        ("Ed25519, not base64url", KEYS.ed.jwk(&json!({"x": "+".repeat(43)}))),
        ("Ed25519 as another curve", KEYS.ed.jwk(&json!({"crv": "Ed448"}))),
        ("X25519", KEYS.ed.jwk(&json!({"crv": "X25519"}))),
        ("Ed25519 as EC", KEYS.ed.jwk(&json!({"kty": "EC"}))),
        ("P-256, short x", KEYS.p256.jwk(&json!({"x": short}))),
        ("P-256, x longer than y", KEYS.p256.jwk(&json!({"x": base64(&point[..33]), "y": base64(&point[33..])}))),
        ("P-256, x for y", KEYS.p256.jwk(&json!({"y": p256["x"]}))),
        ("P-256, zero", KEYS.p256.jwk(&json!({"x": zeros(43), "y": zeros(43)}))),
        ("P-256 without y", json!({"kty": "EC", "crv": "P-256", "x": p256["x"]})),
        ("P-256 as P-384", KEYS.p256.jwk(&json!({"crv": "P-384"}))),
        ("P-256 as secp256k1", KEYS.p256.jwk(&json!({"crv": "secp256k1"}))),
        ("P-384 as P-256", KEYS.p384.jwk(&json!({"crv": "P-256"}))),
        ("RSA of 1024 bits", KEYS.rsa.jwk(&json!({"n": n[..172]}))),
        ("RSA with a leading zero", KEYS.rsa.jwk(&json!({"n": led}))),
        ("RSA of zeros", KEYS.rsa.jwk(&json!({"n": zeros(342)}))),
        ("RSA for ES256", KEYS.rsa.jwk(&json!({"alg": "ES256"}))),
        ("RSA without n", KEYS.rsa.jwk(&json!({"n": ""}))),
        ("RSA with e = 1", KEYS.rsa.jwk(&json!({"e": "AQ"}))),
        ("RSA with e = 2", KEYS.rsa.jwk(&json!({"e": "Ag"}))),
        ("RSA with e = 0", KEYS.rsa.jwk(&json!({"e": "AA"}))),
    ]
}

#[test]
fn what_is_no_public_key_is_passed_over() {
    let broken = broken_keys();
    for (name, key) in &broken {
        let (keys, ignored) = parse_set(json!({"keys": [key]}).to_string().as_bytes()).unwrap();
        assert_eq!((keys.len(), ignored), (0, 1), "{name}");
    }
    let (mut set, count) = (KEYS.set(), broken.len());
    set["keys"].as_array_mut().unwrap().extend(broken.into_iter().map(|(_, key)| key));
    let (keys, ignored) = parse_set(set.to_string().as_bytes()).unwrap();
    assert_eq!((keys.len(), ignored), (4, count));
}
