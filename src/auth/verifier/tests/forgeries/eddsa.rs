use serde_json::json;

use super::{add, hex, subtract, token};
use crate::auth::testing::{KEYS, base64};
use crate::auth::verifier::tests::{World, rules};

/// L, the order of the base point (RFC 8032, section 5.1), big end first.
const ORDER: &str = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";

#[tokio::test]
async fn an_eddsa_signature_has_one_spelling() {
    let world = World::new(rules());
    let order = hex(ORDER);
    let with_s = |change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        token("EdDSA", "ed", |message| {
            let signature = KEYS.ed.sign("EdDSA", message);
            let mut s = signature[32..].to_vec();
            s.reverse();
            let mut s = change(s);
            s.reverse();
            [&signature[..32], &s].concat()
        })
    };
    world.accepts("S", &with_s(&|s| s)).await;
    let mut times = vec![0; 32];
    for n in 1..=15 {
        times = add(&times, &order).unwrap();
        world.refuses(&format!("S + {n} L"), &with_s(&|s| add(&s, &times).unwrap()), "signature").await;
    }
    world.refuses("S = L", &with_s(&|_| order.clone()), "signature").await;
    world.refuses("S = 0", &with_s(&|_| vec![0; 32]), "signature").await;
    world.refuses("-S", &with_s(&|s| subtract(&order, &s)), "signature").await;
    for r in small_order_points() {
        let forged = token("EdDSA", "ed", |message| [&r, &KEYS.ed.sign("EdDSA", message)[32..]].concat());
        world.refuses("R of small order", &forged, "signature").await;
        world
            .refuses("R of small order, S = 0", &token("EdDSA", "ed", |_| [&r[..], &[0; 32]].concat()), "signature")
            .await;
    }
}

/// All encodings of the eight points whose eightfold is zero.
fn small_order_points() -> Vec<[u8; 32]> {
    let flat = |first: u8, middle: u8, last: u8| {
        let mut point = [middle; 32];
        (point[0], point[31]) = (first, last);
        point
    };
    let of_order_eight = [
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ];
    let plain = [flat(0, 0, 0), flat(1, 0, 0), flat(0xec, 0xff, 0x7f), flat(0xed, 0xff, 0x7f), flat(0xee, 0xff, 0x7f)];
    let plain = plain.into_iter().chain(of_order_eight.map(|point| hex(point).try_into().unwrap()));
    plain
        .flat_map(|point| {
            let mut negative = point;
            negative[31] |= 0x80;
            [point, negative]
        })
        .collect()
}

#[tokio::test]
async fn a_point_of_small_order_is_no_key() {
    for point in small_order_points() {
        let world = World::new(rules());
        let weak = json!({"kty": "OKP", "crv": "Ed25519", "kid": "weak", "x": base64(point)});
        world.source.publish(&json!({"keys": [weak, KEYS.ed.jwk(&json!({"kid": "ed"}))]}));
        // Under the key 1 any R = S·B is a signature of any message: R = 1 with S = 0 is one.
        let forged = token("EdDSA", "weak", |_| [&[1][..], &[0; 63]].concat());
        world.refuses(&format!("{point:x?}"), &forged, "No key").await;
        world.accepts("the other key is the only one", &KEYS.ed.token("EdDSA", None)).await;
    }
}
