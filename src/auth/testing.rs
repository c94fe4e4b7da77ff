//! Keys, tokens and key sources for this module's tests. Tokens are put together and signed here without
//! `jsonwebtoken`, so that the tests do not share its mistakes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::jwks::KeySource;
use crate::clock::{ManualClock, Timestamp};
use crate::error::Cause;

/// Where the tests' clocks stand at first.
pub(super) const NOW: i64 = 1_767_952_800;
pub(super) const SECRET: &str = "a secret of thirty-two bytes, or more";
pub(super) const PREVIOUS: &str = "the secret before that, as long as it";
pub(super) const USER: &str = "Zk3yXwQ9rT7bN1mV5cL8pH2sD6fG4jA0";

/// Every algorithm whose keys are published, with the `kid` of its key in [`Keys::set`].
pub(super) const PUBLISHED: [(&str, &str); 9] = [
    ("EdDSA", "ed"),
    ("ES256", "p256"),
    ("ES384", "p384"),
    ("RS256", "rsa"),
    ("RS384", "rsa"),
    ("RS512", "rsa"),
    ("PS256", "rsa"),
    ("PS384", "rsa"),
    ("PS512", "rsa"),
];

pub(super) static KEYS: LazyLock<Keys> = LazyLock::new(Keys::generate);

pub(super) struct Keys {
    pub(super) ed: TestKey,
    pub(super) p256: TestKey,
    pub(super) p384: TestKey,
    pub(super) rsa: TestKey,
    /// Keys that nobody published.
    pub(super) others: [TestKey; 4],
}

pub(super) enum TestKey {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Keys {
    fn generate() -> Self {
        let [ed, p256, p384, rsa] = TestKey::one_of_each();
        Self { ed, p256, p384, rsa, others: TestKey::one_of_each() }
    }

    pub(super) fn get(&self, kid: &str) -> &TestKey {
        match kid {
            "ed" => &self.ed,
            "p256" => &self.p256,
            "p384" => &self.p384,
            _ => &self.rsa,
        }
    }

    /// A set with a key of each type; none says which algorithm it is for.
    pub(super) fn set(&self) -> Value {
        let keys = ["ed", "p256", "p384", "rsa"].map(|kid| self.get(kid).jwk(&json!({"kid": kid})));
        json!({ "keys": keys })
    }
}

impl TestKey {
    pub(super) fn one_of_each() -> [Self; 4] {
        [
            Self::ed25519(),
            Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
            Self::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()),
            Self::rsa(KeySize::Rsa2048),
        ]
    }

    pub(super) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub(super) fn rsa(size: KeySize) -> Self {
        Self::Rsa(RsaKeyPair::generate(size).unwrap())
    }

    /// The public key as a JWK, with the members of `more`.
    pub(super) fn jwk(&self, more: &Value) -> Value {
        let mut jwk = match self {
            Self::Ed25519(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key())}),
            Self::P256(pair) => ec_jwk("P-256", pair),
            Self::P384(pair) => ec_jwk("P-384", pair),
            Self::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "n": base64(public.n), "e": base64(public.e)})
            }
        };
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        jwk
    }

    /// The public key as a `SubjectPublicKeyInfo`.
    pub(super) fn der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = match self {
            Self::Ed25519(pair) => pair.public_key().as_der(),
            Self::P256(pair) | Self::P384(pair) => pair.public_key().as_der(),
            Self::Rsa(pair) => pair.public_key().as_der(),
        }
        .unwrap();
        der.as_ref().to_vec()
    }

    /// An RSA key's modulus, big end first.
    pub(super) fn modulus(&self) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(self.jwk(&json!({}))["n"].as_str().unwrap()).unwrap()
    }

    /// What a verifier that mistakes the public key for a secret could take as its bytes.
    pub(super) fn spellings(&self) -> Vec<Vec<u8>> {
        let (jwk, der) = (self.jwk(&json!({})), self.der());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
        let part = jwk.get("x").or(jwk.get("n")).and_then(Value::as_str).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
        vec![jwk.to_string().into(), part.into(), bytes, der, pem.trim().into(), pem.into()]
    }

    pub(super) fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::P256(pair) | Self::P384(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match algorithm {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// An ECDSA signature with P-256 in the form that JWS does not use.
    pub(super) fn sign_in_der(&self, message: &[u8]) -> Vec<u8> {
        let pkcs8 = match self {
            Self::P256(pair) => pair.to_pkcs8v1().unwrap(),
            _ => unreachable!("a key for P-256"),
        };
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
        pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    /// A good token of this key.
    pub(super) fn token(&self, algorithm: &str, kid: Option<&str>) -> String {
        let mut header = json!({"alg": algorithm});
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        compact(&header, &claims(&json!({})), |message| self.sign(algorithm, message))
    }
}

fn ec_jwk(curve: &str, pair: &EcdsaKeyPair) -> Value {
    let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
    json!({"kty": "EC", "crv": curve, "x": base64(x), "y": base64(y)})
}

pub(super) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Good claims with those of `changes` instead, and without those that `changes` has as `"(absent)"`.
pub(super) fn claims(changes: &Value) -> Value {
    let mut claims = json!({"sub": USER, "iat": NOW, "exp": NOW + 900, "iss": "https://auth.test", "name": "Ada"});
    let object = claims.as_object_mut().unwrap();
    object.extend(changes.as_object().unwrap().clone());
    object.retain(|_, value| value != "(absent)");
    claims
}

pub(super) fn compact(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    raw(header.to_string().as_bytes(), claims.to_string().as_bytes(), sign)
}

pub(super) fn raw(header: &[u8], claims: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", base64(header), base64(claims));
    let signature = sign(message.as_bytes());
    format!("{message}.{}", base64(signature))
}

/// Signs with HMAC-SHA256.
pub(super) fn mac(secret: impl AsRef<[u8]>) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref());
    move |message| hmac::sign(&key, message).as_ref().to_vec()
}

/// An HS256 token of the current secret, with good claims but for `changes`.
pub(super) fn hs256(changes: &Value) -> String {
    compact(&json!({"alg": "HS256", "typ": "JWT"}), &claims(changes), mac(SECRET))
}

pub(super) fn sha256(message: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, message).as_ref().to_vec()
}

pub(super) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_micros(NOW * 1_000_000)))
}

/// A key source that answers what it was told to, and counts how often it was asked.
#[derive(Debug)]
pub(super) struct FakeSource {
    answer: Mutex<Result<Vec<u8>, &'static str>>,
    fetches: AtomicUsize,
    under_way: AtomicUsize,
    /// Whoever locks it keeps fetches from ending.
    pub(super) gate: tokio::sync::Mutex<()>,
}

impl FakeSource {
    pub(super) fn new(set: &Value) -> Arc<Self> {
        let answer = Mutex::new(Ok(set.to_string().into()));
        let (fetches, under_way) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { answer, fetches, under_way, gate: tokio::sync::Mutex::default() })
    }

    pub(super) fn publish(&self, set: &Value) {
        self.answer(Ok(set.to_string().as_bytes()));
    }

    pub(super) fn answer(&self, answer: Result<&[u8], &'static str>) {
        *self.answer.lock().unwrap() = answer.map(<[u8]>::to_vec);
    }

    pub(super) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

impl KeySource for Arc<FakeSource> {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<u8>, Cause>> {
        async {
            self.fetches.fetch_add(1, Ordering::SeqCst);
            assert_eq!(self.under_way.fetch_add(1, Ordering::SeqCst), 0, "one fetch at a time");
            let _open = self.gate.lock().await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            self.answer.lock().unwrap().clone().map_err(Cause::from)
        }
        .boxed()
    }
}
