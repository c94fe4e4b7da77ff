//! A task and the rules for its parts. No I/O: a value of these types cannot be built wrong.

use std::fmt;

use crate::clock::Timestamp;
use crate::error::Problem;

mod position;

pub use position::Position;

/// A task as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub id: TaskId,
    pub title: String,
    pub description: Option<String>,
    pub completed: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The owner's revision at the last change of this task.
    pub revision: Revision,
}

/// The number of a task, unique over all users: 1 and up, below 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub i64);

impl TaskId {
    /// Reads an id from what a caller sent.
    ///
    /// Digits that no task can have as its id (0, a negative number, 2^63 and above) are an id that names nothing.
    ///
    /// # Errors
    /// A problem of type `int_parsing` when `text` is no whole number.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::new("int_parsing", "a task id is a whole number"));
        }
        Ok(Self(text.parse().unwrap_or(0)))
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a user's tasks stand: a number that rises with every change, in the order in which changes commit.
///
/// 0 is before every change. Callers treat it as an opaque string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub i64);

impl Revision {
    /// Before every change.
    pub const ZERO: Self = Self(0);

    /// Reads a revision that a caller got from us.
    ///
    /// # Errors
    /// A problem of type `revision` when `text` is no number from 0 to 2^63 - 1 in its shortest form.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let value: Option<i64> = text.parse().ok();
        match value {
            Some(value) if value >= 0 && value.to_string() == text => Ok(Self(value)),
            _ => Err(Self::problem()),
        }
    }

    fn problem() -> Problem {
        Problem::new("revision", "a revision is a number as this service gave it out")
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a task is called: 1 to 200 characters, without white space around it and without NUL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// The most characters (Unicode scalar values) that a title may have once it is trimmed.
    pub const MAX_CHARS: usize = 200;

    /// Trims `text` and checks it.
    ///
    /// # Errors
    /// A problem of type `string_too_short`, `string_too_long` or `string_nul`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Problem::new("string_too_short", "must have at least 1 character that is not white space"));
        }
        check_text(text, Self::MAX_CHARS)?;
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// More about a task: at most 1000 characters, kept as sent, without NUL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// The most characters (Unicode scalar values) that a description may have.
    pub const MAX_CHARS: usize = 1000;

    /// Checks `text` and keeps it as it is.
    ///
    /// # Errors
    /// A problem of type `string_too_long` or `string_nul`.
    pub fn parse(text: String) -> Result<Self, Problem> {
        check_text(&text, Self::MAX_CHARS)?;
        Ok(Self(text))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What to look for in titles and descriptions, whatever its case: at most 200 characters, without NUL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search(String);

impl Search {
    /// The most characters (Unicode scalar values) that a search may have.
    pub const MAX_CHARS: usize = 200;

    /// Checks `text`.
    ///
    /// # Errors
    /// A problem of type `string_too_long` or `string_nul`.
    pub fn parse(text: String) -> Result<Self, Problem> {
        check_text(&text, Self::MAX_CHARS)?;
        Ok(Self(text))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_text(text: &str, max_chars: usize) -> Result<(), Problem> {
    // A character has at most four bytes, so most text is short enough without being counted.
    if text.len() > max_chars && text.chars().count() > max_chars {
        return Err(Problem::new("string_too_long", format!("must have at most {max_chars} characters")));
    }
    if text.contains('\0') {
        return Err(Problem::new("string_nul", "must not contain a NUL character"));
    }
    Ok(())
}

/// A task that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    pub title: Title,
    pub description: Option<Description>,
}

/// What to change of a task. `None` leaves a part as it is; a description of `Some(None)` clears it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskPatch {
    pub title: Option<Title>,
    pub description: Option<Option<Description>>,
    pub completed: Option<bool>,
}

impl TaskPatch {
    /// Whether it changes nothing, not even by writing the same value again.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.title.is_none() && self.description.is_none() && self.completed.is_none()
    }
}

/// Text as search and order see it: case folded by Unicode's full mapping (`C` and `F` of `CaseFolding.txt`).
#[must_use]
pub fn fold(text: &str) -> String {
    unicase::UniCase::new(text).to_folded_case()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_trimmed_and_counted_in_characters() {
        assert_eq!(Title::parse(" \u{3000}milk\n").unwrap().as_str(), "milk");
        assert!(Title::parse(&"😀".repeat(200)).is_ok());
        assert_eq!(Title::parse(&"😀".repeat(201)).unwrap_err().kind, "string_too_long");
        assert_eq!(Title::parse(" \t\u{2003}").unwrap_err().kind, "string_too_short");
        assert_eq!(Title::parse("a\0b").unwrap_err().kind, "string_nul");
    }

    #[test]
    fn ids_of_digits_that_name_nothing_are_ids() {
        assert_eq!(TaskId::parse("7").unwrap(), TaskId(7));
        for nothing in ["0", "-1", "9223372036854775808", "-99999999999999999999"] {
            assert!(TaskId::parse(nothing).unwrap().0 <= 0, "{nothing}");
        }
        for text in ["", "abc", "1.5", "+1", "-", "1e3", " 1", "١"] {
            assert!(TaskId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn revisions_have_one_spelling() {
        assert_eq!(Revision::parse("0").unwrap(), Revision::ZERO);
        for text in ["", "-1", "+1", "01", "1.0", "9223372036854775808", "abc"] {
            assert!(Revision::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn folding_is_unicodes_full_mapping() {
        assert_eq!(fold("STRASSE"), fold("straße"));
        assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("σίσυφος"));
        assert_eq!(fold("İ"), "i\u{307}");
    }
}
