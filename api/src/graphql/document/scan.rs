//! Scans a document's text before it is parsed. The parser recurses on literals without a limit, so a value nested
//! about 2,000 deep (4 kB) would overflow the stack and end the process; parsing is also the most expensive step of a
//! small request. Strings, block strings and comments must end here exactly where the parser ends them, or brackets
//! could hide in them.

use super::super::error::{ApiError, Code};

/// The maximum size of a document in bytes. Large inputs belong in variables.
pub const MAX_BYTES: usize = 100 * 1024;
/// The maximum number of open brackets of any kind.
pub const MAX_NESTING: usize = 64;
/// The maximum number of tokens: names, values and punctuation.
pub const MAX_TOKENS: usize = 10_000;

/// Results of the scan.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Scanned {
    /// The size of the longest string in bytes, including quotes; 0 without one.
    pub longest_string: usize,
}

/// Checks the number of bytes and tokens and the nesting of a document.
pub fn scan(text: &str) -> Result<Scanned, ApiError> {
    if text.len() > MAX_BYTES {
        return Err(too_much(format!(
            "the document has more than {MAX_BYTES} bytes; use variables for large inputs"
        )));
    }
    let bytes = text.as_bytes();
    let mut scanned = Scanned::default();
    let (mut position, mut nesting, mut tokens) = (0, 0_usize, 0_usize);
    while let Some(&byte) = bytes.get(position) {
        if is_ignored(byte) {
            position += 1;
            continue;
        }
        if byte == b'#' {
            position = end_of_line(bytes, position);
            continue;
        }
        match byte {
            b'{' | b'[' | b'(' => nesting += 1,
            b'}' | b']' | b')' => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        tokens += 1;
        if nesting > MAX_NESTING {
            return Err(too_much(format!("the document is nested more than {MAX_NESTING} deep")));
        }
        if tokens > MAX_TOKENS {
            return Err(too_much(format!("the document has more than {MAX_TOKENS} tokens")));
        }
        let end = end_of_token(bytes, position)?;
        if byte == b'"' {
            scanned.longest_string = scanned.longest_string.max(end - position);
        }
        position = end;
    }
    Ok(scanned)
}

pub(super) fn end_of_token(bytes: &[u8], start: usize) -> Result<usize, ApiError> {
    if bytes[start..].starts_with(b"\"\"\"") {
        return end_of_block_string(bytes, start + 3);
    }
    if bytes[start] == b'"' {
        return end_of_string(bytes, start + 1);
    }
    if bytes[start..].starts_with(b"...") {
        return Ok(start + 3);
    }
    let word = bytes[start..].iter().take_while(|byte| is_word(**byte)).count();
    Ok(start + word.max(1))
}

fn end_of_string(bytes: &[u8], start: usize) -> Result<usize, ApiError> {
    let mut position = start;
    while let Some(&byte) = bytes.get(position) {
        match byte {
            b'"' => return Ok(position + 1),
            b'\n' | b'\r' => break,
            b'\\' => position += 2,
            _ => position += 1,
        }
    }
    Err(unterminated())
}

fn end_of_block_string(bytes: &[u8], start: usize) -> Result<usize, ApiError> {
    let mut position = start;
    while position < bytes.len() {
        if bytes[position..].starts_with(b"\\\"\"\"") {
            position += 4;
        } else if bytes[position..].starts_with(b"\"\"\"") {
            return Ok(position + 3);
        } else {
            position += 1;
        }
    }
    Err(unterminated())
}

pub(super) fn end_of_line(bytes: &[u8], start: usize) -> usize {
    bytes[start..]
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .map_or(bytes.len(), |length| start + length)
}

pub(super) fn is_ignored(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | 0xEF | 0xBB | 0xBF)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'+' | b'-')
}

fn too_much(message: String) -> ApiError {
    ApiError::new(Code::ValidationFailed, message)
}

/// Refuses an unterminated string: the parser would read the opening `"""` as an empty string and continue.
fn unterminated() -> ApiError {
    ApiError::new(Code::ParseFailed, "Syntax Error: Unterminated string.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, refused: Option<&str>) {
        let found = scan(text).err().map(|error| error.into_server_error().message);
        match (&found, refused) {
            (None, None) => {}
            (Some(message), Some(part)) if message.contains(part) => {}
            _ => panic!(
                "{}…: {found:?}, expected {refused:?}",
                text.chars().take(40).collect::<String>()
            ),
        }
    }

    #[test]
    fn size_and_nesting_are_bounded() {
        check("{ a }", None);
        check(&"[".repeat(64), None);
        check(&"[".repeat(65), Some("nested"));
        check(&"{a:".repeat(65), Some("nested"));
        check(&"[{(".repeat(22), Some("nested"));
        check(&"[]".repeat(2_000), None);
        check(&"a ".repeat(10_000), None);
        check(&"a ".repeat(10_001), Some("tokens"));
        check(&"@".repeat(10_001), Some("tokens"));
        check(&" ".repeat(MAX_BYTES + 1), Some("bytes"));
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let deep = "[".repeat(100);
        check(&format!("{{ a(b: \"{deep}\") }}"), None);
        check(&format!("{{ a(b: \"\\\"{deep}\") }}"), None);
        check(&format!("{{ a(b: \"\"\"{deep} \" \\\"\"\" {deep}\"\"\") }}"), None);
        check(&format!("{{ a # {deep}\n}}"), None);
        check(&format!("{{ a # {deep}\r}}"), None);
    }

    #[test]
    fn brackets_cannot_hide_behind_a_string_or_comment() {
        let deep = "[".repeat(100);
        check(&format!("{{ a(b: \"x\" {deep}"), Some("nested"));
        check(&format!("{{ a(b: \"x\\\\\" {deep}"), Some("nested"));
        check(&format!("{{ a(b: \"\" {deep}"), Some("nested"));
        check(&format!("{{ a(b: \"\"\"\"\"\" {deep}"), Some("nested"));
        check(&format!("{{ a # c\r{deep}"), Some("nested"));
        check(&format!("{{ a(b: [\"\"\" x\" {deep}"), Some("Unterminated"));
        check("{ a(b: \"x\n\") }", Some("Unterminated"));
        check("{ a(b: \"x\\", Some("Unterminated"));
    }
}
