//! The OpenAPI document. utoipa collects what each route says of itself; what routes share (headers, errors, the
//! token) is added here, by what a route has.

mod errors;
mod headers;
mod operation;
pub mod parameters;
pub mod schemas;

use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::error::{Error, Result};

/// What the document says of the service as a whole. Version and licence are those of the crate.
#[derive(OpenApi)]
#[openapi(
    info(title = "taskgate", description = include_str!("openapi/description.md")),
    servers((url = "/", description = "This server")),
    tags(
        (name = "tasks", description = "The tasks of the user whose token the request carries."),
        (name = "health", description = "For load balancers and monitors. They take no token."),
    ),
    components(schemas(schemas::ErrorBody, schemas::ValidationErrorBody)),
)]
struct Service;

/// The whole document as JSON text with a line's end, made of what utoipa collected from the routes.
///
/// # Errors
/// `Internal` when it cannot be written as JSON, which a test rules out.
pub fn complete(routes: utoipa::openapi::OpenApi) -> Result<String> {
    let collected = Service::openapi().merge_from(routes);
    let mut document = serde_json::to_value(collected).map_err(Error::internal)?;
    let schemas = document["components"]["schemas"].take();
    for (path, item) in members(&mut document, "paths") {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            operation::complete(operation, method, path, &schemas);
        }
    }
    document["components"] = json!({
        "schemas": schemas,
        "responses": errors::components(),
        "parameters": headers::parameters(),
        "headers": headers::components(),
        "securitySchemes": {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "A token of the user: HS256 with the service's secret, or signed by a key of its JWKS. \
                                `exp` is required.",
            },
        },
    });
    Ok(format!("{document:#}\n"))
}

/// The members of an object in an object; none where it has none.
fn members<'a>(object: &'a mut Value, name: &str) -> impl Iterator<Item = (&'a String, &'a mut Value)> {
    object.get_mut(name).and_then(Value::as_object_mut).into_iter().flatten()
}

/// A reference to a component.
fn reference(section: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{section}/{name}") })
}
