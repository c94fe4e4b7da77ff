//! What a row of text is as a task, or why it is none.

use super::time;
use crate::store::source::{Cells, FIELDS, MOST_BYTES};
use crate::store::{Incoming, Origin};
use crate::task::{Description, TaskId, Title};
use crate::user::UserId;

/// The most characters that an id may have which is not kept.
const LONGEST_ID: usize = 255;

/// The first number that is no id: clients in JavaScript cannot tell it from the next one.
const TOO_GREAT: i64 = 1 << 53;

/// Holds a row against the rules. `keeps_ids`: ids are whole numbers.
///
/// # Errors
/// The field and what is wrong with it.
pub(super) fn check(cells: &Cells, keeps_ids: bool) -> Result<Incoming, String> {
    let [id, user, title, description, completed, created_at, updated_at] = texts(cells)?;
    let created_at = instant(FIELDS[5], required(FIELDS[5], created_at)?)?;
    Ok(Incoming {
        origin: origin(required(FIELDS[0], id)?, keeps_ids)?,
        user: UserId::parse(required(FIELDS[1], user)?)
            .ok_or_else(|| of(FIELDS[1], "must have 1 to 255 characters, none of them a control character"))?,
        title: Title::parse(required(FIELDS[2], title)?).map_err(|problem| of(FIELDS[2], &problem.msg))?,
        description: description
            .map(|text| Description::parse(text.to_owned()))
            .transpose()
            .map_err(|problem| of(FIELDS[3], &problem.msg))?,
        completed: flag(required(FIELDS[4], completed)?)?,
        created_at,
        updated_at: updated_at.map_or(Ok(created_at), |text| instant(FIELDS[6], text))?,
    })
}

/// What a row is called in a report, as far as it can be.
pub(super) fn name(cells: &Cells) -> String {
    let id = cells.first().and_then(Option::as_deref).unwrap_or_default();
    let shown: String = String::from_utf8_lossy(id).chars().filter(|one| !one.is_control()).take(LONGEST_ID).collect();
    if shown.is_empty() { "a row without an id".to_owned() } else { format!("id {shown}") }
}

fn of(field: &str, reason: &str) -> String {
    format!("{field}: {reason}")
}

fn texts(cells: &Cells) -> Result<[Option<&str>; FIELDS.len()], String> {
    let mut texts = [None; FIELDS.len()];
    for (place, cell) in cells.iter().enumerate() {
        let Some(bytes) = cell else { continue };
        texts[place] = match std::str::from_utf8(bytes) {
            Ok(text) => Some(text),
            // It was cut within a character.
            Err(error) if bytes.len() >= MOST_BYTES && error.error_len().is_none() => {
                std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()
            }
            Err(_) => return Err(of(FIELDS[place], "is not UTF-8")),
        };
    }
    Ok(texts)
}

fn required<'a>(field: &str, text: Option<&'a str>) -> Result<&'a str, String> {
    text.ok_or_else(|| of(field, "is missing"))
}

fn origin(text: &str, keeps_ids: bool) -> Result<Origin, String> {
    if keeps_ids {
        let id = text.parse().ok().filter(|id| (1..TOO_GREAT).contains(id));
        return id.map(|id| Origin::Kept(TaskId(id))).ok_or_else(|| of(FIELDS[0], "must be from 1 to 2^53 - 1"));
    }
    if text.is_empty() || text.contains('\0') || text.chars().count() > LONGEST_ID {
        return Err(of(FIELDS[0], "must have 1 to 255 characters"));
    }
    Ok(Origin::Foreign(text.to_owned()))
}

fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" => Ok(true),
        "false" | "f" | "0" => Ok(false),
        _ => Err(of(FIELDS[4], "is neither true nor false")),
    }
}

fn instant(field: &str, text: &str) -> Result<crate::clock::Timestamp, String> {
    time::parse(text).ok_or_else(|| of(field, "is no time between the years 0 and 9999"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: [Option<&str>; FIELDS.len()]) -> Cells {
        cells.map(|cell| cell.map(|text| text.as_bytes().to_vec()))
    }

    const GOOD: [Option<&str>; FIELDS.len()] =
        [Some("7"), Some("ann"), Some(" Milk "), None, Some("1"), Some("2026-01-09 10:00:00"), None];

    #[test]
    fn a_row_is_a_task() {
        let task = check(&row(GOOD), true).unwrap();
        assert_eq!((task.origin, task.title.as_str(), task.completed), (Origin::Kept(TaskId(7)), "Milk", true));
        assert_eq!(task.updated_at, task.created_at);
        assert_eq!(check(&row(GOOD), false).unwrap().origin, Origin::Foreign("7".to_owned()));
    }

    #[test]
    fn what_breaks_a_rule_is_told_and_not_mended() {
        let long = "x".repeat(1001);
        let with = |field: usize, text| {
            let mut cells = GOOD;
            cells[field] = text;
            check(&row(cells), true).unwrap_err()
        };
        let told = [
            with(0, Some("0")),
            with(0, Some("9007199254740992")),
            with(1, Some("a\nb")),
            with(1, None),
            with(2, Some(" ")),
            with(2, Some(&long[..201])),
            with(2, Some("a\0b")),
            with(3, Some(&long)),
            with(4, Some("2")),
            with(4, None),
            with(5, Some("infinity")),
            with(6, Some("yesterday")),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        id: must be from 1 to 2^53 - 1
        id: must be from 1 to 2^53 - 1
        user_id: must have 1 to 255 characters, none of them a control character
        user_id: is missing
        title: must have at least 1 character that is not white space
        title: must have at most 200 characters
        title: must not contain a NUL character
        description: must have at most 1000 characters
        completed: is neither true nor false
        completed: is missing
        created_at: is no time between the years 0 and 9999
        updated_at: is no time between the years 0 and 9999
        ");
        let mut cells = row(GOOD);
        cells[2] = Some(vec![0xff]);
        assert_eq!(check(&cells, true).unwrap_err(), "title: is not UTF-8");
    }

    #[test]
    fn a_row_is_called_by_its_id_and_nothing_else() {
        assert_eq!(name(&row(GOOD)), "id 7");
        assert_eq!(name(&row([None; FIELDS.len()])), "a row without an id");
        assert_eq!(name(&row([Some("a\u{1b}[2J"), None, None, None, None, None, None])), "id a[2J");
    }
}
