//! The values of variables, coerced by the specification's rules (6.1.2) on every request: a document that was
//! validated once runs without the library's own checks.

use std::collections::HashMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, InputValueDefinition, OperationDefinition, Type, TypeKind, TypeSystemDefinition, VariableDefinition,
};
use async_graphql::{Name, Value, Variables};

use crate::error::{Error, Result};
use crate::task::Position;

/// How deep the values of variables may nest.
const MAX_NESTING: usize = 64;

/// The input types of the schema.
#[derive(Debug)]
pub(super) struct InputTypes(HashMap<Name, InputType>);

#[derive(Debug)]
enum InputType {
    Scalar,
    Enum(Vec<Name>),
    Object(Vec<InputValueDefinition>),
    /// Exactly one of the members is there, and not null (`@oneOf`, 3.10.1).
    OneOf(Vec<InputValueDefinition>),
}

impl InputTypes {
    /// Reads them from the schema's text.
    ///
    /// # Errors
    /// `Internal` when the text is no schema, which a test rules out.
    pub(super) fn of(sdl: &str) -> Result<Self> {
        let built_in = ["Int", "Float", "String", "Boolean", "ID"];
        let mut types: HashMap<Name, InputType> =
            built_in.into_iter().map(|name| (Name::new(name), InputType::Scalar)).collect();
        for definition in parse_schema(sdl).map_err(Error::internal)?.definitions {
            let TypeSystemDefinition::Type(ty) = definition else { continue };
            let input = match ty.node.kind {
                TypeKind::Scalar => InputType::Scalar,
                TypeKind::Enum(of) => InputType::Enum(of.values.into_iter().map(|one| one.node.value.node).collect()),
                TypeKind::InputObject(of) => {
                    let members = of.fields.into_iter().map(|one| one.node).collect();
                    let is_one_of = ty.node.directives.iter().any(|directive| directive.node.name.node == "oneOf");
                    if is_one_of { InputType::OneOf(members) } else { InputType::Object(members) }
                }
                TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_) => continue,
            };
            types.insert(ty.node.name.node, input);
        }
        Ok(Self(types))
    }

    /// The values of an operation's variables: those that were given, coerced, and the defaults of those that were
    /// not. What has neither is absent, and what the operation does not know is left out.
    ///
    /// # Errors
    /// `GraphqlValidation` that names the first value which does not fit and its place in it.
    pub(super) fn coerced(&self, operation: &OperationDefinition, given: &Variables) -> Result<Variables> {
        let mut values = Variables::default();
        for definition in &operation.variable_definitions {
            let VariableDefinition { name, var_type, default_value, .. } = &definition.node;
            let (name, ty) = (&name.node, &var_type.node);
            let value = match (given.get(name), default_value) {
                (Some(value), _) => {
                    let place = Place { parent: None, step: name.as_str() };
                    self.value(value, ty, &place).map_err(Error::GraphqlValidation)?
                }
                (None, Some(default)) => default.node.clone(),
                (None, None) if ty.nullable => continue,
                (None, None) => {
                    return Err(Error::GraphqlValidation(format!(
                        "The variable ${name} of type {ty} is required; give it a value in variables."
                    )));
                }
            };
            values.insert(name.clone(), value);
        }
        Ok(values)
    }

    fn value(&self, value: &Value, ty: &Type, place: &Place<'_>) -> Result<Value, String> {
        if place.depth() > MAX_NESTING {
            return Err(format!("The value of ${} nests more than {MAX_NESTING} deep.", place.root()));
        }
        match (value, &ty.base) {
            (Value::Null, _) if ty.nullable => Ok(Value::Null),
            (Value::Null, _) => Err(format!("{place} must not be null: it is of type {ty}.")),
            (Value::List(items), BaseType::List(of)) => {
                let item = |(i, item)| self.value(item, of, &Place { parent: Some(place), step: &format!("{i}") });
                items.iter().enumerate().map(item).collect::<Result<_, _>>().map(Value::List)
            }
            // One value stands for a list of it (3.11).
            (_, BaseType::List(of)) => self.value(value, of, place).map(|item| Value::List(vec![item])),
            (_, BaseType::Named(name)) => match self.0.get(name) {
                Some(InputType::Scalar) => scalar(value, name, place),
                Some(InputType::Enum(values)) => one_of(value, values, name, place),
                Some(InputType::Object(members)) => self.object(value, members, name, place),
                Some(InputType::OneOf(members)) => match self.object(value, members, name, place)? {
                    Value::Object(given) if given.len() == 1 && !given.values().any(|one| *one == Value::Null) => {
                        Ok(Value::Object(given))
                    }
                    _ => Err(format!(
                        "{place} must have exactly one member, which must not be null: it is of type {name}."
                    )),
                },
                None => Err(format!("{place} is of type {name}, which is no input type.")),
            },
        }
    }

    fn object(
        &self,
        value: &Value,
        members: &[InputValueDefinition],
        name: &Name,
        place: &Place<'_>,
    ) -> Result<Value, String> {
        let Value::Object(given) = value else { return Err(misfit(place, name)) };
        if let Some(unknown) = given.keys().find(|key| members.iter().all(|member| member.name.node != **key)) {
            return Err(format!("{place} has the member {unknown}, which {name} does not know."));
        }
        let mut coerced = async_graphql::indexmap::IndexMap::new();
        for InputValueDefinition { name: member, ty, default_value, .. } in members {
            let (member, ty) = (&member.node, &ty.node);
            let value = match (given.get(member), default_value) {
                (Some(value), _) => self.value(value, ty, &Place { parent: Some(place), step: member })?,
                (None, Some(default)) => default.node.clone(),
                (None, None) if ty.nullable => continue,
                (None, None) => return Err(format!("{place} lacks the member {member} of type {ty}.")),
            };
            coerced.insert(member.clone(), value);
        }
        Ok(Value::Object(coerced))
    }
}

/// What each scalar takes (3.5, and the scalars of the schema). Whether an ID is one of a task is for the
/// resolver to say.
fn scalar(value: &Value, name: &Name, place: &Place<'_>) -> Result<Value, String> {
    let fits = match (name.as_str(), value) {
        ("Int", Value::Number(number)) => whole(number).is_some_and(|number| i32::try_from(number).is_ok()),
        ("Float", Value::Number(_)) | ("Boolean", Value::Boolean(_)) => true,
        ("BigInt" | "ID", Value::Number(number)) => whole(number).is_some(),
        ("Int" | "BigInt" | "Float" | "Boolean", _) => false,
        ("Revision", Value::String(text)) => Position::parse(text).is_ok(),
        (_, Value::String(_)) => true,
        _ => false,
    };
    match (fits, value) {
        (false, _) => Err(misfit(place, name)),
        // 1.0 is a whole number in JSON; the library's Int would not take it.
        (true, Value::Number(number)) if name != "Float" => Ok(whole(number).map_or(Value::Null, Value::from)),
        (true, value) => Ok(value.clone()),
    }
}

fn whole(number: &async_graphql::Number) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and far from the bounds of 64 bits")]
    let of_float = |float: f64| (float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0).then_some(float as i64);
    number.as_i64().or_else(|| number.as_f64().filter(|_| number.is_f64()).and_then(of_float))
}

fn one_of(value: &Value, values: &[Name], name: &Name, place: &Place<'_>) -> Result<Value, String> {
    match value {
        Value::String(text) if values.iter().any(|one| one == text.as_str()) => Ok(Value::Enum(Name::new(text))),
        Value::Enum(one) if values.contains(one) => Ok(value.clone()),
        _ => Err(misfit(place, name)),
    }
}

fn misfit(place: &Place<'_>, name: &Name) -> String {
    format!("{place} is not what the type {name} takes.")
}

/// Where a value is within the value of a variable.
struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: &'a str,
}

impl Place<'_> {
    fn depth(&self) -> usize {
        1 + self.parent.map_or(0, Self::depth)
    }

    fn root(&self) -> &str {
        self.parent.map_or(self.step, Self::root)
    }

    fn write(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.parent {
            None => write!(f, "${}", self.step),
            Some(parent) => {
                parent.write(f)?;
                write!(f, ".{}", self.step)
            }
        }
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("The value of ")?;
        self.write(f)
    }
}
