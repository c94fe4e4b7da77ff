//! Entity tags: a task's is its revision, a list's the user's revision and a hash of whose list and which. What
//! depends on sweeps too has a hash of it all.

use std::fmt;

use async_graphql::Variables;
use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::error::{Error, Result};
use crate::task::{Position, Revision};
use crate::user::UserId;

/// The tag of a task.
pub(super) fn of_task(revision: Revision) -> Result<HeaderValue> {
    HeaderValue::try_from(format!("\"{revision}\"")).map_err(Error::internal)
}

/// The tag of a list.
pub(super) fn of_list(revision: &str, user: &UserId, variables: &Variables) -> Result<HeaderValue> {
    let which = serde_json::to_vec(variables).map_err(Error::internal)?;
    hashed(revision, user, &which)
}

/// The tag of what sweeps change too: of a part of the feed, which ends at `revision`, and of deleted tasks.
pub(super) fn of_body(revision: &str, user: &UserId, body: &[u8]) -> Result<HeaderValue> {
    let position = Position::parse(revision).map_err(|problem| Error::internal(problem.msg))?;
    hashed(position.revision(), user, body)
}

fn hashed(revision: impl fmt::Display, user: &UserId, what: &[u8]) -> Result<HeaderValue> {
    let mut hash = Context::new(&SHA256);
    for part in [user.as_str().as_bytes(), b"\n", what] {
        hash.update(part);
    }
    let short = URL_SAFE_NO_PAD.encode(&hash.finish().as_ref()[..9]);
    HeaderValue::try_from(format!("\"{revision}-{short}\"")).map_err(Error::internal)
}

/// Whether the caller has this version already (`If-None-Match`, weak comparison: RFC 9110, 13.1.2).
pub(super) fn none_match(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    tags(headers, &header::IF_NONE_MATCH).is_some_and(|tags| matches!(tags, Tags::Any) || tags.name(etag))
}

/// The same by name: `*` does not count, because there is nothing that it was given out for.
pub(super) fn none_match_exactly(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    tags(headers, &header::IF_NONE_MATCH).is_some_and(|tags| tags.name(etag))
}

/// What a change is conditional on (`If-Match`: RFC 9110, 13.1.1).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing, or that the task is there.
    None,
    /// That this is its revision.
    Is(Revision),
    /// That its revision is among these; often none of them, because a tag was not one of a task.
    IsAmong(Vec<Revision>),
}

/// Reads `If-Match`. A `W/` is passed over: a proxy that compresses puts it there, and a revision is exact.
pub(super) fn condition(headers: &HeaderMap) -> Condition {
    match tags(headers, &header::IF_MATCH) {
        None | Some(Tags::Any) => Condition::None,
        Some(Tags::These(tags)) => {
            let revision = |tag: &String| Revision::parse(tag.trim_matches('"')).ok();
            match (tags.len(), tags.first().and_then(revision)) {
                (1, Some(only)) => Condition::Is(only),
                _ => Condition::IsAmong(tags.iter().filter_map(revision).collect()),
            }
        }
    }
}

enum Tags {
    Any,
    /// With their quotes, without `W/`.
    These(Vec<String>),
}

impl Tags {
    fn name(&self, etag: &HeaderValue) -> bool {
        matches!(self, Self::These(tags) if tags.iter().any(|tag| tag.as_bytes() == etag.as_bytes()))
    }
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<Tags> {
    let mut found = None;
    for value in headers.get_all(name) {
        let text = String::from_utf8_lossy(value.as_bytes());
        let tags = found.get_or_insert_with(Vec::new);
        if text.trim() == "*" {
            return Some(Tags::Any);
        }
        // Ours hold no comma, so a tag that does is not one of ours whichever way it is cut.
        tags.extend(text.split(',').map(str::trim).map(|tag| tag.strip_prefix("W/").unwrap_or(tag).to_owned()));
    }
    found.map(Tags::These)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn if_match(values: &[&'static str]) -> Condition {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_MATCH, HeaderValue::from_static(value));
        }
        condition(&headers)
    }

    #[test]
    fn if_match_reads_lists_stars_and_weak_tags() {
        assert_eq!(if_match(&[]), Condition::None);
        assert_eq!(if_match(&["*"]), Condition::None);
        assert_eq!(if_match(&["\"7\""]), Condition::Is(Revision(7)));
        assert_eq!(if_match(&["W/\"7\""]), Condition::Is(Revision(7)));
        assert_eq!(if_match(&["\"7\", W/\"8\"", "\"x\""]), Condition::IsAmong(vec![Revision(7), Revision(8)]));
        for garbage in ["\"7-abc\"", "", "\"", "\"\"", "\"-1\""] {
            assert_eq!(if_match(&[garbage]), Condition::IsAmong(vec![]), "{garbage}");
        }
    }
}
