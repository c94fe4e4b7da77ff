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

/// The fields of `Query` that answer a connection. Elsewhere the name means something else.
const CONNECTIONS: [&str; 3] = ["tasks", "taskChanges", "deletedTasks"];

/// The fields that make many changes, and the list in their input. Each change counts as a field of its own would.
const BULK: [(&str, &str); 5] = [
    ("createTasks", "tasks"),
    ("updateTasks", "tasks"),
    ("completeTasks", "ids"),
    ("deleteTasks", "ids"),
    ("changeTasks", "changes"),
];

/// The field that makes as many changes as one may.
const CLEARS: &str = "clearCompletedTasks";

/// The cost of an operation.
///
/// # Errors
/// `TooComplex` when it is more than an operation may cost.
pub(super) fn of(document: &ExecutableDocument, operation: &OperationDefinition, variables: &Variables) -> Result<u32> {
    let mut costs = Costs { document, variables, fragments: HashMap::new() };
    let cost = costs.of_set(&operation.selection_set.node, operation.ty == OperationType::Query);
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
    fragments: HashMap<&'a Name, u32>,
}

impl<'a> Costs<'a> {
    fn of_set(&mut self, set: &'a SelectionSet, on_query: bool) -> u32 {
        set.items.iter().fold(0_u32, |sum, item| {
            sum.saturating_add(match &item.node {
                Selection::Field(field) => self.of_field(&field.node, on_query),
                Selection::InlineFragment(fragment) => self.of_set(&fragment.node.selection_set.node, on_query),
                Selection::FragmentSpread(spread) => self.of_fragment(&spread.node.fragment_name.node),
            })
        })
    }

    fn of_field(&mut self, field: &'a Field, on_query: bool) -> u32 {
        // The schema's own description is bounded by its depth.
        if field.name.node.starts_with("__") {
            return 1;
        }
        let inner = self.of_set(&field.selection_set.node, false);
        if let Some(changes) = self.changes(field) {
            return inner.saturating_add(1).saturating_mul(changes).max(1);
        }
        let is_page = on_query && CONNECTIONS.contains(&field.name.node.as_str());
        let items = if is_page { self.page(field) } else { 1 };
        inner.saturating_mul(items).saturating_add(1)
    }

    /// How many changes a field makes, if it is one that makes many. More than there may be are refused later.
    fn changes(&self, field: &Field) -> Option<u32> {
        let name = field.name.node.as_str();
        if name == CLEARS {
            return u32::try_from(PAGE_MAX).ok();
        }
        let (_, list) = BULK.iter().find(|(bulk, _)| *bulk == name)?;
        let given = match field.get_argument("input").map(|input| &input.node) {
            Some(Value::Variable(variable)) => self.entries_of_variable(variable, Some(list)),
            Some(Value::Object(members)) => match members.get(*list) {
                Some(Value::Variable(variable)) => self.entries_of_variable(variable, None),
                Some(Value::List(entries)) => entries.len(),
                // One value stands for a list of it.
                _ => 1,
            },
            _ => 1,
        };
        u32::try_from(i64::try_from(given).map_or(PAGE_MAX, |given| given.min(PAGE_MAX))).ok()
    }

    /// How many entries the list in a variable has, or the list that is this member of it.
    fn entries_of_variable(&self, variable: &Name, member: Option<&str>) -> usize {
        let value = match (self.variables.get(variable), member) {
            (Some(async_graphql::Value::Object(members)), Some(member)) => members.get(member),
            (value, _) => value,
        };
        match value {
            Some(async_graphql::Value::List(entries)) => entries.len(),
            _ => 1,
        }
    }

    /// The guard has seen to it that no fragment spreads itself.
    fn of_fragment(&mut self, name: &'a Name) -> u32 {
        if let Some(cost) = self.fragments.get(name) {
            return *cost;
        }
        let document = self.document;
        let cost = document.fragments.get(name).map_or(0, |fragment| {
            let on_query = fragment.node.type_condition.node.on.node == "Query";
            self.of_set(&fragment.node.selection_set.node, on_query)
        });
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
        assert_eq!(cost("{...F} fragment F on Query{tasks{nodes{id}}}", none.clone()), Some(101));
        assert_eq!(cost("{...F ...F} fragment F on Query {viewer{id}}", none.clone()), Some(4));
        let list = |n: usize| serde_json::json!({ "input": { "ids": vec!["1"; n] }, "ids": vec!["1"; n] });
        let bulk = "mutation($input:DeleteTasksInput!){deleteTasks(input:$input){deletedTaskIds revision}}";
        let nested = "mutation($ids:[ID!]!){completeTasks(input:{ids:$ids,completed:true}){tasks{id}}}";
        for (n, changes) in [(0, 0), (1, 1), (100, 100), (101, 100)] {
            assert_eq!(cost(bulk, list(n)), Some((changes * 3).max(1)));
            assert_eq!(cost(nested, list(n)), Some((changes * 3).max(1)));
        }
        assert_eq!(
            cost("mutation{createTasks(input:{tasks:[{title:\"a\"},{title:\"b\"}]}){tasks{id title}}}", none.clone()),
            Some(8)
        );
        assert_eq!(cost("mutation{createTasks(input:{tasks:{title:\"a\"}}){tasks{id title}}}", none.clone()), Some(4));
        assert_eq!(cost("mutation{clearCompletedTasks{hasMore}}", none.clone()), Some(200));
        let wide = |n: usize| format!("{{tasks(first:100){{{}}}}}", "totalCount ".repeat(n));
        assert_eq!(cost(&wide(49), none.clone()), Some(4_901));
        assert_eq!(cost(&wide(50), none), None);
    }
}
