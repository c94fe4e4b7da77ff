use serde_json::{Value, json};

use super::{hex, subtract, token};
use crate::auth::testing::{KEYS, PUBLISHED, base64, claims, compact, sha256};
use crate::auth::verifier::tests::{World, rules};

/// A world whose only key is an RSA key with `changes`.
fn with_key(changes: &Value) -> World {
    let world = World::new(rules());
    world.source.publish(&json!({"keys": [KEYS.rsa.jwk(changes)]}));
    world
}

/// What RS256 signs (RFC 8017, section 9.2), in `size` bytes.
fn padded_hash(message: &[u8], size: usize) -> Vec<u8> {
    let hash = [hex("3031300d060960864801650304020105000420"), sha256(message)].concat();
    [vec![0, 1], vec![0xff; size - hash.len() - 3], vec![0], hash].concat()
}

#[tokio::test]
async fn a_key_that_proves_nothing_is_no_key() {
    let sign = |message: &[u8]| padded_hash(message, 256);
    let forged = compact(&json!({"alg": "RS256"}), &claims(&json!({})), sign);
    for e in ["AQ", "AAE", "Ag", "AA", "", "AQAAAAE"] {
        // With e = 1 the padded hash is its own signature.
        with_key(&json!({"e": e})).refuses(&format!("e = {e}"), &forged, "No key").await;
    }
    let even = json!({"n": base64([vec![0xff; 255], vec![0xfe]].concat())});
    with_key(&even).refuses("an even modulus", &forged, "No key").await;
    for kty in ["OKP", "EC", "oct", "rsa"] {
        let changes = json!({"kty": kty, "k": base64(KEYS.rsa.modulus())});
        with_key(&changes).refuses(kty, &KEYS.rsa.token("RS256", None), "No key").await;
    }
    with_key(&json!({})).refuses("with e = 65537", &forged, "signature").await;
}

#[tokio::test]
async fn a_key_has_2048_bits_at_least() {
    for bytes in [64, 128, 255] {
        let n = [&KEYS.rsa.modulus()[..bytes - 1], &[1]].concat();
        let forged = compact(&json!({"alg": "RS256"}), &claims(&json!({})), |_| vec![1; bytes]);
        with_key(&json!({"n": base64(n)})).refuses(&format!("{bytes} bytes"), &forged, "No key").await;
    }
}

#[tokio::test]
async fn a_signature_is_a_number_below_the_modulus() {
    let world = World::new(rules());
    let modulus = KEYS.rsa.modulus();
    let (zero, one) = (vec![0; 256], [vec![0; 255], vec![1]].concat());
    let most = subtract(&modulus, &one);
    for (algorithm, kid) in PUBLISHED.into_iter().filter(|(_, kid)| *kid == "rsa") {
        for s in [&zero, &one, &most, &modulus] {
            world.refuses(algorithm, &token(algorithm, kid, |_| s.clone()), "signature").await;
        }
    }
}
