//! Nothing but the original is accepted.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;
use tokio::runtime::Runtime;

use super::{World, rules};
use crate::auth::testing::{KEYS, PUBLISHED, hs256};

struct Originals {
    runtime: Runtime,
    world: World,
    tokens: Vec<String>,
}

/// One verifier and a token of each algorithm for all cases.
static ORIGINALS: LazyLock<Originals> = LazyLock::new(|| {
    let published = PUBLISHED.map(|(algorithm, kid)| KEYS.get(kid).token(algorithm, Some(kid)));
    let tokens = published.into_iter().chain([hs256(&json!({}))]).collect();
    Originals { runtime: Runtime::new().unwrap(), world: World::new(rules()), tokens }
});

impl Originals {
    fn accepts(&self, token: &str) -> bool {
        self.runtime.block_on(self.world.verifier.verify(token)).is_ok()
    }
}

#[derive(Debug, Clone)]
enum Edit {
    Replace(Index, char),
    Insert(Index, char),
    Remove(Index),
    Swap(Index, Index),
}

impl Edit {
    fn apply(&self, token: &mut Vec<char>) {
        let len = token.len();
        match self {
            Self::Replace(at, with) => token[at.index(len)] = *with,
            Self::Insert(at, what) => token.insert(at.index(len + 1), *what),
            Self::Remove(at) => drop(token.remove(at.index(len))),
            Self::Swap(a, b) => token.swap(a.index(len), b.index(len)),
        }
    }
}

/// Mostly characters that a token has, so that most edits survive the decoder.
fn character() -> impl Strategy<Value = char> {
    let common = vec!['A'..='Z', 'a'..='z', '0'..='9', '-'..='.', '_'..='_'];
    prop_oneof![8 => proptest::char::ranges(common.into()), 1 => any::<char>()]
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any::<Index>(), character()).prop_map(|(at, with)| Edit::Replace(at, with)),
        (any::<Index>(), character()).prop_map(|(at, what)| Edit::Insert(at, what)),
        any::<Index>().prop_map(Edit::Remove),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Edit::Swap(a, b)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_edited_token_is_refused(which: Index, edits in prop::collection::vec(edit(), 0..4)) {
        let original = which.get(&ORIGINALS.tokens);
        let mut edited: Vec<char> = original.chars().collect();
        for edit in &edits {
            edit.apply(&mut edited);
        }
        let edited: String = edited.into_iter().collect();
        prop_assert_eq!(ORIGINALS.accepts(&edited), edited == *original, "{}", edited);
    }

    #[test]
    fn a_flipped_bit_is_refused(which: Index, at: Index, bit in 0..8u8) {
        let original = which.get(&ORIGINALS.tokens);
        let mut bytes = original.clone().into_bytes();
        bytes[at.index(original.len())] ^= 1 << bit;
        // What is no text does not get as far as the verifier.
        if let Ok(flipped) = String::from_utf8(bytes) {
            prop_assert!(!ORIGINALS.accepts(&flipped), "{}", flipped);
        }
    }

    #[test]
    fn parts_of_two_tokens_are_no_token(a: Index, b: Index, c: Index) {
        let part = |which: Index, at: usize| which.get(&ORIGINALS.tokens).split('.').nth(at).unwrap();
        let mixed = format!("{}.{}.{}", part(a, 0), part(b, 1), part(c, 2));
        prop_assert_eq!(ORIGINALS.accepts(&mixed), ORIGINALS.tokens.contains(&mixed), "{}", mixed);
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        prop_assert!(!ORIGINALS.accepts(&text));
    }
}

#[test]
fn every_token_short_of_a_byte_is_refused() {
    for token in &ORIGINALS.tokens {
        for at in 0..token.len() {
            let mut short = token.clone();
            let removed = short.remove(at);
            assert!(!ORIGINALS.accepts(&short), "{token} without the {removed} at {at}");
            assert!(!ORIGINALS.accepts(&token[..at]), "{token} up to {at}");
        }
    }
}
