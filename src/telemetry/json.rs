//! The log for machines: a JSON object a line, written in one pass.

use std::fmt::{self, Debug, Write};

use serde_json::Number;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::{Clock as _, SystemClock};

/// `{"timestamp": …, "level": …, …, "target": …}`, with the fields of the event between.
#[derive(Debug, Clone, Copy)]
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        use tracing_log::NormalizeEvent as _;
        let of_log = event.normalized_metadata();
        let metadata = of_log.as_ref().unwrap_or_else(|| event.metadata());
        writer.write_str(r#"{"timestamp":""#)?;
        writer.write_str(SystemClock.now().rfc3339().ok_or(fmt::Error)?.as_str())?;
        writer.write_str(r#"","level":""#)?;
        writer.write_str(metadata.level().as_str())?;
        writer.write_str("\"")?;
        let mut members = Members { out: &mut writer, outcome: Ok(()) };
        event.record(&mut members);
        members.outcome?;
        writer.write_str(r#","target":"#)?;
        text(&mut writer, metadata.target())?;
        writer.write_str("}\n")
    }
}

/// Writes fields as members of an object.
struct Members<'a, W> {
    out: &'a mut W,
    outcome: fmt::Result,
}

impl<W: Write> Members<'_, W> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut W) -> fmt::Result) {
        // What the crate `log` says of an event beside its message is in the metadata.
        if self.outcome.is_err() || field.name().starts_with("log.") {
            return;
        }
        self.outcome = name(self.out, field.name()).and_then(|()| value(self.out));
    }
}

fn name(out: &mut impl Write, name: &str) -> fmt::Result {
    out.write_str(",\"")?;
    out.write_str(name.strip_prefix("r#").unwrap_or(name))?;
    out.write_str("\":")
}

impl<W: Write> Visit for Members<'_, W> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field, |out| match Number::from_f64(value) {
            Some(number) => write!(out, "{number}"),
            None => out.write_str("null"),
        });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |out| write!(out, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |out| write!(out, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |out| write!(out, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |out| text(out, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.member(field, |out| {
            out.write_char('"')?;
            write!(Escaped(out), "{value:?}")?;
            out.write_char('"')
        });
    }
}

/// Writes a JSON string (RFC 8259, section 7).
fn text(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    Escaped(out).write_str(text)?;
    out.write_char('"')
}

struct Escaped<'a, W>(&'a mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' ')) {
            self.0.write_str(&rest[..at])?;
            match rest.as_bytes()[at] {
                b'"' => self.0.write_str("\\\"")?,
                b'\\' => self.0.write_str("\\\\")?,
                b'\n' => self.0.write_str("\\n")?,
                b'\r' => self.0.write_str("\\r")?,
                b'\t' => self.0.write_str("\\t")?,
                other => write!(self.0, "\\u{other:04x}")?,
            }
            rest = &rest[at + 1..];
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(work: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer().event_format(JsonLines).with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_is_an_object_with_the_fields_as_members() {
        let line = logged(|| {
            let (some, none) = (Some("x"), None::<&str>);
            tracing::info!(n = -1, u = u64::MAX, f = 4.25, nan = f64::NAN, yes = true, none, some, r#type = "t", "m");
        });
        let mut members: Value = serde_json::from_str(&line).unwrap();
        let timestamp = members.as_object_mut().unwrap().shift_remove("timestamp").unwrap();
        assert_eq!(timestamp.as_str().unwrap().len(), "2026-01-09T10:00:00.123456Z".len());
        let target = module_path!();
        let expected = json!({
            "level": "INFO", "message": "m", "n": -1, "u": u64::MAX, "f": 4.25, "nan": null, "yes": true, "some": "x",
            "type": "t", "target": target,
        });
        assert_eq!(members, expected);
        assert_eq!(line.matches('\n').count(), 1);
    }

    #[test]
    fn nothing_in_a_value_ends_the_string_or_the_line() {
        for text in ["\"", "\\", "\n\r\t", "\u{0}\u{1f}\u{7f}\u{2028}", "a\"b\\c\nd", "é\u{1}\u{10ffff}", ""] {
            let line = logged(|| tracing::info!(text, debug = ?text, "{text}"));
            let members: Value = serde_json::from_str(&line).unwrap();
            assert_eq!((&members["text"], &members["message"]), (&json!(text), &json!(text)));
            assert_eq!(members["debug"], json!(format!("{text:?}")));
            assert_eq!(line.matches('\n').count(), 1, "{line:?}");
        }
    }
}
