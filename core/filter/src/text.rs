//! Limits a source before the parser sees it, and locates errors by line and column. The parser's stack and time grow
//! with nesting and with chains of operators, so both are counted here, on the raw text.
//!
//! The scanner agrees with the lexer on the borders between strings and code, or refuses the source: text that only one
//! of the two takes for a string would hide brackets from the count. For this reason it refuses strings with three
//! quotes.

use std::fmt;
use std::iter::Peekable;
use std::str::CharIndices;

use cel::ParseErrors;

/// The longest source, in bytes.
pub(super) const MAX_BYTES: usize = 2048;
/// The deepest nesting of brackets.
pub(super) const MAX_DEPTH: usize = 24;
/// The largest number of operators and selectors.
pub(super) const MAX_OPERATORS: usize = 200;
/// The longest part of a parser's message that is passed on, in characters.
const MAX_MESSAGE: usize = 160;

/// A refusal of a source: the reason, and the position where there is one.
#[derive(Debug)]
pub(super) struct Refused {
    reason: String,
    position: Option<Position>,
}

/// A line and a column, both from 1. Columns count characters.
#[derive(Debug, Clone, Copy)]
struct Position {
    line: usize,
    column: usize,
}

/// Refuses a source that the parser must not see.
pub(super) fn bound(source: &str) -> Result<(), Refused> {
    if source.trim().is_empty() {
        return Err(Refused::whole("the expression is empty"));
    }
    if source.len() > MAX_BYTES {
        return Err(Refused::whole(format!("longer than {MAX_BYTES} bytes")));
    }
    Scan {
        source,
        rest: source.char_indices().peekable(),
        open: Vec::new(),
        operators: 0,
    }
    .run()
}

impl Refused {
    /// Makes a refusal that points at a byte of the source.
    pub(super) fn at(source: &str, offset: usize, reason: impl Into<String>) -> Self {
        let before = &source[..source.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let position = Position {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        };
        Self {
            reason: reason.into(),
            position: Some(position),
        }
    }

    /// Makes a refusal of the whole source, without a position.
    pub(super) fn whole(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            position: None,
        }
    }

    /// Makes a refusal of the parser's first error. The parser's own printing of errors panics on long lines.
    pub(super) fn of_parser(errors: ParseErrors) -> Self {
        let Some(first) = errors.errors.first() else {
            return Self::whole("a syntax error");
        };
        // The error of its depth limit is printed with its insides, and comes with other places than the rest.
        if first.msg.contains("Recursion limit") {
            return Self::whole("the expression is nested too deep");
        }
        let message = first.msg.trim_start_matches("Syntax error: ");
        let message = message.split(" expecting ").next().unwrap_or(message);
        let reason = message
            .chars()
            .filter(|character| !character.is_control())
            .take(MAX_MESSAGE)
            .collect();
        let position = match first.pos {
            (line @ 1.., column @ 1..) => Some(Position {
                line: line.unsigned_abs(),
                column: column.unsigned_abs(),
            }),
            _ => None,
        };
        Self { reason, position }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(Position { line, column }) => write!(formatter, "line {line}, column {column}: {}", self.reason),
            None => formatter.write_str(&self.reason),
        }
    }
}

struct Scan<'a> {
    source: &'a str,
    rest: Peekable<CharIndices<'a>>,
    /// The open brackets: the offset of each, and the character that closes it.
    open: Vec<(usize, char)>,
    operators: usize,
}

impl Scan<'_> {
    fn run(mut self) -> Result<(), Refused> {
        while let Some((offset, character)) = self.rest.next() {
            match character {
                '(' => self.open(offset, ')')?,
                '{' => self.open(offset, '}')?,
                '[' => self.open(offset, ']')?,
                ')' | '}' | ']' => self.close(offset, character)?,
                '/' if self.next_is('/') => self.comment(),
                '"' | '\'' => self.string(offset, character, false)?,
                '+' | '-' | '*' | '/' | '%' | '?' | '.' => self.operator(offset)?,
                '=' | '!' | '<' | '>' | '&' | '|' => {
                    // One operator of two characters; the parser refuses those that do not exist.
                    self.rest.next_if(|&(_, next)| matches!(next, '=' | '&' | '|'));
                    self.operator(offset)?;
                }
                'a'..='z' | 'A'..='Z' | '_' | '0'..='9' => self.word(offset)?,
                ' ' | '\t' | '\n' | '\r' | '\x0c' | ',' | ':' => {}
                other => return Err(self.refused(offset, format!("unexpected character {other:?}"))),
            }
        }
        match self.open.last() {
            Some(&(offset, _)) => Err(self.refused(offset, "the bracket is not closed")),
            None => Ok(()),
        }
    }

    fn open(&mut self, offset: usize, closer: char) -> Result<(), Refused> {
        self.open.push((offset, closer));
        if self.open.len() > MAX_DEPTH {
            return Err(self.refused(offset, format!("more than {MAX_DEPTH} brackets are open")));
        }
        if closer == ']' { self.operator(offset) } else { Ok(()) }
    }

    /// Closes a bracket. Refuses a wrong closer: a parser that recovers from errors would skip it and stay as deep.
    fn close(&mut self, offset: usize, closer: char) -> Result<(), Refused> {
        match self.open.pop() {
            Some((_, expected)) if expected == closer => Ok(()),
            _ => Err(self.refused(offset, format!("unexpected {closer:?}"))),
        }
    }

    fn operator(&mut self, offset: usize) -> Result<(), Refused> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            return Err(self.refused(offset, format!("more than {MAX_OPERATORS} operators and selectors")));
        }
        Ok(())
    }

    fn comment(&mut self) {
        while self.rest.next_if(|&(_, character)| character != '\n').is_some() {}
    }

    /// Reads a name, a number, or the prefix of a string: `r`, `b`, `br`.
    fn word(&mut self, start: usize) -> Result<(), Refused> {
        let in_word = |&(_, character): &(usize, char)| character.is_ascii_alphanumeric() || character == '_';
        while self.rest.next_if(in_word).is_some() {}
        let end = self.rest.peek().map_or(self.source.len(), |&(offset, _)| offset);
        let word = &self.source[start..end];
        let Some((offset, quote)) = self.rest.next_if(|&(_, character)| matches!(character, '"' | '\'')) else {
            return if word == "in" { self.operator(start) } else { Ok(()) };
        };
        match word.to_ascii_lowercase().as_str() {
            "r" | "br" => self.string(offset, quote, true),
            "b" => self.string(offset, quote, false),
            _ => Err(self.refused(offset, "an operator is missing before the string")),
        }
    }

    fn string(&mut self, start: usize, quote: char, raw: bool) -> Result<(), Refused> {
        while let Some((offset, character)) = self.rest.next() {
            match character {
                '\n' | '\r' => break,
                '\\' if !raw => self.escape(offset)?,
                _ if character == quote => {
                    return match self.rest.peek() {
                        Some(&(_, next)) if next == quote => {
                            Err(self.refused(offset, "strings with three quotes are not supported"))
                        }
                        _ => Ok(()),
                    };
                }
                _ => {}
            }
        }
        Err(self.refused(start, "the string is not closed"))
    }

    fn escape(&mut self, offset: usize) -> Result<(), Refused> {
        let digits = match self.rest.next() {
            Some((_, 'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`')) => return Ok(()),
            Some((_, 'x' | 'X')) => "hh",
            Some((_, 'u')) => "hhhh",
            Some((_, 'U')) => "hhhhhhhh",
            Some((_, '0'..='3')) => "oo",
            _ => "?",
        };
        for digit in digits.chars() {
            let radix = if digit == 'h' { 16 } else { 8 };
            if digit == '?' || self.rest.next_if(|&(_, character)| character.is_digit(radix)).is_none() {
                return Err(self.refused(offset, "unknown escape in a string"));
            }
        }
        Ok(())
    }

    fn next_is(&mut self, expected: char) -> bool {
        self.rest.peek().is_some_and(|&(_, character)| character == expected)
    }

    fn refused(&self, offset: usize, reason: impl Into<String>) -> Refused {
        Refused::at(self.source, offset, reason)
    }
}
