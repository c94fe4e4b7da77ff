//! Where a reader of the feed of changes stands.

use std::fmt;

use super::Revision;
use crate::error::Problem;

/// A place in the feed of a user's changes: its reader has applied everything up to there.
///
/// Mostly it is a revision, and written as one. A reader that began with nothing passes revisions that are long gone by,
/// and never saw what was deleted before it began: until it has passed the revision at which it began, its place is
/// written `<revision>.<began>`, so that tombstones swept below `began` are not held against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    revision: Revision,
    /// No earlier than `revision`.
    began: Revision,
}

impl Position {
    /// That of a reader which has nothing.
    pub const START: Self = Self::at(Revision::ZERO);

    /// That of a reader which has everything up to `revision`.
    #[must_use]
    pub const fn at(revision: Revision) -> Self {
        Self { revision, began: revision }
    }

    /// Reads a place that a caller got from us, or a revision.
    ///
    /// # Errors
    /// A problem of type `revision` when `text` is neither.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let Some((revision, began)) = text.split_once('.') else { return Revision::parse(text).map(Self::at) };
        let place = Self { revision: Revision::parse(revision)?, began: Revision::parse(began)? };
        let is_ours = Revision::ZERO < place.revision && place.revision < place.began;
        if is_ours { Ok(place) } else { Err(Revision::problem()) }
    }

    /// Up to which revision its reader has everything.
    #[must_use]
    pub const fn revision(self) -> Revision {
        self.revision
    }

    /// The latest revision of which its reader knows that nothing deleted up to it is among what it has.
    #[must_use]
    pub const fn began(self) -> Revision {
        self.began
    }

    /// Whether its reader has nothing.
    #[must_use]
    pub fn is_start(self) -> bool {
        self == Self::START
    }

    /// The place of the same reader further on, at `revision`, when the user's tasks stand at `now`.
    #[must_use]
    pub fn moved_to(self, revision: Revision, now: Revision) -> Self {
        let began = if self.is_start() { now } else { self.began };
        Self { revision, began: began.max(revision) }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.revision.fmt(f)?;
        if self.revision < self.began { write!(f, ".{}", self.began) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_have_one_spelling() {
        for text in ["0", "7", "7.9", "9223372036854775806.9223372036854775807"] {
            assert_eq!(Position::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "-1",
            "+1",
            "01",
            "1e3",
            "abc",
            ".",
            "7.",
            ".9",
            "0.9",
            "9.9",
            "9.7",
            "7.-9",
            "7.09",
            "7.8.9",
            "7,9",
            "7 .9",
            "٧",
            "9223372036854775808",
            "7.9223372036854775808",
        ] {
            assert_eq!(Position::parse(text).unwrap_err().kind, "revision", "{text}");
        }
    }

    #[test]
    fn a_reader_remembers_where_it_began_until_it_has_passed_that() {
        let text = |position: Position| position.to_string();
        let first = Position::START.moved_to(Revision(3), Revision(8));
        assert_eq!(text(first), "3.8");
        assert_eq!(text(first.moved_to(Revision(5), Revision(9))), "5.8");
        assert_eq!(text(first.moved_to(Revision(8), Revision(9))), "8");
        assert_eq!(text(first.moved_to(Revision(9), Revision(9))), "9");
        assert_eq!(text(Position::at(Revision(3)).moved_to(Revision(5), Revision(9))), "5");
        assert_eq!(text(Position::START.moved_to(Revision(9), Revision(9))), "9");
        assert_eq!(text(Position::START.moved_to(Revision(0), Revision(0))), "0");
    }
}
