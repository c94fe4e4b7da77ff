//! The bounds of a parsed document, counted in linear time and before the library's validation, whose cost grows with
//! the expanded document: fragments that spread fragments twice each double it at every step. Here a fragment is
//! measured once, and its measure is added wherever it is spread.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Positioned};

use crate::error::{Error, Result};

/// How large an operation may be, fragments expanded.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    depth: u32,
    aliases: u32,
    root_fields: u32,
    directives: u32,
    /// Fields and spreads together.
    selections: u32,
}

const BOUNDS: Bounds = Bounds { depth: 12, aliases: 30, root_fields: 10, directives: 50, selections: 1_000 };

/// What asks for the schema itself and nothing else goes deeper by nature: a type of a list of a type.
const INTROSPECTION: Bounds = Bounds { depth: 20, aliases: 30, root_fields: 10, directives: 50, selections: 5_000 };

/// The lists of a type's description. Nested, they answer the schema times itself, so GraphQL's reference
/// implementation bounds them too (`MaxIntrospectionDepthRule`).
const SCHEMA_LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];
const MAX_SCHEMA_LISTS: u32 = 2;

/// The size of a selection set, fragments expanded.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    depth: u32,
    aliases: u32,
    /// Fields at the top of the set.
    fields: u32,
    directives: u32,
    selections: u32,
    /// Lists of the schema's description within each other.
    schema_lists: u32,
    /// Whether every field at the top is an introspection field.
    introspects_only: bool,
    /// Whether a field at the top asks for the schema.
    introspects: bool,
}

impl Size {
    const EMPTY: Self = Self {
        depth: 0,
        aliases: 0,
        fields: 0,
        directives: 0,
        selections: 0,
        schema_lists: 0,
        introspects_only: true,
        introspects: false,
    };

    fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.fields = self.fields.saturating_add(other.fields);
        self.directives = self.directives.saturating_add(other.directives);
        self.selections = self.selections.saturating_add(other.selections);
        self.schema_lists = self.schema_lists.max(other.schema_lists);
        self.introspects_only &= other.introspects_only;
        self.introspects |= other.introspects;
    }
}

/// What the guard found out about a document that is within bounds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Findings {
    /// Whether an operation asks for the schema itself.
    pub(super) introspects: bool,
    /// Whether an operation has directives.
    pub(super) directs: bool,
}

/// Refuses a document with an operation that is too large.
///
/// # Errors
/// `TooComplex`, naming the bound; `GraphqlValidation` when fragments spread themselves.
pub(super) fn check(document: &ExecutableDocument) -> Result<Findings> {
    let mut sizes = Sizes { document, fragments: HashMap::new() };
    let mut findings = Findings::default();
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let mut size = sizes.of_set(&operation.selection_set.node)?;
        let on_variables: usize = operation.variable_definitions.iter().map(|one| one.node.directives.len()).sum();
        size.directives = size.directives.saturating_add(count(operation.directives.len() + on_variables));
        let bounds = if size.introspects_only { INTROSPECTION } else { BOUNDS };
        within("levels of fields", size.depth, bounds.depth)?;
        within("aliases", size.aliases, bounds.aliases)?;
        within("root fields", size.fields, bounds.root_fields)?;
        within("directives", size.directives, bounds.directives)?;
        within("fields and fragments", size.selections, bounds.selections)?;
        if size.introspects {
            within("lists of the schema in each other", size.schema_lists, MAX_SCHEMA_LISTS)?;
        }
        findings.introspects |= size.introspects;
        findings.directs |= size.directives > 0;
    }
    // Those that no operation spreads are validated too.
    for name in document.fragments.keys() {
        let size = sizes.of_fragment(name)?;
        within("fields and fragments", size.selections, INTROSPECTION.selections)?;
        within("directives", size.directives, BOUNDS.directives)?;
    }
    Ok(findings)
}

fn within(what: &str, size: u32, bound: u32) -> Result<()> {
    if size <= bound {
        return Ok(());
    }
    Err(Error::TooComplex(format!("The operation has more than {bound} {what}, fragments expanded.")))
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

struct Sizes<'a> {
    document: &'a ExecutableDocument,
    /// `None` while a fragment is being measured: it spreads itself when it is met again.
    fragments: HashMap<&'a Name, Option<Size>>,
}

impl<'a> Sizes<'a> {
    fn of_set(&mut self, set: &'a SelectionSet) -> Result<Size> {
        let mut total = Size::EMPTY;
        for item in &set.items {
            total.add(self.of_selection(item)?);
        }
        Ok(total)
    }

    fn of_selection(&mut self, item: &'a Positioned<Selection>) -> Result<Size> {
        let (mut size, directives) = match &item.node {
            Selection::Field(field) => {
                let field = &field.node;
                let name = field.name.node.as_str();
                let inner = self.of_set(&field.selection_set.node)?;
                let size = Size {
                    depth: inner.depth + 1,
                    aliases: inner.aliases.saturating_add(u32::from(field.alias.is_some())),
                    fields: 1,
                    schema_lists: inner.schema_lists + u32::from(SCHEMA_LISTS.contains(&name)),
                    introspects_only: name.starts_with("__"),
                    introspects: matches!(name, "__schema" | "__type"),
                    ..inner
                };
                (size, &field.directives)
            }
            Selection::InlineFragment(fragment) => {
                (self.of_set(&fragment.node.selection_set.node)?, &fragment.node.directives)
            }
            Selection::FragmentSpread(spread) => {
                (self.of_fragment(&spread.node.fragment_name.node)?, &spread.node.directives)
            }
        };
        size.selections = size.selections.saturating_add(1);
        size.directives = size.directives.saturating_add(count(directives.len()));
        Ok(size)
    }

    fn of_fragment(&mut self, name: &Name) -> Result<Size> {
        // An unknown fragment is for validation to name.
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return Ok(Size::EMPTY) };
        match self.fragments.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(Error::GraphqlValidation(format!("The fragment {name} spreads itself."))),
            None => {}
        }
        self.fragments.insert(name, None);
        let mut size = self.of_set(&fragment.node.selection_set.node)?;
        size.directives = size.directives.saturating_add(count(fragment.node.directives.len()));
        self.fragments.insert(name, Some(size));
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn refusal(text: &str) -> String {
        check(&parse_query(text).unwrap()).map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn each_bound_holds_at_its_edge() {
        let fields = |n: usize, field: &str| (0..n).map(|i| field.replace('#', &i.to_string())).collect::<String>();
        assert_eq!(refusal(&format!("{{{}}}", fields(10, "f# "))), "");
        assert!(refusal(&format!("{{{}}}", fields(11, "f# "))).contains("10 root fields"));
        assert_eq!(refusal(&format!("{{a{{{}}}}}", fields(30, "b#: f "))), "");
        assert!(refusal(&format!("{{a{{{}}}}}", fields(31, "b#: f "))).contains("30 aliases"));
        assert_eq!(refusal(&format!("{{a{}}}", " @x".repeat(50))), "");
        assert!(refusal(&format!("{{a{}}}", " @x".repeat(51))).contains("50 directives"));
    }

    #[test]
    fn depth_counts_fields_through_fragments() {
        let nested = |n: usize| format!("{}a{}", "a{".repeat(n - 1), "}".repeat(n - 1));
        assert_eq!(refusal(&format!("{{{}}}", nested(12))), "");
        assert!(refusal(&format!("{{{}}}", nested(13))).contains("12 levels"));
        assert!(refusal(&format!("{{a{{...F}}}} fragment F on T {{{}}}", nested(12))).contains("12 levels"));
        assert_eq!(refusal(&format!("{{...F}} fragment F on T {{...{{{}}}}}", nested(12))), "");
    }

    #[test]
    fn what_asks_for_the_schema_may_go_deeper() {
        let nested = |root: &str| format!("{{{root}{{{}a{}}}}}", "a{".repeat(15), "}".repeat(15));
        assert_eq!(refusal(&nested("__schema")), "");
        assert!(refusal(&nested("tasks")).contains("12 levels"));
        assert!(refusal(&nested("__schema").replacen('{', "{viewer{id} ", 1)).contains("12 levels"));
    }

    #[test]
    fn the_schema_is_not_answered_times_itself() {
        let nested = |n: usize| format!("{{__schema{{types{{{}name{}}}}}}}", "fields{type{".repeat(n), "}}".repeat(n));
        assert_eq!(refusal(&nested(2)), "");
        assert!(refusal(&nested(3)).contains("2 lists of the schema"));
    }

    #[test]
    fn a_bomb_of_fragments_is_counted_without_being_expanded() {
        let fragments = (0..60).map(|i| format!("fragment F{i} on T {{...F{0} ...F{0}}} ", i + 1));
        let bomb = fragments.collect::<Vec<_>>().concat();
        let text = format!("{{...F0}} {bomb} fragment F60 on T {{a}}");
        assert!(refusal(&text).contains("10 root fields"));
        let hidden = format!("{{a}} {bomb} fragment F60 on T {{a}}");
        assert!(refusal(&hidden).contains("fields and fragments"));
    }

    #[test]
    fn fragments_that_spread_themselves_are_named() {
        assert!(refusal("{...A} fragment A on T {...B} fragment B on T {...A}").contains("spreads itself"));
        assert!(refusal("{a} fragment A on T {a{...A}}").contains("spreads itself"));
        assert_eq!(refusal("{...Unknown}"), "");
    }
}
