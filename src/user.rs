//! Whose tasks they are.

use std::fmt;
use std::sync::Arc;

/// The subject of a verified token: the only owner that a task can have.
///
/// An opaque string of 1 to 255 characters without control characters; Better Auth's are 32 letters and digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(Arc<str>);

impl UserId {
    /// The most characters that a subject may have.
    pub const MAX_CHARS: usize = 255;

    /// The user whose subject is `text`, or `None` when no subject looks like that.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.chars().count() <= Self::MAX_CHARS && !text.chars().any(char::is_control);
        fits.then(|| Self(text.into()))
    }

    /// The subject as the token has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Subjects name people, and so stay out of logs.
impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId(..)")
    }
}
