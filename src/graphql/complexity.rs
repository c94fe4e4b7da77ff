//! How much work an operation may be: a field costs 1, and what a connection selects counts as often as it may have
//! items. Fragments are measured once each, so it takes linear time.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Variables};
use async_graphql_value::Value;

use crate::error::{Error, Result};

/// The most that an operation may cost.
pub const MAX: u32 = 5_000;

/// The most items that a page has, and how many it has when nobody says.
const PAGE_MAX: i64 = 100;
const PAGE_DEFAULT: i64 = 50;

/// The fields that answer a connection. In a subscription they answer one thing at a time.
const CONNECTIONS: [&str; 3] = ["tasks", "taskChanges", "deletedTasks"];

/// The cost of an operation.
///
/// # Errors
/// `TooComplex` when it is more than an operation may cost.
pub(super) fn of(document: &ExecutableDocument, operation: &OperationDefinition, variables: &Variables) -> Result<u32> {
    let is_one_at_a_time = operation.ty == OperationType::Subscription;
    let mut costs = Costs { document, variables, is_one_at_a_time, fragments: HashMap::new() };
    let cost = costs.of_set(&operation.selection_set.node);
    if cost > MAX {
        return Err(Error::TooComplex(format!(
            "The operation costs {cost} points, of at most {MAX}; a field costs 1, and a list as often as it may have \
             items. Ask for fewer fields or for shorter lists."
        )));
    }
    Ok(cost)
}

struct Costs<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    is_one_at_a_time: bool,
    fragments: HashMap<&'a Name, u32>,
}

impl<'a> Costs<'a> {
    fn of_set(&mut self, set: &'a SelectionSet) -> u32 {
        set.items.iter().fold(0_u32, |sum, item| {
            sum.saturating_add(match &item.node {
                Selection::Field(field) => self.of_field(&field.node),
                Selection::InlineFragment(fragment) => self.of_set(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.of_fragment(&spread.node.fragment_name.node),
            })
        })
    }

    fn of_field(&mut self, field: &'a Field) -> u32 {
        // The schema's own description is bounded by its depth.
        if field.name.node.starts_with("__") {
            return 1;
        }
        let inner = self.of_set(&field.selection_set.node);
        let is_list = !self.is_one_at_a_time && CONNECTIONS.contains(&field.name.node.as_str());
        let items = if is_list { self.page(field) } else { 1 };
        inner.saturating_mul(items).saturating_add(1)
    }

    /// The guard has seen to it that no fragment spreads itself.
    fn of_fragment(&mut self, name: &'a Name) -> u32 {
        if let Some(cost) = self.fragments.get(name) {
            return *cost;
        }
        let document = self.document;
        let cost = document.fragments.get(name).map_or(0, |fragment| self.of_set(&fragment.node.selection_set.node));
        self.fragments.insert(name, cost);
        cost
    }

    /// How many items a page may have. What is out of range is refused later, and must not count as less than nothing.
    fn page(&self, field: &Field) -> u32 {
        let given = ["first", "last"].into_iter().find_map(|name| match &field.get_argument(name)?.node {
            Value::Variable(variable) => match self.variables.get(variable)? {
                async_graphql::Value::Number(number) => number.as_i64(),
                _ => None,
            },
            Value::Number(number) => number.as_i64(),
            _ => None,
        });
        u32::try_from(given.unwrap_or(PAGE_DEFAULT).clamp(0, PAGE_MAX)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn cost(text: &str, variables: serde_json::Value) -> Option<u32> {
        let document = parse_query(text).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        of(&document, &operation.node, &Variables::from_json(variables)).ok()
    }

    #[test]
    fn lists_count_as_often_as_they_may_have_items() {
        let none = serde_json::json!({});
        assert_eq!(cost("{viewer{id revision}}", none.clone()), Some(3));
        assert_eq!(cost("{tasks{nodes{id}}}", none.clone()), Some(1 + 50 * 2));
        assert_eq!(cost("{tasks(first:100){nodes{id title}}}", none.clone()), Some(1 + 100 * 3));
        assert_eq!(cost("{tasks(first:-5){nodes{id}}}", none.clone()), Some(1));
        assert_eq!(cost("{tasks(last:2147483647){nodes{id}}}", none.clone()), Some(201));
        assert_eq!(cost("{taskChanges(after:\"0\",first:10){nodes{__typename}}}", none.clone()), Some(21));
        assert_eq!(cost("subscription{taskChanges{...on TaskUpserted{task{id}}}}", none.clone()), Some(3));
        let text = "query($n:Int){tasks(first:$n){nodes{id}}}";
        assert_eq!(cost(text, serde_json::json!({ "n": 10 })), Some(21));
        assert_eq!(cost(text, none.clone()), Some(101));
        assert_eq!(cost("{...F ...F} fragment F on Query {viewer{id}}", none.clone()), Some(4));
        let wide = |n: usize| format!("{{tasks(first:100){{{}}}}}", "totalCount ".repeat(n));
        assert_eq!(cost(&wide(49), none.clone()), Some(4_901));
        assert_eq!(cost(&wide(50), none), None);
    }
}
