//! JSON Lines: an object a line, whose members are called as columns are.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::columns::Names;
use super::input::{Raw, line};
use crate::error::Cause;
use crate::store::source::{Cells, FIELDS};

/// Reads the rows of a file until `push` wants no more.
pub(super) fn read(mut reader: impl BufRead, names: &Names, mut push: impl FnMut(Raw) -> bool) -> Result<(), Cause> {
    let mut number = 0;
    while let Some(read) = line(&mut reader)? {
        number += 1;
        let text = match read {
            Ok(text) if text.trim_ascii().is_empty() => continue,
            read => read,
        };
        let object = text.and_then(|text| {
            let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
            serde_json::from_slice::<Map<String, Value>>(text).map_err(|_| "is no JSON object".to_owned())
        });
        let keeps_id = object.as_ref().is_ok_and(|object| member(object, names, 0).is_some_and(Value::is_number));
        let cells = object.and_then(|object| cells(&object, names));
        if !push(Raw { line: Some(number), keeps_id, cells }) {
            break;
        }
    }
    Ok(())
}

fn member<'a>(object: &'a Map<String, Value>, names: &Names, place: usize) -> Option<&'a Value> {
    names.of(place).find_map(|name| object.get(name))
}

fn cells(object: &Map<String, Value>, names: &Names) -> Result<Cells, String> {
    let mut cells = Cells::default();
    for (place, cell) in cells.iter_mut().enumerate() {
        *cell = match member(object, names, place) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.as_bytes().to_vec()),
            Some(value @ (Value::Bool(_) | Value::Number(_))) => Some(value.to_string().into_bytes()),
            Some(Value::Array(_) | Value::Object(_)) => return Err(format!("{}: is no text", FIELDS[place])),
        };
    }
    Ok(cells)
}
