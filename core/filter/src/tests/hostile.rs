//! Random hostile sources: none may abort, hang or panic.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::text;

/// Returns a source of pieces that lexer, parser and evaluation stumble over, in random order or repeated.
fn hostile(random: &mut StdRng) -> String {
    const PIECES: [&str; 61] = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ".",
        ",",
        ":",
        "?",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        "==",
        "!=",
        "<",
        ">=",
        "&&",
        "||",
        " in ",
        " ",
        "\n",
        "//",
        "'",
        "\"",
        "\\",
        "'x'",
        "r'\\'",
        "b'x'",
        "'''",
        "`a`",
        "0",
        "1",
        "1u",
        "0x",
        ".5",
        "1e9",
        "9223372036854775807",
        "true",
        "null",
        "task",
        "task.id",
        "label",
        "label.a",
        "x",
        "has(",
        ".all(x,",
        ".map(x,",
        "size(",
        ".matches('x*'",
        "int(",
        "type(",
        "@",
        "é",
        "\u{202e}",
        "\0",
        "{'a':",
        "if",
    ];
    let period: Vec<_> = (0..random.random_range(1..12))
        .map(|_| PIECES[random.random_range(0..PIECES.len())])
        .collect();
    let length = random.random_range(1..=text::MAX_BYTES);
    let periodic = random.random_bool(0.5);
    let mut source = String::new();
    for piece in period.iter().cycle() {
        let piece = if periodic {
            piece
        } else {
            PIECES[random.random_range(0..PIECES.len())]
        };
        if source.len() + piece.len() > length {
            break;
        }
        source.push_str(piece);
    }
    source
}

/// Returns a source that parses more often than not, up to the limits and past them.
fn plausible(random: &mut StdRng, depth: usize) -> String {
    const LEAVES: [&str; 10] = [
        "task.id",
        "1",
        "'x'",
        "label.a.b",
        "true",
        "label",
        "[]",
        "false",
        "0.5",
        "{}",
    ];
    const OPERATORS: [&str; 8] = ["+", "==", "&&", "||", " in ", "<", "-", "%"];
    let leaf = LEAVES[random.random_range(0..LEAVES.len())];
    if depth == 0 {
        return leaf.to_owned();
    }
    let inner = plausible(random, depth - 1);
    let operator = OPERATORS[random.random_range(0..OPERATORS.len())];
    match random.random_range(0..40) {
        0 => format!("({inner})"),
        1 => format!("[{inner}, {leaf}]"),
        2 => format!("{{'k': {inner}}}"),
        3 => format!("!({inner})"),
        4 => format!("{inner} ? {leaf} : true"),
        5 => format!("[{leaf}].exists(x, {inner})"),
        6 => format!("({inner})[{leaf}]"),
        7 => format!("{inner}.map(x, x{operator}{leaf})"),
        8 => format!("size({inner})"),
        9 => format!("({inner}{operator}{leaf})"),
        _ => format!("{inner}{operator}{leaf}"),
    }
}

#[tokio::test]
async fn no_hostile_source_aborts_or_hangs() {
    let mut random = StdRng::seed_from_u64(3);
    let (mut ran, mut refused) = (0, 0);
    for turn in 0..4_000 {
        let source = if turn % 2 == 0 {
            hostile(&mut random)
        } else {
            let depth = random.random_range(1..120);
            plausible(&mut random, depth) + [" == 1", " || true", ""][turn % 3]
        };
        match compile(&source).await {
            Ok(filter) => {
                ran += 1;
                let found = filter.matches(values()).await;
                assert_ne!(found, Outcome::Fault("the evaluation failed".to_owned()), "{source}");
            }
            Err(reason) => {
                refused += 1;
                let fault = reason.contains("be understood") || reason.contains("too long to compile");
                assert!(!fault, "{source}: {reason}");
            }
        }
    }
    assert!(
        ran > 400 && refused > 2_000,
        "the generator is one-sided: {ran} ran, {refused} were refused"
    );
}
