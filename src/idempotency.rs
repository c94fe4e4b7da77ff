//! Requests that may be sent again: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07).
//!
//! A caller that does not know whether its request was carried out sends it again with the same key, and is answered
//! what happened the first time. Which request a key was used for is known by a fingerprint.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use http::{HeaderMap, HeaderName};

use crate::error::Problem;

/// The header that carries the key.
pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Says, as `true`, that an answer is that of an earlier request with the same key.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How long an answer is kept.
pub const LIFETIME: Duration = Duration::from_hours(24);

/// A key as a caller made it: 1 to 255 visible ASCII characters. The quotes of a structured field are part of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The most characters that a key may have.
    pub const MAX_CHARS: usize = 255;

    /// The key of a request, where it has one.
    ///
    /// # Errors
    /// A problem of type `idempotency_key` when there are several, or one that is none.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let is_key = (1..=Self::MAX_CHARS).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
        match value.to_str() {
            Ok(text) if is_key && values.next().is_none() => Ok(Some(Self(text.to_owned()))),
            _ => Err(Problem::new("idempotency_key", "must be one key of 1 to 255 visible ASCII characters")),
        }
    }

    /// The key of the request that consists of these parts.
    #[must_use]
    pub fn of_request(self, parts: &[&[u8]]) -> Keyed {
        let mut context = Context::new(&SHA256);
        for part in parts {
            // With their lengths, so that what is moved from one part to the next is another request.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let fingerprint = context.finish().as_ref().to_vec();
        Keyed(Arc::new(Inner { key: self.0, fingerprint, is_replayed: AtomicBool::new(false) }))
    }
}

/// A request with its key. A clone is another handle to the same.
#[derive(Clone)]
pub struct Keyed(Arc<Inner>);

struct Inner {
    key: String,
    fingerprint: Vec<u8>,
    is_replayed: AtomicBool,
}

impl Keyed {
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// What tells the request from others: 32 bytes.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8] {
        &self.0.fingerprint
    }

    /// Notes that the answer is that of an earlier request.
    pub fn set_replayed(&self) {
        self.0.is_replayed.store(true, Ordering::Relaxed);
    }

    /// Whether the answer is that of an earlier request.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.0.is_replayed.load(Ordering::Relaxed)
    }
}

/// A key can hold what only its caller should know.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed").field("is_replayed", &self.is_replayed()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<Option<Key>, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        Key::of(&headers)
    }

    #[test]
    fn a_key_is_1_to_255_visible_characters() {
        assert_eq!(read(&[]), Ok(None));
        for key in ["1", "!~", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", &"k".repeat(255)] {
            assert_eq!(read(&[key.as_bytes()]), Ok(Some(Key(key.to_owned()))));
        }
        for none in [&b""[..], b" ", b"a b", b"a\tb", "ü".as_bytes(), b"\xff", "k".repeat(256).as_bytes()] {
            assert_eq!(read(&[none]).unwrap_err().kind, "idempotency_key", "{none:?}");
        }
        assert!(read(&[b"a", b"a"]).is_err(), "one of several would be a guess");
    }

    #[test]
    fn a_fingerprint_tells_requests_apart() {
        let of = |parts: &[&[u8]]| Key("k".to_owned()).of_request(parts).fingerprint().to_vec();
        assert_eq!(of(&[b"POST", b"/a"]), of(&[b"POST", b"/a"]));
        for other in [&[&b"POST"[..], b"/b"][..], &[b"POST/", b"a"], &[b"POST/a"], &[b"POST", b"/a", b""], &[]] {
            assert_ne!(of(&[b"POST", b"/a"]), of(other));
        }
        assert_eq!(of(&[]).len(), 32);
    }
}
