//! Scalars of our own.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, InputValueError, InputValueResult, OutputType, Positioned, Scalar, ScalarType, ServerResult,
    Value,
};

use crate::clock::Timestamp;
use crate::task::{Position, Revision};

/// An integer of up to 53 bits, as a JSON number.
#[derive(Debug, Clone, Copy)]
pub struct BigInt(pub i64);

/// An integer of up to 53 bits, as a JSON number.
#[Scalar]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => {
                number.as_i64().map(Self).ok_or_else(|| InputValueError::custom("a BigInt is a whole number"))
            }
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        self.0.into()
    }
}

/// Where the tasks of a user stand, as a string that callers do not look into. It rises with every change, in the
/// order in which changes commit; "0" is before all of them.
#[Scalar(name = "Revision")]
impl ScalarType for Position {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Self::parse(text).map_err(|problem| InputValueError::custom(problem.msg)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    /// Makes it part of validation, before anything runs.
    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(text) if Self::parse(text).is_ok())
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// A revision is the place in the feed of whoever has everything up to it: to callers they are one scalar.
impl OutputType for Revision {
    fn type_name() -> Cow<'static, str> {
        <Position as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Position as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::String(self.to_string()))
    }
}

/// An instant in UTC as RFC 3339 writes it, with six digits of a second: `2026-01-09T10:00:00.123456Z`.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for Timestamp {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => text
                .parse::<jiff::Timestamp>()
                .map(|instant| Self::from_micros(instant.as_microsecond()))
                .map_err(|_| InputValueError::custom("a DateTime is written as RFC 3339 does")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}
