//! Auth servers change their keys, while others send us what they like.

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use super::{World, rules};
use crate::auth::testing::{KEYS, TestKey};
use crate::error::Error;

fn set(keys: &[(&str, &TestKey)]) -> Value {
    let keys: Vec<Value> = keys.iter().map(|(kid, key)| key.jwk(&json!({ "kid": kid }))).collect();
    json!({ "keys": keys })
}

#[tokio::test]
async fn a_rotation_is_noticed_by_its_first_token() {
    let world = World::new(rules());
    let (old, new) = (&KEYS.ed, TestKey::ed25519());
    world.source.publish(&set(&[("old", old)]));
    world.refresh().await;
    world.accepts("before", &old.token("EdDSA", Some("old"))).await;
    world.source.publish(&set(&[("old", old), ("new", &new)]));
    world.accepts("the new key, at once", &new.token("EdDSA", Some("new"))).await;
    world.accepts("the old key", &old.token("EdDSA", Some("old"))).await;
    world.refuses("no kid, two keys", &new.token("EdDSA", None), "More than one key").await;
    assert_eq!(world.source.fetches(), 2);
}

#[tokio::test]
async fn a_second_rotation_within_thirty_seconds_is_no_refusal() {
    let world = World::new(rules());
    let (first, second) = (TestKey::ed25519(), TestKey::ed25519());
    let token = second.token("EdDSA", Some("second"));
    world.refresh().await;
    world.source.publish(&set(&[("ed", &KEYS.ed), ("first", &first)]));
    world.accepts("the first", &first.token("EdDSA", Some("first"))).await;
    world.source.publish(&set(&[("first", &first), ("second", &second)]));
    for _ in 0..29 {
        let error = world.verifier.verify(&token).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
        world.clock.advance_seconds(1);
    }
    assert_eq!(world.source.fetches(), 2);
    world.clock.advance_seconds(1);
    world.accepts("the second, when its time has come", &token).await;
}

#[tokio::test]
async fn noise_cannot_have_the_token_of_a_new_key_refused() {
    let world = World::new(rules());
    world.refresh().await;
    let (new, stranger) = (TestKey::ed25519(), TestKey::ed25519());
    let noise = |n: usize| stranger.token("EdDSA", Some(&format!("noise {n}")));
    world.refuses("noise that has a fetch", &noise(0), "No key").await;
    world.source.publish(&set(&[("ed", &KEYS.ed), ("new", &new)]));
    let token = new.token("EdDSA", Some("new"));
    for n in 0..200 {
        assert!(matches!(world.verifier.verify(&noise(n + 1)).await, Err(Error::Unavailable(_))));
        assert!(matches!(world.verifier.verify(&token).await, Err(Error::Unavailable(_))));
    }
    world.refuses("the same noise", &noise(0), "No key").await;
    assert_eq!(world.source.fetches(), 2);
    world.clock.advance_seconds(30);
    world.refuses("noise again", &noise(1), "No key").await;
    world.accepts("its fetch brought the key", &token).await;
    assert_eq!(world.source.fetches(), 3);
}

#[derive(Debug, Clone)]
enum Event {
    /// A new key is published, and the oldest of four taken back.
    Rotate,
    /// Somebody sends a token that names no key.
    Noise(u8),
    /// The time for a fetch on schedule has come.
    Schedule,
    /// The source goes away, or comes back.
    Toggle,
    Wait(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::Rotate),
        4 => any::<u8>().prop_map(Event::Noise),
        2 => Just(Event::Schedule),
        1 => Just(Event::Toggle),
        4 => (0..40_i64).prop_map(Event::Wait),
    ]
}

/// A world whose auth server signs with one of 64 keys after the other.
struct Rotating {
    world: World,
    keys: Vec<TestKey>,
    current: usize,
    is_away: bool,
    scheduled: usize,
    seconds: i64,
}

impl Rotating {
    fn new() -> Self {
        let keys = (0..64).map(|_| TestKey::ed25519()).collect();
        Self { world: World::new(rules()), keys, current: 0, is_away: false, scheduled: 0, seconds: 0 }
    }

    fn published(&self) -> std::ops::RangeInclusive<usize> {
        self.current.saturating_sub(3)..=self.current
    }

    async fn apply(&mut self, event: &Event) {
        match event {
            Event::Rotate => self.current = (self.current + 1).min(63),
            Event::Toggle => self.is_away = !self.is_away,
            Event::Wait(seconds) => {
                self.world.clock.advance_seconds(*seconds);
                self.seconds += seconds;
            }
            Event::Schedule => {
                let before = self.world.source.fetches();
                self.world.refresh().await;
                self.scheduled += self.world.source.fetches() - before;
            }
            Event::Noise(n) => {
                let token = KEYS.others[0].token("EdDSA", Some(&format!("noise {n}")));
                assert!(self.world.verifier.verify(&token).await.is_err());
            }
        }
        let keys = self.published().map(|n| self.keys[n].jwk(&json!({"kid": n.to_string()})));
        self.world.source.publish(&json!({"keys": keys.collect::<Vec<_>>()}));
        if self.is_away {
            self.world.source.answer(Err("connection refused"));
        }
    }

    /// Every token that a published key may have signed is accepted, or its sender told to come again.
    async fn check(&self) {
        for n in self.published() {
            let token = self.keys[n].token("EdDSA", Some(&n.to_string()));
            let answer = self.world.verifier.verify(&token).await;
            assert!(!matches!(answer, Err(Error::Unauthenticated(_))), "key {n}: {answer:?}");
        }
        let most = self.scheduled + 1 + usize::try_from(self.seconds / 30).unwrap();
        assert!(self.world.source.fetches() <= most, "{} fetches, {most} at most", self.world.source.fetches());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn no_valid_token_is_refused_whatever_happens(events in prop::collection::vec(event(), 1..60)) {
        Builder::new_current_thread().build().unwrap().block_on(async {
            let mut rotating = Rotating::new();
            for event in &events {
                rotating.apply(event).await;
                rotating.check().await;
            }
        });
    }
}
