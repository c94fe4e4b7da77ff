//! Cursors: a place in a list, opaque to callers, bound to the list's order and filter.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Timestamp;
use crate::error::Problem;
use crate::store::{Direction, Filter, Key, SortField, SortKey};
use crate::task::{TaskId, fold};

/// Changes when the bytes of a cursor change their meaning; an old cursor is then refused, not misread.
const VERSION: u8 = 1;

/// The bytes before the sort key: version, order, eight bytes of the filter's hash, the id.
const HEAD: usize = 1 + 1 + 8 + 8;

/// The list that a cursor belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    field: SortField,
    direction: Direction,
    filter: [u8; 8],
}

impl List {
    pub(super) fn new(field: SortField, direction: Direction, filter: &Filter) -> Self {
        let status = match filter.completed {
            None => "all",
            Some(false) => "pending",
            Some(true) => "completed",
        };
        let search = filter.search.as_ref().map(|search| fold(search.as_str())).unwrap_or_default();
        let hash = digest(&SHA256, format!("{status}\0{search}").as_bytes());
        let mut short = [0; 8];
        short.copy_from_slice(&hash.as_ref()[..8]);
        Self { field, direction, filter: short }
    }

    const fn order(&self) -> u8 {
        let field = match self.field {
            SortField::CreatedAt => 0,
            SortField::UpdatedAt => 2,
            SortField::Title => 4,
        };
        field + matches!(self.direction, Direction::Descending) as u8
    }

    /// The cursor of a place in this list.
    pub(super) fn encode(&self, key: &Key) -> String {
        let mut bytes = Vec::with_capacity(HEAD + 8);
        bytes.extend([VERSION, self.order()]);
        bytes.extend(self.filter);
        bytes.extend(key.id.0.to_be_bytes());
        match &key.sort {
            SortKey::Time(time) => bytes.extend(time.as_micros().to_be_bytes()),
            SortKey::Title(title) => bytes.extend(title.as_bytes()),
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place that a cursor stands for.
    ///
    /// # Errors
    /// A problem of type `cursor` when it is none of ours, or one of another list.
    pub(super) fn decode(&self, cursor: &str) -> Result<Key, Problem> {
        let none_of_ours = || Problem::new("cursor", "is not a cursor that this service gave out");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| none_of_ours())?;
        let (head, sort) = bytes.split_at_checked(HEAD).ok_or_else(none_of_ours)?;
        let (list, id) = head.split_at(HEAD - 8);
        if list[0] != VERSION {
            return Err(none_of_ours());
        }
        if list[1] != self.order() || list[2..] != self.filter {
            return Err(Problem::new("cursor", "belongs to a list with another order or filter; start without it"));
        }
        let number = |bytes: &[u8]| bytes.try_into().map(i64::from_be_bytes).map_err(|_| none_of_ours());
        let sort = match self.field {
            // A title has no NUL, and PostgreSQL takes none.
            SortField::Title => match std::str::from_utf8(sort) {
                Ok(title) if !title.contains('\0') => SortKey::Title(title.to_owned()),
                _ => return Err(none_of_ours()),
            },
            SortField::CreatedAt | SortField::UpdatedAt => {
                SortKey::Time(Timestamp::from_stored_micros(number(sort)?).ok_or_else(none_of_ours)?)
            }
        };
        Ok(Key { sort, id: TaskId(number(id)?) })
    }
}

/// For the fuzz target: what is read as a cursor is written as the same one.
#[cfg(fuzzing)]
pub(super) fn fuzz(text: &str) {
    for field in [SortField::CreatedAt, SortField::UpdatedAt, SortField::Title] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let list = List::new(field, direction, &Filter::default());
            if let Ok(key) = list.decode(text) {
                assert_eq!(list.encode(&key), text);
            }
        }
    }
}
