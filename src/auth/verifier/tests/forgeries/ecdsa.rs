use super::{add, hex, subtract, token};
use crate::auth::testing::KEYS;
use crate::auth::verifier::tests::{World, rules};

/// The orders of the base points (FIPS 186-5), big end first.
const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const P384_ORDER: &str =
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";

#[tokio::test]
async fn ecdsa_takes_two_numbers_between_zero_and_the_order() {
    let world = World::new(rules());
    for (algorithm, kid, order) in [("ES256", "p256", hex(P256_ORDER)), ("ES384", "p384", hex(P384_ORDER))] {
        let size = order.len();
        let sign = |message: &[u8]| KEYS.get(kid).sign(algorithm, message);
        let (zero, one) = (vec![0; size], [vec![0; size - 1], vec![1]].concat());
        let above = add(&order, &one).unwrap();
        for r in [&zero, &one, &order, &above] {
            for s in [&zero, &one, &order, &above] {
                let forged = token(algorithm, kid, |_| [r.as_slice(), s].concat());
                world.refuses(&format!("{algorithm} of {r:x?} and {s:x?}"), &forged, "signature").await;
            }
            for changed in [0, 1] {
                let forged = token(algorithm, kid, |message| {
                    let signature = sign(message);
                    let (good_r, good_s) = signature.split_at(size);
                    if changed == 0 { [r, good_s].concat() } else { [good_r, r].concat() }
                });
                world.refuses(&format!("{algorithm} with a half of {r:x?}"), &forged, "signature").await;
            }
        }
        let halves_swapped = token(algorithm, kid, |message| {
            let mut signature = sign(message);
            signature.rotate_left(size);
            signature
        });
        world.refuses(algorithm, &halves_swapped, "signature").await;
        // Whoever has (r, s) has (r, n - s) too, and libraries make either: nothing may depend on there being one.
        let other_half = token(algorithm, kid, |message| {
            let signature = sign(message);
            [&signature[..size], &subtract(&order, &signature[size..])].concat()
        });
        world.accepts(algorithm, &other_half).await;
    }
}

#[tokio::test]
async fn ecdsa_is_neither_der_nor_of_another_curve() {
    let world = World::new(rules());
    world.refuses("DER", &token("ES256", "p256", |message| KEYS.p256.sign_in_der(message)), "signature").await;
    for (algorithm, kid, other) in [("ES256", "p256", &KEYS.p384), ("ES384", "p384", &KEYS.p256)] {
        let resized = |message: &[u8]| {
            let mut signature = other.sign(algorithm, message);
            signature.resize(if kid == "p256" { 64 } else { 96 }, 0);
            signature
        };
        world.refuses(algorithm, &token(algorithm, kid, resized), "signature").await;
    }
    for (algorithm, kid) in [("ES256", "p384"), ("ES384", "p256"), ("ES256", "ed"), ("EdDSA", "p256")] {
        world.refuses(algorithm, &KEYS.get(kid).token(algorithm, Some(kid)), "No key").await;
    }
}
