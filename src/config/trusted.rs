//! Which documents callers may run.

use std::path::PathBuf;

use super::settings::{TASKGATE_TRUSTED_DOCUMENTS, TASKGATE_TRUSTED_DOCUMENTS_MODE};
use super::sources::Sources;
use crate::graphql::TrustMode;

/// The manifest of trusted documents.
#[derive(Debug, Clone)]
pub struct TrustedConfig {
    /// `TASKGATE_TRUSTED_DOCUMENTS`, or `None` where every document may run. It is read where the server starts.
    pub file: Option<PathBuf>,
    /// `TASKGATE_TRUSTED_DOCUMENTS_MODE`.
    pub mode: TrustMode,
}

impl TrustedConfig {
    /// Reads and checks the settings of the group [`GRAPHQL`](super::settings::GRAPHQL).
    ///
    /// # Errors
    /// A sentence that names the first wrong setting and says what to write.
    pub fn resolve(sources: &Sources) -> Result<Self, String> {
        let mode = match sources.value(&TASKGATE_TRUSTED_DOCUMENTS_MODE) {
            None | Some("only") => TrustMode::Only,
            Some("log") => TrustMode::Log,
            Some(_) => return Err(sources.refuse(&TASKGATE_TRUSTED_DOCUMENTS_MODE, "write only or log")),
        };
        Ok(Self { file: sources.value(&TASKGATE_TRUSTED_DOCUMENTS).map(PathBuf::from), mode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_two() {
        let resolve =
            |value| TrustedConfig::resolve(&Sources::new([], [("TASKGATE_TRUSTED_DOCUMENTS_MODE", value)], []));
        for (text, mode) in [("", TrustMode::Only), ("only", TrustMode::Only), ("log", TrustMode::Log)] {
            assert_eq!(resolve(text).unwrap().mode, mode, "{text}");
        }
        assert_eq!(resolve("off").unwrap_err(), "TASKGATE_TRUSTED_DOCUMENTS_MODE: write only or log.");
    }
}
