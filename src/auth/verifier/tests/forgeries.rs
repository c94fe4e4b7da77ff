//! Signatures made of good ones, or of nothing, by arithmetic: the cases of Wycheproof for what a JWS can carry.

mod ecdsa;
mod eddsa;
mod rsa;

use serde_json::json;

use crate::auth::testing::{claims, compact};

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The sum of two numbers of one length, big end first, if it has that length too.
fn add(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    let mut carry = 0;
    let mut digits: Vec<u8> =
        a.iter().zip(b).rev().map(|(a, b)| digit(u16::from(*a) + u16::from(*b), &mut carry)).collect();
    digits.reverse();
    (carry == 0).then_some(digits)
}

fn digit(sum: u16, carry: &mut u16) -> u8 {
    let [high, low] = (sum + *carry).to_be_bytes();
    *carry = high.into();
    low
}

/// `a` - `b`, where `a` is the larger: `a` + (2^n - 1 - `b`) + 1 without its first bit.
fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 1;
    let mut digits: Vec<u8> =
        a.iter().zip(b).rev().map(|(a, b)| digit(u16::from(*a) + u16::from(!*b), &mut carry)).collect();
    digits.reverse();
    digits
}

fn token(algorithm: &str, kid: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    compact(&json!({"alg": algorithm, "kid": kid}), &claims(&json!({})), sign)
}

#[test]
fn the_arithmetic_is_right() {
    assert_eq!(add(&[1, 255], &[0, 1]), Some(vec![2, 0]));
    assert_eq!(add(&[255, 255], &[0, 1]), None);
    assert_eq!(subtract(&[2, 0], &[0, 1]), [1, 255]);
    assert_eq!(subtract(&hex("0100"), &hex("0100")), [0, 0]);
}
