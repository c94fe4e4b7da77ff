//! Whether answers have to be merged: `{ tasks { nodes { id } } tasks { nodes { title } } }` is one list of objects with
//! two members (GraphQL specification, 6.3.2), which the library puts together after it has resolved each.

use std::collections::HashSet;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

/// Whether a selection set of an operation has two fields with the same response key, and selections of their own.
/// Fragments are expanded, so the document has to be within bounds.
pub(super) fn is_needed(document: &ExecutableDocument) -> bool {
    let mut sets = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    sets.any(|set| repeats(document, set, &mut HashSet::new()))
}

fn repeats<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, keys: &mut HashSet<&'a str>) -> bool {
    set.items.iter().any(|item| match &item.node {
        Selection::Field(field) => {
            let selections = &field.node.selection_set.node;
            let key = field.node.response_key().node.as_str();
            !selections.items.is_empty() && (!keys.insert(key) || repeats(document, selections, &mut HashSet::new()))
        }
        Selection::InlineFragment(fragment) => repeats(document, &fragment.node.selection_set.node, keys),
        Selection::FragmentSpread(spread) => document
            .fragments
            .get(&spread.node.fragment_name.node)
            .is_some_and(|fragment| repeats(document, &fragment.node.selection_set.node, keys)),
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn only_objects_that_share_a_key_are_merged() {
        for (text, expected) in [
            ("{ tasks { nodes { id title } } }", false),
            ("{ tasks { nodes { id id } } }", false),
            ("{ a: tasks { nodes { id } } b: tasks { nodes { id } } }", false),
            ("{ tasks { nodes { id } edges { node { id } } } }", false),
            ("{ tasks { nodes { id } nodes { title } } }", true),
            ("{ a: tasks { nodes { id } } a: tasks { nodes { title } } }", true),
            ("{ tasks { nodes { id } ...F } } fragment F on TaskConnection { nodes { title } }", true),
            ("{ tasks { ... { nodes { id } } ... @include(if: true) { nodes { title } } } }", true),
            ("{ tasks { ...F } } fragment F on TaskConnection { nodes { title } }", false),
            ("query A { tasks { nodes { id } } } query B { viewer { id } viewer { revision } }", true),
            ("query B { a: viewer { taskCounts { total } } a: viewer { taskCounts { pending } } }", true),
        ] {
            assert_eq!(is_needed(&parse_query(text).unwrap()), expected, "{text}");
        }
    }
}
