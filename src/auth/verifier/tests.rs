mod acceptance;
mod forgeries;
mod form;
mod keys;
mod mutation;
mod remembered;
mod rotation;
mod signatures;
mod wire;

use std::sync::Arc;

use super::*;
use crate::auth::testing::{FakeSource, KEYS, PREVIOUS, SECRET, USER, clock};
use crate::clock::ManualClock;

fn rules() -> TokenRules {
    TokenRules {
        secrets: vec![SecretString::from(SECRET), SecretString::from(PREVIOUS)],
        jwks_url: None,
        issuer: None,
        audience: None,
        subject_claim: "sub".to_owned(),
    }
}

/// A verifier with two secrets and a key of each type, and what moves it.
struct World {
    verifier: Verifier,
    source: Arc<FakeSource>,
    clock: Arc<ManualClock>,
}

impl World {
    fn new(rules: TokenRules) -> Self {
        let (source, clock) = (FakeSource::new(&KEYS.set()), clock());
        let jwks = Jwks::new(Box::new(Arc::clone(&source)), clock.clone());
        let verifier = Verifier::with_jwks(rules, Some(jwks), clock.clone()).unwrap();
        Self { verifier, source, clock }
    }

    /// Fetches the keys, as the schedule does.
    async fn refresh(&self) {
        // That it fails is the business of some tests.
        let _ = self.verifier.try_keys().await;
    }

    async fn accepts(&self, name: &str, token: &str) {
        let user = self.verifier.verify(token).await.map(|verified| verified.user);
        assert!(matches!(&user, Ok(user) if user.as_str() == USER), "{name}: {user:?}");
    }

    /// Refuses it with a sentence that contains `part`.
    async fn refuses(&self, name: &str, token: &str, part: &str) {
        let error = self.verifier.verify(token).await.expect_err(name);
        let is_right = |text: &str| text.contains(part) && text.ends_with('.');
        assert!(matches!(error, Error::Unauthenticated(text) if is_right(text)), "{name}: {error:?}");
    }
}

#[test]
fn rules_that_cannot_be_followed_are_refused() {
    type Change = fn(&mut TokenRules);
    let with = |change: Change| {
        let mut rules = rules();
        change(&mut rules);
        Verifier::new(rules, clock()).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(with(|_| ()), Ok(()));
    assert_eq!(with(|rules| rules.subject_claim = "user.id".to_owned()), Ok(()));
    assert_eq!(with(|rules| rules.jwks_url = "http://127.0.0.1:9/jwks".parse().ok()), Ok(()));
    let cases: [(Change, &str); 8] = [
        (|rules| rules.secrets.clear(), "set BETTER_AUTH_SECRET or JWKS_URL"),
        (|rules| rules.secrets[0] = SecretString::from("x".repeat(31)), "shorter than 32 bytes"),
        (|rules| rules.secrets[1] = SecretString::from(""), "shorter than 32 bytes"),
        (|rules| rules.jwks_url = "http://auth.test/jwks".parse().ok(), "JWKS_URL: write an https://"),
        (|rules| rules.subject_claim = String::new(), "JWT_SUBJECT_CLAIM"),
        (|rules| rules.subject_claim = ".sub".to_owned(), "JWT_SUBJECT_CLAIM"),
        (|rules| rules.subject_claim = "user.".to_owned(), "JWT_SUBJECT_CLAIM"),
        (|rules| rules.subject_claim = "user..id".to_owned(), "JWT_SUBJECT_CLAIM"),
    ];
    for (change, sentence) in cases {
        let error = with(change).unwrap_err();
        assert!(error.contains(sentence) && error.ends_with('.'), "{error}");
    }
}

#[tokio::test]
async fn debug_output_has_no_secret() {
    let world = World::new(rules());
    world.refresh().await;
    let text = format!("{:?} {:?} {:#?}", world.verifier, rules(), world.verifier.0.jwks);
    let bytes = format!("{:?}", SECRET.as_bytes());
    for secret in [SECRET, PREVIOUS, &bytes[1..40]] {
        assert!(!text.contains(secret), "{text}");
    }
}
