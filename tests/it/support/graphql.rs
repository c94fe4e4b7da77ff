//! GraphQL operations, called as a front end would, and what their answers must look like.

use serde_json::Value;

use super::app::TestApp;

/// What a test needs of a task, whatever it asks.
pub const TASK: &str = "{ id title description completed revision }";

impl TestApp {
    /// Runs an operation that must succeed, and answers its data.
    pub async fn data(&self, user: &str, query: &str, variables: Value) -> Value {
        let mut body = self.graphql(user, query, variables).await;
        assert!(body.get("errors").is_none(), "{query}: {body}");
        body["data"].take()
    }

    /// Runs an operation that must fail with one error, and answers that error.
    pub async fn failure(&self, user: &str, query: &str, variables: Value) -> Failure {
        Failure::of(self.graphql(user, query, variables).await)
    }

    /// Makes a task by GraphQL and answers it.
    pub async fn make(&self, user: &str, title: &str) -> Value {
        let query = format!("mutation($title: String!) {{ createTask(input: {{title: $title}}) {{ task {TASK} }} }}");
        self.data(user, &query, serde_json::json!({ "title": title })).await["createTask"]["task"].take()
    }

    /// The task as it is now, or null.
    pub async fn read(&self, user: &str, id: &Value) -> Value {
        let query = format!("query($id: ID!) {{ task(id: $id) {TASK} }}");
        self.data(user, &query, serde_json::json!({ "id": id })).await["task"].take()
    }
}

/// A GraphQL answer with one error in it.
#[derive(Debug)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub error: Value,
    /// `None` when the answer has no member of that name: nothing has run.
    pub data: Option<Value>,
}

impl Failure {
    /// Takes an answer apart, after a look at its envelope.
    #[track_caller]
    pub fn of(mut body: Value) -> Self {
        let errors = body["errors"].as_array().unwrap_or_else(|| panic!("no errors: {body}"));
        assert_eq!(errors.len(), 1, "{body}");
        let error = errors[0].clone();
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text: {error}")).to_owned();
        let (code, message) = (text(&error["extensions"]["code"]), text(&error["message"]));
        assert!(taskgate::error::Code::parse(&code).is_some(), "{error}");
        assert!(message.ends_with(['.', '!', '?']) && !message.contains('\n'), "{error}");
        assert_eq!(error["extensions"]["errors"].is_array(), code == "VALIDATION_ERROR", "{error}");
        assert_eq!(error["extensions"]["current"].is_string(), code == "PRECONDITION_FAILED", "{error}");
        let data = body.as_object_mut().unwrap().remove("data");
        Self { code, message, error, data }
    }

    /// The places of the broken rules, each as `input.title`, with the rule's name.
    pub fn problems(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let problems = self.error["extensions"]["errors"].as_array().unwrap();
        let place = |problem: &Value| problem["loc"].as_array().unwrap().iter().map(text).collect::<Vec<_>>().join(".");
        problems.iter().map(|problem| (place(problem), text(&problem["type"]))).collect()
    }
}
