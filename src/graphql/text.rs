//! The bounds of a document's text, in one pass and before the parser sees it.

use crate::error::{Error, Result};

/// The most bytes of a document.
const MAX_BYTES: usize = 64 * 1024;

/// The most tokens of a document (GraphQL specification, 2.1.6).
const MAX_TOKENS: usize = 1_000;

/// How deep brackets may nest. Parser and executor recurse over them, and thousands overflow the stack, which aborts
/// the process.
const MAX_BRACKETS: usize = 64;

/// Refuses a text that is too large to be looked at.
///
/// # Errors
/// `TooComplex`, naming the bound.
pub(super) fn check(text: &str) -> Result<()> {
    if text.len() > MAX_BYTES {
        return Err(Error::TooComplex(format!("The document has more than {MAX_BYTES} bytes.")));
    }
    let (mut tokens, mut brackets) = (0_usize, 0_usize);
    let mut rest = text.as_bytes();
    while let Some(first) = rest.first() {
        let length = match first {
            // White space, commas and the byte order mark are between tokens.
            b' ' | b'\t' | b'\n' | b'\r' | b',' | 0xEF | 0xBB | 0xBF => 1,
            b'#' => until(rest, |byte| matches!(byte, b'\n' | b'\r')),
            _ => {
                tokens += 1;
                token_length(rest)
            }
        };
        match first {
            b'[' | b'{' | b'(' => brackets += 1,
            b']' | b'}' | b')' => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        if brackets > MAX_BRACKETS {
            return Err(Error::TooComplex(format!("Brackets nest more than {MAX_BRACKETS} deep in the document.")));
        }
        if tokens > MAX_TOKENS {
            return Err(Error::TooComplex(format!("The document has more than {MAX_TOKENS} tokens.")));
        }
        rest = &rest[length..];
    }
    Ok(())
}

/// The length of the token at the start of `bytes`; at least 1.
fn token_length(bytes: &[u8]) -> usize {
    if let Some(block) = bytes.strip_prefix(b"\"\"\"") {
        3 + block_string_length(block)
    } else if let Some(string) = bytes.strip_prefix(b"\"") {
        1 + string_length(string)
    } else if bytes.starts_with(b"...") {
        3
    } else {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.');
        until(bytes, |byte| !is_word(&byte)).max(1)
    }
}

fn until(bytes: &[u8], stop: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| stop(*byte)).unwrap_or(bytes.len())
}

/// The length of what follows an opening `"`, its closing quote included. A line's end closes a broken string.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' | b'\n' | b'\r' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The length of what follows an opening `"""`, the closing quotes included.
fn block_string_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"\\\"\"\"") {
            at += 4;
        } else if bytes[at..].starts_with(b"\"\"\"") {
            return at + 3;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        check(text).unwrap_err().to_string()
    }

    #[test]
    fn brackets_are_counted_outside_strings_and_comments() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(check(&deep(64)).is_ok());
        assert!(refusal(&deep(65)).contains("64 deep"));
        for bracket in ["[", "{", "("] {
            assert!(refusal(&bracket.repeat(2_000)).contains("64 deep"));
        }
        let many = "[".repeat(99);
        for hidden in [
            format!("\"{many}\""),
            format!("\"\"\"\n{many}\\\"\"\"{many}\"\"\""),
            format!("#{many}\n"),
            format!("\"\\\"{many}\""),
        ] {
            assert!(check(&hidden).is_ok(), "{hidden}");
            assert!(check(&format!("{hidden}{}", "[".repeat(65))).is_err(), "{hidden}");
        }
        // A broken string ends with its line, so it cannot hide what follows.
        assert!(check(&format!("\"\n{}", "[".repeat(65))).is_err());
    }

    #[test]
    fn tokens_are_counted_as_the_specification_cuts_them() {
        assert!(check(&"a ".repeat(1_000)).is_ok());
        assert!(refusal(&"a ".repeat(1_001)).contains("1000 tokens"));
        assert!(check(&"{a(b:1)}".repeat(125)).is_ok());
        assert!(check(&"{a(b:1)}".repeat(126)).is_err());
        assert!(check(&"...F ".repeat(500)).is_ok());
        assert!(check(&"\"x\"".repeat(1_000)).is_ok());
        assert!(check(&" ,\n#c\n".repeat(5_000)).is_ok());
    }

    #[test]
    fn odd_ends_are_no_trouble() {
        for odd in ["\"", "\"\\", "\"\"\"", "\"\"\"\\\"\"\"", "#", "]]]", "", "é", "\u{feff}{a}", "..", "\\"] {
            assert!(check(odd).is_ok(), "{odd}");
        }
        assert!(refusal(&" ".repeat(64 * 1024 + 1)).contains("65536 bytes"));
    }
}
