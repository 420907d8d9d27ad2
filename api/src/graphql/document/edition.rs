//! What the September 2025 edition of the GraphQL specification added and the parser does not know: descriptions of
//! operations, fragments and variables, and the escapes `\u{1F600}` and `\uD83D\uDE00` of characters beyond U+FFFF. A
//! document is written without them before it is parsed; positions stay, but for those behind an escape in its line.

use std::borrow::Cow;

use super::scan::{end_of_line, end_of_token, is_ignored};

/// Returns the text without what the parser does not know. The text has passed the scan.
pub fn without_additions(text: &str) -> Cow<'_, str> {
    if !text.contains('"') {
        return Cow::Borrowed(text);
    }
    let (mut written, mut copied) = (String::new(), 0);
    let (mut nesting, mut before) = (0_usize, b'}');
    let mut tokens = Tokens { text, position: 0 };
    while let Some((start, end)) = tokens.next() {
        let token = &text[start..end];
        let first = token.as_bytes()[0];
        match first {
            b'{' | b'[' | b'(' => nesting += 1,
            b'}' | b']' | b')' => nesting = nesting.saturating_sub(1),
            b'"' => {
                let replaced = match tokens.is_description(nesting, before) {
                    true => Some(blank(token)),
                    false => unescape(token),
                };
                if let Some(replaced) = replaced {
                    written.push_str(&text[copied..start]);
                    written.push_str(&replaced);
                    copied = end;
                }
            }
            _ => {}
        }
        before = first;
    }
    match copied {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(written + &text[copied..]),
    }
}

/// The tokens of a text, as their first and last positions.
struct Tokens<'a> {
    text: &'a str,
    position: usize,
}

impl Tokens<'_> {
    fn start(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut position = self.position;
        loop {
            match *bytes.get(position)? {
                b'#' => position = end_of_line(bytes, position),
                byte if is_ignored(byte) => position += 1,
                _ => return Some(position),
            }
        }
    }

    fn next(&mut self) -> Option<(usize, usize)> {
        let start = self.start()?;
        let end = end_of_token(self.text.as_bytes(), start).ok()?;
        self.position = end.max(start + 1);
        while !self.text.is_char_boundary(self.position) {
            self.position += 1;
        }
        Some((start, self.position))
    }

    /// Returns whether the string that was just read describes a definition: one outside of all brackets and before a
    /// word, or one between the variables of an operation, where another string follows `=` or `:`.
    fn is_description(&self, nesting: usize, before: u8) -> bool {
        let next = self.start().map(|start| self.text.as_bytes()[start]);
        match nesting {
            0 => next.is_some_and(|next| next.is_ascii_alphabetic()),
            1 => next == Some(b'$') && !matches!(before, b'=' | b':'),
            _ => false,
        }
    }
}

/// Returns as much blank space, with the same lines.
fn blank(token: &str) -> String {
    let blank = |byte| match byte {
        b'\n' | b'\r' => char::from(byte),
        _ => ' ',
    };
    token.bytes().map(blank).collect()
}

/// Returns a string whose characters beyond U+FFFF, and those in braces, are written as the parser reads them; `None`
/// if it has none. A wrong escape stays, so that the parser reports it.
fn unescape(token: &str) -> Option<String> {
    if token.starts_with("\"\"\"") || !token.contains("\\u") {
        return None;
    }
    let (mut written, mut rest) = (String::new(), token);
    while let Some(at) = rest.find('\\') {
        written.push_str(&rest[..at]);
        rest = &rest[at..];
        let (text, length) = match escape(rest) {
            Some((found, length)) => (plain(found), length),
            None => (
                rest.chars().take(2).collect(),
                1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            ),
        };
        written.push_str(&text);
        rest = &rest[length..];
    }
    Some(written + rest)
}

/// Reads one escape of the new kinds at the start of a text: its character and its length.
fn escape(text: &str) -> Option<(char, usize)> {
    let digits = text.strip_prefix("\\u")?;
    if let Some(braced) = digits.strip_prefix('{') {
        let (code, _) = braced.split_once('}')?;
        let is_hex = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_hexdigit());
        let found = u32::from_str_radix(code, 16).ok().filter(|_| is_hex)?;
        return Some((char::from_u32(found)?, code.len() + 4));
    }
    let unit = |at: usize| u16::from_str_radix(digits.get(at..at + 4)?, 16).ok();
    let pair = [
        unit(0)?,
        digits.get(4..6).filter(|it| *it == "\\u").and_then(|_| unit(6))?,
    ];
    let found = char::decode_utf16(pair).next()?.ok()?;
    (found.len_utf16() == 2).then_some((found, 12))
}

/// Writes a character so that the parser reads it in a string.
fn plain(found: char) -> String {
    match found {
        '"' | '\\' | '\0'..='\u{1f}' => format!("\\u{:04X}", u32::from(found)),
        found => found.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn check(text: &str, expected: &str) {
        let written = without_additions(text);
        assert_eq!(written, expected);
        parse_query(&*written).expect("the parser reads it");
    }

    #[test]
    fn descriptions_become_blank_space() {
        check("\"\"\"who am\n I\"\"\" query Q { a }", "         \n      query Q { a }");
        check(
            "\"q\" query Q { a } # \"x\" y\n\"f\" fragment F on A { b }",
            "    query Q { a } # \"x\" y\n    fragment F on A { b }",
        );
        check(
            "query (\"a\" $a: Int = 1 \"b\" $b: String = \"b\" $c: ID) { a }",
            "query (    $a: Int = 1     $b: String = \"b\" $c: ID) { a }",
        );
        check(
            "query @d(b: \"b\") { a(b: \"é\", c: [\"x\"]) }",
            "query @d(b: \"b\") { a(b: \"é\", c: [\"x\"]) }",
        );
        check("{ a(b: \"\") }", "{ a(b: \"\") }");
    }

    #[test]
    fn a_description_of_nothing_stays_and_is_a_syntax_error() {
        for text in ["\"x\" { a }", "\"x\"", "{ a } \"x\"", "{ \"x\" a }"] {
            assert_eq!(without_additions(text), text);
            assert!(parse_query(text).is_err(), "{text}");
        }
    }

    #[test]
    fn escapes_of_all_characters_are_read() {
        check(
            r#"{ a(b: "\u{1F600} \u{41}\u{0a}\u{22}") }"#,
            r#"{ a(b: "😀 A\u000A\u0022") }"#,
        );
        check(
            r#"{ a(b: "\uD83D\uDE00 \u00e9 \\u{41}") }"#,
            r#"{ a(b: "😀 \u00e9 \\u{41}") }"#,
        );
        check(r#"{ a(b: """\u{41}""") }"#, r#"{ a(b: """\u{41}""") }"#);
    }

    #[test]
    fn a_wrong_escape_stays_and_is_a_syntax_error() {
        for wrong in [
            r"\u{}",
            r"\u{110000}",
            r"\u{D800}",
            r"\u{+41}",
            r"\uD83D",
            r"\uD83Dx",
            r"\uDE00\uD83D",
            r"\u{41",
        ] {
            let text = format!("{{ a(b: \"{wrong}\") }}");
            assert_eq!(without_additions(&text), text);
            assert!(parse_query(&text).is_err(), "{text}");
        }
    }
}
