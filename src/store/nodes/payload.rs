//! What a notification says.
//!
//! 16 hexadecimal digits name the node that sends it, 16 more each user who has something new. Without any of these it
//! is about everybody. No subject is in it: notifications are readable by whoever may connect, and subjects can be
//! longer than a notification.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Uuid;

use crate::user::UserId;

/// The hexadecimal digits of a mark.
const DIGITS: usize = 16;

/// How many users one payload names. PostgreSQL takes payloads of less than 8000 bytes.
const MOST: usize = 400;

/// A user, or a node, in a notification. Two users may have the same: a hint too many is no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::store) struct Mark(u64);

impl Mark {
    /// The first 64 bits of the subject's SHA-256, on every node alike.
    pub(in crate::store) fn of(user: &UserId) -> Self {
        let hash = digest(&SHA256, user.as_str().as_bytes());
        Self(hash.as_ref().iter().take(size_of::<u64>()).fold(0, |mark, byte| mark << 8 | u64::from(*byte)))
    }

    pub(super) fn random() -> Self {
        Self(Uuid::new_v4().as_u64_pair().1)
    }

    fn read(text: &str) -> Option<Self> {
        let is_mark = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_mark { u64::from_str_radix(text, 16).ok().map(Self) } else { None }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What `node` sends of these users, in as many payloads as it takes.
pub(super) fn write(node: Mark, users: impl IntoIterator<Item = Mark>) -> Vec<String> {
    let users: Vec<Mark> = users.into_iter().collect();
    let payload = |users: &[Mark]| std::iter::once(&node).chain(users).map(Mark::to_string).collect();
    users.chunks(MOST).map(payload).collect()
}

/// What `node` sends when it has lost count.
pub(super) fn write_everybody(node: Mark) -> String {
    node.to_string()
}

/// Who sent it, and the users it names; `None` where it is not ours.
pub(super) fn read(text: &str) -> Option<(Mark, Vec<Mark>)> {
    let (node, mut rest) = text.split_at_checked(DIGITS)?;
    let mut users = Vec::with_capacity(rest.len() / DIGITS);
    while !rest.is_empty() {
        let (user, after) = rest.split_at_checked(DIGITS)?;
        users.push(Mark::read(user)?);
        rest = after;
    }
    Some((Mark::read(node)?, users))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_the_same_on_every_node() {
        // The beginning of what `printf ann | sha256sum` prints.
        let ann = Mark::of(&UserId::parse("ann").unwrap());
        assert_eq!(ann.to_string(), "49915e0d7d4b402e");
        assert_eq!(Mark::of(&UserId::parse(&"ü".repeat(255)).unwrap()).to_string().len(), DIGITS);
        assert_ne!(Mark::random(), Mark::random());
    }

    #[test]
    fn many_users_are_several_payloads_that_fit() {
        let node = Mark(u64::MAX);
        for (count, payloads) in [(0, 0), (1, 1), (MOST, 1), (MOST + 1, 2), (10_000, 25)] {
            let users: Vec<Mark> = (0..count as u64).map(Mark).collect();
            let written = write(node, users.clone());
            assert_eq!(written.len(), payloads, "{count}");
            assert!(written.iter().all(|payload| payload.len() < 8000));
            let read: Vec<(Mark, Vec<Mark>)> = written.iter().map(|payload| read(payload).unwrap()).collect();
            assert!(read.iter().all(|(from, users)| *from == node && !users.is_empty()));
            assert_eq!(read.into_iter().flat_map(|(_, users)| users).collect::<Vec<_>>(), users);
        }
        assert_eq!(read(&write_everybody(node)), Some((node, Vec::new())));
    }

    #[test]
    fn what_is_not_ours_is_passed_over() {
        let good = "0123456789abcdef";
        for text in ["", "hello", &good[1..], "0123456789abcdeg", "+123456789abcdef", "0123456789abcdéf"] {
            assert_eq!(read(text), None, "{text}");
            if !text.is_empty() {
                assert_eq!(read(&format!("{good}{text}")), None, "{text}");
            }
        }
        assert_eq!(read(&"é".repeat(4000)), None);
    }
}
