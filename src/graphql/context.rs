//! What resolvers find in their context, and how their errors look to a caller.

use async_graphql::{Context, ErrorExtensionValues, ServerError};

use super::PageBounds;
use crate::error::{Code, Error, Result};
use crate::store::Store;
use crate::user::UserId;

/// Typed access to the data of a request.
pub(super) trait ContextExt {
    /// Whose request it is. There is no other owner: no argument names one.
    fn user(&self) -> Result<UserId>;
    fn store(&self) -> Result<&Store>;
    fn page_bounds(&self) -> Result<PageBounds>;
}

impl ContextExt for Context<'_> {
    fn user(&self) -> Result<UserId> {
        self.data_opt::<UserId>().cloned().ok_or(Error::Unauthenticated("This operation needs a token."))
    }

    fn store(&self) -> Result<&Store> {
        self.data_opt::<Store>().ok_or_else(|| Error::internal("the schema was built without a store"))
    }

    fn page_bounds(&self) -> Result<PageBounds> {
        self.data_opt().copied().ok_or_else(|| Error::internal("the schema was built without page bounds"))
    }
}

/// Gives an error of a response the extensions that callers rely on. An error that is not ours is the library's, and
/// it has those for values that do not fit their type.
pub(super) fn render(error: &mut ServerError) {
    let extensions = match error.source::<Error>() {
        Some(known) => extensions(known),
        None => extensions(&Error::GraphqlValidation(String::new())),
    };
    error.extensions = Some(extensions);
}

/// The code that [`render`] gives an error.
pub(super) fn code(error: &ServerError) -> Code {
    error.source::<Error>().map_or(Code::GraphqlValidationFailed, Error::code)
}

/// The extensions of an error: its code and what belongs to that code.
#[must_use]
pub fn extensions(error: &Error) -> ErrorExtensionValues {
    let (index, error) = match error {
        Error::OfChange { index, error } => (Some(*index), &**error),
        error => (None, error),
    };
    let mut values = ErrorExtensionValues::default();
    values.set("code", error.code().as_str());
    if let Some(index) = index {
        values.set("index", index);
    }
    if let Error::PreconditionFailed { current } = error {
        values.set("current", current.to_string());
    }
    if !error.problems().is_empty()
        && let Ok(problems) = async_graphql::to_value(error.problems())
    {
        values.set("errors", problems);
    }
    values
}
