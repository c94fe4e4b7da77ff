//! `@oneOf` where a document writes the object itself (5.6.5 and 5.8.5 of the specification). The library looks at it only
//! where no variable is in the argument, and apollo-compiler not at all; execution would, when an earlier mutation of
//! the same document has run.

use apollo_compiler::ast::Value;
use apollo_compiler::executable::Operation;
use apollo_compiler::{ExecutableDocument, Name, Node, Schema};

/// Looks at every argument of a document that is valid otherwise.
///
/// # Errors
/// The first object that is not exactly one, as a sentence.
pub(super) fn check(schema: &Schema, document: &ExecutableDocument) -> Result<(), String> {
    for operation in document.operations.iter() {
        for field in operation.all_fields(document) {
            for argument in &field.arguments {
                if let Some(definition) = field.definition.argument_by_name(&argument.name) {
                    check_value(schema, operation, &argument.value, definition.ty.inner_named_type())?;
                }
            }
        }
    }
    Ok(())
}

fn check_value(schema: &Schema, operation: &Operation, value: &Value, ty: &Name) -> Result<(), String> {
    match value {
        Value::List(items) => items.iter().try_for_each(|item| check_value(schema, operation, item, ty)),
        Value::Object(members) => {
            let Some(object) = schema.get_input_object(ty) else { return Ok(()) };
            if object.directives.has("oneOf") {
                check_members(operation, members, ty)?;
            }
            members.iter().try_for_each(|(name, member)| match object.fields.get(name) {
                Some(definition) => check_value(schema, operation, member, definition.ty.inner_named_type()),
                None => Ok(()),
            })
        }
        _ => Ok(()),
    }
}

fn check_members(operation: &Operation, members: &[(Name, Node<Value>)], ty: &Name) -> Result<(), String> {
    let nullable = |variable: &Name| {
        let definition = operation.variables.iter().find(|definition| definition.name == *variable);
        definition.is_some_and(|definition| !definition.ty.is_non_null())
    };
    match members {
        [(_, member)] => match &**member {
            Value::Null => Err(format!("The one member of {ty} must not be null.")),
            Value::Variable(variable) if nullable(variable) => {
                Err(format!("The variable ${variable} is the one member of {ty}, so its type must not allow null."))
            }
            _ => Ok(()),
        },
        _ => Err(format!("{ty} takes exactly one of its members.")),
    }
}
