//! Validation of callers' documents, complete.
//!
//! The library's own validation checks custom scalars and can suggest names, but leaves rules of the specification out
//! or to execution, when an earlier mutation of the same document has run already: the types of variables where they
//! are used (5.8.5), the shape of literal input objects, enum values (5.6.1). apollo-compiler has all of them.

use std::sync::Arc;

use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::{Request, Response, Value};

use super::TaskSchema;
use super::document::{Document, sentence};
use crate::error::{Error, Result};

mod one_of;

/// Both validations of a schema.
pub(super) struct Validator {
    library: TaskSchema,
    complete: Valid<Schema>,
}

impl Validator {
    /// The validator of the schema with this text. With `suggests` a wrong name is answered with similar ones.
    ///
    /// # Errors
    /// `Internal` when the text is no schema, which a test rules out.
    pub(super) fn new(sdl: &str, suggests: bool) -> Result<Self> {
        let library = super::build().extension(ValidateOnly);
        let library = if suggests { library } else { library.disable_suggestions() };
        let complete = Schema::parse_and_validate(sdl, "schema.graphql");
        let complete = complete.map_err(|invalid| Error::internal(invalid.errors.to_string()))?;
        Ok(Self { library: library.finish(), complete })
    }

    /// The document of a text that is within bounds and valid.
    ///
    /// # Errors
    /// As [`Document::parse`]; `GraphqlValidation` with the first rule that the document breaks.
    pub(super) async fn document(&self, text: &str) -> Result<Document> {
        let document = Document::parse(text)?;
        self.check(text, &document).await?;
        Ok(document)
    }

    async fn check(&self, text: &str, document: &Document) -> Result<()> {
        let mut request = Request::new("");
        request.set_parsed_query(document.parsed().clone());
        // Validation has no use for an operation, and the library wants one chosen.
        if let Some((Some(name), _)) = document.parsed().operations.iter().next() {
            request = request.operation_name(name.as_str());
        }
        if let Some(error) = self.library.execute(request).await.errors.into_iter().next() {
            return Err(Error::GraphqlValidation(sentence(&error.message)));
        }
        match ExecutableDocument::parse_and_validate(&self.complete, text, "") {
            Ok(document) => one_of::check(&self.complete, &document).map_err(Error::GraphqlValidation),
            Err(invalid) => {
                let first = invalid.errors.iter().next().map(|error| error.error.to_string());
                Err(Error::GraphqlValidation(sentence(&first.unwrap_or_default())))
            }
        }
    }
}

/// Ends a request once its document is validated.
struct ValidateOnly;

impl ExtensionFactory for ValidateOnly {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for ValidateOnly {
    async fn execute(&self, _: &ExtensionContext<'_>, _: Option<&str>, _: NextExecute<'_>) -> Response {
        Response::new(Value::Null)
    }
}
