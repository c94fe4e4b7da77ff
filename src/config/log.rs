//! What is logged, and how.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use super::settings::{TASKGATE_LOG, TASKGATE_LOG_FORMAT};
use super::sources::Sources;

/// The log on standard error.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// `TASKGATE_LOG`: a level, or levels by module.
    pub filter: String,
    /// `TASKGATE_LOG_FORMAT`.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    Pretty,
    Json,
}

impl LogConfig {
    /// Reads and checks the settings of the group [`LOG`](super::settings::LOG).
    ///
    /// # Errors
    /// A sentence that names the first wrong setting and says what to write.
    pub fn resolve(sources: &Sources) -> Result<Self, String> {
        let filter = sources.value(&TASKGATE_LOG).unwrap_or_default();
        if !is_filter(filter) {
            let advice = "write a level, such as info, or levels by module, such as info,taskgate=debug";
            return Err(sources.refuse(&TASKGATE_LOG, advice));
        }
        let format = match sources.value(&TASKGATE_LOG_FORMAT) {
            None | Some("auto") => LogFormat::Auto,
            Some("pretty") => LogFormat::Pretty,
            Some("json") => LogFormat::Json,
            Some(_) => return Err(sources.refuse(&TASKGATE_LOG_FORMAT, "write auto, pretty or json")),
        };
        Ok(Self { filter: filter.to_owned(), format })
    }
}

/// Stricter than the library, which takes a misspelt level for the name of a module and then logs nothing else.
fn is_filter(text: &str) -> bool {
    let is_clear = |part: &str| {
        part.parse::<LevelFilter>().is_ok() || part.split_once('=').is_some_and(|(_, level)| !level.is_empty())
    };
    text.split(',').all(is_clear) && EnvFilter::builder().parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(variable: &str, value: &str) -> Result<LogConfig, String> {
        LogConfig::resolve(&Sources::new([], [(variable, value)], []))
    }

    #[test]
    fn filters_are_levels_or_levels_by_module() {
        for text in ["info", "off", "WARN", "info,taskgate=debug", "taskgate::store=trace"] {
            assert_eq!(resolve("TASKGATE_LOG", text).unwrap().filter, text);
        }
        for text in ["taskgate=loud", "info,taskgate=", "inof", "info,taskgate", "[{"] {
            let sentence = resolve("TASKGATE_LOG", text).unwrap_err();
            assert!(sentence.starts_with("TASKGATE_LOG: ") && sentence.contains("such as info"), "{text}: {sentence}");
        }
    }

    #[test]
    fn formats_are_three() {
        for (text, format) in [("", LogFormat::Auto), ("pretty", LogFormat::Pretty), ("json", LogFormat::Json)] {
            assert_eq!(resolve("TASKGATE_LOG_FORMAT", text).unwrap().format, format);
        }
        assert!(resolve("TASKGATE_LOG_FORMAT", "xml").unwrap_err().contains("auto, pretty or json"));
    }
}
