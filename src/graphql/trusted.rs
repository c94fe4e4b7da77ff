//! Trusted documents: those of a manifest, which an operator's own front ends were built with. They are read and
//! validated at start, are never forgotten, and can be all that callers may run.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::document::{Document, DocumentId, Hash};
use super::validator::Validator;

mod manifest;

/// What becomes of documents that are not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustMode {
    /// They run, and the log tells of them.
    Log,
    /// They are refused before they are parsed.
    Only,
}

/// The documents of a manifest, each within bounds and valid. A clone is another handle to the same.
#[derive(Clone)]
pub struct TrustedDocuments {
    /// By the id in the manifest, and by the hash of the text.
    documents: Arc<HashMap<DocumentId, Arc<Document>>>,
    /// Of their operations.
    names: Arc<HashSet<Arc<str>>>,
    mode: TrustMode,
}

impl TrustedDocuments {
    /// Reads a manifest and validates its documents: ids and texts as Relay's compiler writes them
    /// (`{"<id>": "<text>"}`), or the persisted query manifest of Apollo's tools.
    ///
    /// # Errors
    /// A phrase for the operator without a full stop, that names the document which is at fault.
    pub async fn load(manifest: &str, mode: TrustMode) -> Result<Self, String> {
        let validator = Validator::new(&super::sdl(), true).map_err(|error| error.to_string())?;
        let mut documents = HashMap::new();
        for entry in manifest::entries(manifest)? {
            let document = validator.document(&entry.text).await.map_err(|error| {
                let reason = error.to_string();
                format!("the document {entry} cannot be used: {}", reason.trim_end_matches('.'))
            })?;
            let id = DocumentId::parse(&entry.id).ok_or_else(|| format!("{entry} is no id of a document"))?;
            let (hash, document) = (document.hash(), Arc::new(document));
            documents.insert(DocumentId::Hash(hash), Arc::clone(&document));
            let other = documents.insert(id, document).filter(|other| other.hash() != hash);
            if other.is_some() {
                return Err(format!("two documents have the id {}", entry.id));
            }
        }
        if documents.is_empty() {
            return Err("there is no document in it".to_owned());
        }
        let operations = documents.values().flat_map(|document| document.parsed().operations.iter());
        let names = operations.filter_map(|(name, _)| name.map(|name| Arc::from(name.as_str()))).collect();
        Ok(Self { documents: Arc::new(documents), names: Arc::new(names), mode })
    }

    pub(super) fn get(&self, id: &DocumentId) -> Option<Arc<Document>> {
        self.documents.get(id).cloned()
    }

    pub(super) fn contains(&self, id: &DocumentId) -> bool {
        self.documents.contains_key(id)
    }

    /// The name of an operation, if one of them has it.
    pub(super) fn name(&self, operation: &str) -> Option<Arc<str>> {
        self.names.get(operation).cloned()
    }

    /// Whether nothing else may run.
    pub(super) fn are_all(&self) -> bool {
        self.mode == TrustMode::Only
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        let texts: HashSet<Hash> = self.documents.values().map(|document| document.hash()).collect();
        texts.len()
    }
}

impl fmt::Debug for TrustedDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedDocuments")
            .field("count", &self.count())
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
