//! Which table holds the tasks, and which of its columns what.

use crate::store::source::{FIELDS, Selection, Table};

/// What tables of tasks are called.
const TABLES: [&str; 2] = ["task", "tasks"];

/// What columns are called beside the name of their field.
const ALSO: [(&str, &[&str]); 2] = [("user_id", &["owner_id"]), ("completed", &["is_completed"])];

/// Fields that a table may lack: there is no description, and the last change is the creation.
const OPTIONAL: [&str; 2] = ["description", "updated_at"];

/// A column that only taskgate's own table has.
const OURS: &str = "title_folded";

/// The names that somebody has given for the fields, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names([Option<String>; FIELDS.len()]);

impl Names {
    /// Reads `<field>=<column>`, each at most once for a field.
    ///
    /// # Errors
    /// A sentence that says what to write.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut names = Self::default();
        for pair in pairs {
            let given = pair.split_once('=').filter(|(_, column)| !column.is_empty());
            let place =
                given.and_then(|(field, column)| Some((FIELDS.iter().position(|known| *known == field)?, column)));
            let Some((place, column)) = place else {
                return Err(format!(
                    "--column {pair}: write <field>=<column>, the field one of {}.",
                    FIELDS.join(", ")
                ));
            };
            if names.0[place].replace(column.to_owned()).is_some() {
                return Err(format!("--column: {} is there twice.", FIELDS[place]));
            }
        }
        Ok(names)
    }

    /// The column of each field among `there`.
    ///
    /// # Errors
    /// What is missing, or which columns could be meant; without the table's name.
    pub fn find(&self, there: &[&str]) -> Result<[Option<usize>; FIELDS.len()], String> {
        let mut found = [None; FIELDS.len()];
        for (place, field) in FIELDS.into_iter().enumerate() {
            let named: Vec<&str> = match &self.0[place] {
                Some(name) => vec![name],
                None => std::iter::once(field).chain(others(field)).collect(),
            };
            let fitting: Vec<usize> =
                named.iter().filter_map(|name| there.iter().position(|one| one == name)).collect();
            found[place] = match fitting[..] {
                [] if OPTIONAL.contains(&field) && self.0[place].is_none() => None,
                [] => {
                    let (named, there) = (named.join(" or "), there.join(", "));
                    return Err(format!(
                        "has no column {named}; it has {there}. Name the one with --column {field}=<column>"
                    ));
                }
                [one] => Some(one),
                [..] => {
                    let named = fitting.iter().map(|at| there[*at]).collect::<Vec<_>>().join(" and ");
                    return Err(format!("has {named}; say which one with --column {field}=<column>"));
                }
            };
        }
        Ok(found)
    }

    /// The names that a field may have, the likeliest first.
    pub(super) fn of<'a>(&'a self, place: usize) -> impl Iterator<Item = &'a str> {
        let (given, field): (_, &'a str) = (self.0[place].as_deref(), FIELDS[place]);
        given.or(Some(field)).into_iter().chain(others(field).filter(move |_| given.is_none()))
    }
}

fn others(field: &str) -> impl Iterator<Item = &str> {
    ALSO.into_iter().filter(move |(known, _)| *known == field).flat_map(|(_, names)| names.iter().copied())
}

/// The table of tasks among those of a database, by the name that was given or by those that are usual.
///
/// # Errors
/// A sentence that says what there is and what to write.
pub fn choose(tables: &[Table], name: Option<&str>, columns: &Names) -> Result<Selection, String> {
    let list = |tables: &[&Table]| tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>().join(", ");
    let is_meant = |table: &&Table| match name {
        Some(name) => table.name == name,
        None => TABLES.contains(&table.name.as_str()),
    };
    let is_ours = |table: &Table| table.columns.iter().any(|column| column.name == OURS);
    let (ours, meant): (Vec<&Table>, Vec<&Table>) = tables.iter().filter(is_meant).partition(|table| is_ours(table));
    let table = match (&meant[..], &ours[..]) {
        ([one], _) => (*one).clone(),
        ([], [_, ..]) => {
            return Err("The table there is taskgate's own; move tasks from one taskgate to another with \
                        `taskgate export` and `taskgate import`."
                .to_owned());
        }
        ([], []) if tables.is_empty() => return Err("There are no tables in the database of --from.".to_owned()),
        ([], []) => {
            let named = name.map_or_else(|| TABLES.join(" or "), str::to_owned);
            return Err(format!(
                "There is no table {named}; there are {}. Name the one with --table.",
                list(&tables.iter().collect::<Vec<_>>())
            ));
        }
        (several, _) => return Err(format!("There are {}; say which one with --table.", list(several))),
    };
    let there: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let columns = columns.find(&there).map_err(|reason| format!("The table {} {reason}.", table.name))?;
    Ok(Selection { table, columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_go_by_their_usual_names_or_by_those_given() {
        let usual = ["title", "description", "id", "user_id", "completed", "created_at", "updated_at"];
        let places = Names::default().find(&usual).unwrap();
        assert_eq!(places, [Some(2), Some(3), Some(0), Some(1), Some(4), Some(5), Some(6)]);
        let places = Names::default().find(&["id", "owner_id", "title", "is_completed", "created_at"]).unwrap();
        assert_eq!(places, [Some(0), Some(1), Some(2), None, Some(3), Some(4), None]);
        let names = Names::parse(["user_id=account", "completed=done"]).unwrap();
        let places = names.find(&["id", "account", "owner_id", "title", "done", "created_at"]).unwrap();
        assert_eq!(places, [Some(0), Some(1), Some(3), None, Some(4), Some(5), None]);
    }

    #[test]
    fn a_column_that_is_missing_or_there_twice_is_told() {
        let find =
            |names: &[&str], there: &[&str]| Names::parse(names.iter().copied()).unwrap().find(there).unwrap_err();
        insta::assert_snapshot!(find(&[], &["id", "title", "done"]), @"has no column user_id or owner_id; it has id, title, done. Name the one with --column user_id=<column>");
        insta::assert_snapshot!(find(&[], &["id", "user_id", "owner_id", "title"]), @"has user_id and owner_id; say which one with --column user_id=<column>");
        insta::assert_snapshot!(find(&["description=notes"], &["id", "user_id", "title", "description"]), @"has no column notes; it has id, user_id, title, description. Name the one with --column description=<column>");
    }

    #[test]
    fn names_are_given_once_and_for_fields_that_there_are() {
        for pairs in [&["owner=x"][..], &["title"], &["title="], &["title=a", "title=b"]] {
            assert!(Names::parse(pairs.iter().copied()).unwrap_err().starts_with("--column"), "{pairs:?}");
        }
    }
}
