//! Documents of callers: bounded, parsed and validated once, then kept by the hash of their text.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Request, Variables};
use async_graphql_value::Value;
use aws_lc_rs::digest;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::executor::Plain;
use super::guard::Findings;
use super::operations::Label;
use super::{guard, merging, text};
use crate::error::{Error, Result};
use crate::idempotency::{Key, Keyed};

/// How much text of documents is kept, in bytes. What is parsed takes some times as much.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;

/// What a document weighs beside its text.
const OVERHEAD_BYTES: u64 = 512;

/// The SHA-256 of a document's text, which is also its name in Automatic Persisted Queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

/// 64 hexadecimal digits.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a caller names a document by that the service has already.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DocumentId {
    /// The hash of a text that was sent before.
    Hash(Hash),
    /// A name that was agreed upon before.
    Custom(String),
}

impl DocumentId {
    /// Reads a hash, with `sha256:` before it or not, or a name. It is `None` for what is neither: nothing at all, or
    /// `sha256:` without a hash.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match (text.strip_prefix("sha256:"), text) {
            (Some(hash), _) => Hash::parse(hash).map(Self::Hash),
            (None, "") => None,
            (None, text) => Some(Hash::parse(text).map_or_else(|| Self::Custom(text.to_owned()), Self::Hash)),
        }
    }
}

/// A document that is within bounds and valid.
#[derive(Debug)]
pub struct Document {
    parsed: ExecutableDocument,
    /// Of its text.
    hash: Hash,
    findings: Findings,
    /// Whether its answers have to be merged.
    merges: bool,
    bytes: u64,
}

impl Document {
    /// Parses a text, if it is within bounds. Validation is for whoever has the schema.
    ///
    /// # Errors
    /// `TooComplex`, `GraphqlParse`, or `GraphqlValidation` when fragments spread themselves.
    pub(super) fn parse(text: &str) -> Result<Self> {
        text::check(text)?;
        let parsed = parse_query(text).map_err(|error| Error::GraphqlParse(sentence(&error.to_string())))?;
        let findings = guard::check(&parsed)?;
        let merges = merging::is_needed(&parsed);
        Ok(Self { parsed, hash: Hash::of(text), findings, merges, bytes: text.len() as u64 })
    }

    pub(super) const fn hash(&self) -> Hash {
        self.hash
    }

    pub(super) const fn introspects(&self) -> bool {
        self.findings.introspects
    }

    pub(super) const fn parsed(&self) -> &ExecutableDocument {
        &self.parsed
    }

    /// The operation that a call means (GraphQL specification, `GetOperation`), and its name.
    pub(super) fn operation(&self, name: Option<&str>) -> Result<(Option<&Name>, &OperationDefinition)> {
        let mut operations = self.parsed.operations.iter();
        let found = match name {
            Some(name) => operations.find(|(other, _)| other.is_some_and(|other| other.as_str() == name)),
            None if operations.len() > 1 => {
                let advice = "The document has more than one operation; say which in operationName.";
                return Err(Error::GraphqlValidation(advice.to_owned()));
            }
            None => operations.next(),
        };
        match found {
            Some((name, operation)) => Ok((name, &operation.node)),
            None => Err(Error::GraphqlValidation("The document has no operation of that name.".to_owned())),
        }
    }
}

/// Valid documents by the hash of their text, as many as fit.
#[derive(Debug)]
pub(super) struct Documents(Cache<Hash, Arc<Document>, ByText>);

#[derive(Debug, Clone)]
struct ByText;

impl Weighter<Hash, Arc<Document>> for ByText {
    fn weight(&self, _: &Hash, document: &Arc<Document>) -> u64 {
        document.bytes + OVERHEAD_BYTES
    }
}

impl Documents {
    pub(super) fn new() -> Self {
        let typical = 2_000;
        Self(Cache::with_weighter(usize::try_from(CACHE_BYTES / typical).unwrap_or(1), CACHE_BYTES, ByText))
    }

    pub(super) fn get(&self, hash: Hash) -> Option<Arc<Document>> {
        self.0.get(&hash)
    }

    pub(super) fn insert(&self, hash: Hash, document: Arc<Document>) {
        self.0.insert(hash, document);
    }
}

/// An operation that can run: its document is valid, its variables have values that fit.
#[derive(Debug)]
pub struct Operation {
    pub(super) document: Arc<Document>,
    pub(super) name: Option<String>,
    pub(super) variables: Variables,
    pub(super) kind: OperationType,
    /// Its variables that have neither a value nor a default.
    pub(super) absent: HashSet<Name>,
    pub(super) complexity: u32,
    pub(super) label: Label,
    /// The key of the request, where it has one and this is a mutation.
    pub(super) keyed: Option<Keyed>,
    /// Whether the answer may hold what is written already.
    pub(super) takes_written: bool,
}

impl Operation {
    /// The same operation, which is made once, however often it is asked for with this key. A key means nothing to a
    /// query.
    ///
    /// # Errors
    /// `BadRequest` for a mutation of several fields: some of them could have been made before, and some not.
    pub fn under(mut self, key: Key) -> Result<Self> {
        if self.kind != OperationType::Mutation {
            return Ok(self);
        }
        let (_, operation) = self.document.operation(self.name.as_deref())?;
        if root_fields(&operation.selection_set.node, &self.document.parsed) != 1 {
            let advice = "A request with an Idempotency-Key must have exactly one field of Mutation.";
            return Err(Error::BadRequest(advice.to_owned()));
        }
        let variables = serde_json::to_vec(&self.variables).map_err(Error::internal)?;
        let name = self.name.as_deref().unwrap_or_default();
        self.keyed = Some(key.of_request(&[b"graphql", &self.document.hash.0, name.as_bytes(), &variables]));
        Ok(self)
    }

    /// The same operation, whose answer goes to [`super::json::response`] and nowhere else, if it takes written parts.
    #[must_use]
    pub fn to_be_written(mut self) -> Self {
        self.takes_written = !self.document.merges;
        self
    }

    /// Whether its answer may hold what is written already. Then it is for [`super::json::response`].
    #[must_use]
    pub const fn takes_written(&self) -> bool {
        self.takes_written
    }

    /// The key of the request with what it is for, where there is one.
    #[must_use]
    pub const fn keyed(&self) -> Option<&Keyed> {
        self.keyed.as_ref()
    }

    #[must_use]
    pub const fn is_subscription(&self) -> bool {
        matches!(self.kind, OperationType::Subscription)
    }

    /// How much work it may be: see [`super::Graphql::prepare`].
    #[must_use]
    pub const fn complexity(&self) -> u32 {
        self.complexity
    }

    pub(super) const fn kind_name(&self) -> &'static str {
        kind_name(self.kind)
    }

    /// The operation as it can be run at once; `None` where it has to be prepared.
    pub(super) fn plain(&mut self) -> Option<Plain<'_>> {
        let Findings { introspects, directs } = self.document.findings;
        if introspects || directs || !self.absent.is_empty() || self.is_subscription() {
            return None;
        }
        let (_, operation) = self.document.operation(self.name.as_deref()).ok()?;
        let fragments = self.document.parsed.fragments.clone();
        Some(Plain { operation, fragments, variables: std::mem::take(&mut self.variables) })
    }

    pub(super) fn into_request(self) -> Request {
        let mut document = self.document.parsed.clone();
        if !self.absent.is_empty() {
            drop_absent(&mut document, &self.absent);
        }
        let mut request = Request::new("").variables(self.variables);
        if let Some(name) = self.name {
            request = request.operation_name(name);
        }
        request.set_parsed_query(document);
        request
    }
}

/// How many fields an operation selects from its root, those of fragments among them. The bound on root fields bounds the
/// work.
fn root_fields(set: &SelectionSet, document: &ExecutableDocument) -> usize {
    let fields = set.items.iter().map(|item| match &item.node {
        Selection::Field(field) => usize::from(field.node.name.node != "__typename"),
        Selection::InlineFragment(fragment) => root_fields(&fragment.node.selection_set.node, document),
        Selection::FragmentSpread(spread) => {
            let fragment = document.fragments.get(&spread.node.fragment_name.node);
            fragment.map_or(0, |fragment| root_fields(&fragment.node.selection_set.node, document))
        }
    });
    fields.sum()
}

/// The kind of an operation as documents have it.
pub(super) const fn kind_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

/// The variables of an operation that have no value.
pub(super) fn absent(operation: &OperationDefinition, values: &Variables) -> HashSet<Name> {
    let names = operation.variable_definitions.iter().map(|definition| &definition.node.name.node);
    names.filter(|name| !values.contains_key(*name)).cloned().collect()
}

/// Takes out the arguments and input members whose variable has no value, and the variables themselves. By the
/// specification (6.4.1, 3.10) such a member is absent; the library would take it for null, and an update would erase
/// what it was to leave alone.
fn drop_absent(document: &mut ExecutableDocument, absent: &HashSet<Name>) {
    let operations: Vec<&mut Positioned<OperationDefinition>> = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![operation],
        DocumentOperations::Multiple(operations) => operations.values_mut().collect(),
    };
    for operation in operations {
        drop_in_selections(&mut operation.node.selection_set.node, absent);
    }
    for fragment in document.fragments.values_mut() {
        drop_in_selections(&mut fragment.node.selection_set.node, absent);
    }
}

fn drop_in_selections(set: &mut SelectionSet, absent: &HashSet<Name>) {
    for item in &mut set.items {
        match &mut item.node {
            Selection::Field(field) => {
                drop_in_field(&mut field.node, absent);
                drop_in_selections(&mut field.node.selection_set.node, absent);
            }
            Selection::InlineFragment(fragment) => {
                drop_in_selections(&mut fragment.node.selection_set.node, absent);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn drop_in_field(field: &mut Field, absent: &HashSet<Name>) {
    field.arguments.retain(|(_, value)| !is_absent(&value.node, absent));
    for (_, value) in &mut field.arguments {
        drop_in_value(&mut value.node, absent);
    }
}

fn drop_in_value(value: &mut Value, absent: &HashSet<Name>) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !is_absent(member, absent));
            members.values_mut().for_each(|member| drop_in_value(member, absent));
        }
        // An item of a list is null then (3.11), as the library has it.
        Value::List(items) => items.iter_mut().for_each(|item| drop_in_value(item, absent)),
        _ => {}
    }
}

fn is_absent(value: &Value, absent: &HashSet<Name>) -> bool {
    matches!(value, Value::Variable(name) if absent.contains(name))
}

/// A message of the library as a sentence on one line.
pub(super) fn sentence(message: &str) -> String {
    let mut text = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}
