//! The limits of sources, patterns and values.

use serde_json::Value;

use super::*;
use crate::{text, value};

#[tokio::test]
async fn a_source_too_deep_or_too_long_never_reaches_the_parser() {
    let chain = |term: &str, times: usize| format!("label.a{} == 1", term.repeat(times));
    let nested = |times: usize| format!("{}true{}", "(".repeat(times), ")".repeat(times));
    for (source, reason) in [
        (chain(" + 1", 1600), "longer than 2048 bytes"),
        (
            chain("+1", 900),
            "line 1, column 406: more than 200 operators and selectors",
        ),
        (chain("==1", 600), "more than 200 operators and selectors"),
        (chain(".b", 900), "more than 200 operators and selectors"),
        (chain("[0]", 600), "more than 200 operators and selectors"),
        (chain(" in a", 300), "more than 200 operators and selectors"),
        (
            format!("{}true", "!".repeat(900)),
            "more than 200 operators and selectors",
        ),
        (
            format!("{}1 == 1", "-".repeat(900)),
            "more than 200 operators and selectors",
        ),
        (
            format!("{}true", "true?true:".repeat(201)),
            "more than 200 operators and selectors",
        ),
        (nested(25), "line 1, column 25: more than 24 brackets are open"),
        (nested(1000), "more than 24 brackets are open"),
        ("[".repeat(300), "more than 24 brackets are open"),
        (format!("'{}' == 1)", "x".repeat(70_000)), "longer than 2048 bytes"),
        (format!("{}\n)", "x".repeat(2000)), "line 2, column 1: unexpected ')'"),
    ] {
        let refused = compile(&source).await.expect_err("it is past a bound");
        assert!(refused.ends_with(reason), "{refused}: {}", &source[..40]);
    }
}

#[tokio::test]
async fn the_largest_sources_that_are_allowed_run() {
    let chain = |term: &str, times: usize| format!("1{} > 0", term.repeat(times));
    for source in [
        chain(" + 1", text::MAX_OPERATORS - 1),
        chain(" == 1 ", 100) + " || true",
        format!("{}true{}", "(".repeat(text::MAX_DEPTH), ")".repeat(text::MAX_DEPTH)),
        format!(
            "{}task.id{} == 1 || true",
            "[".repeat(text::MAX_DEPTH),
            "]".repeat(text::MAX_DEPTH)
        ),
        format!("label{} == 1 || true", ".b".repeat(text::MAX_OPERATORS - 2)),
        format!("label{} == 1 || true", "[0]".repeat(text::MAX_OPERATORS - 2)),
        format!("{}true", "true?true:".repeat(90)),
        format!("{}true", "true && ".repeat(text::MAX_OPERATORS)),
    ] {
        assert_eq!(outcome(&source).await, Outcome::Match, "{source}");
    }
}

#[tokio::test]
async fn the_bounds_count_what_an_expression_reads() {
    let large = "x".repeat(value::MAX_WEIGHT);
    let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
    let many = Value::Array(vec![json!(1); value::MAX_WEIGHT / 8]);
    let label = json!({"large": large, "deep": deep, "many": many, "small": 1,
        "inner": {"small": 1, "large": large, "list": [{"a": 1}]}});
    for (source, expected) in [
        ("label.small == 1", Outcome::Match),
        (
            "label.inner.small == 1 && label['inner'].list[0].a == 1",
            Outcome::Match,
        ),
        ("has(label.inner.small) && !has(label.inner.none)", Outcome::Match),
        ("label.inner.list.exists(l, l.a == label.inner.small)", Outcome::Match),
        (
            "label.inner.large != ''",
            Outcome::Fault("label is too large".to_owned()),
        ),
        (
            "size(label.inner) > 0 && label.inner.small == 1",
            Outcome::Fault("label is too large".to_owned()),
        ),
        ("label.large != ''", Outcome::Fault("label is too large".to_owned())),
        ("size(label.many) > 0", Outcome::Fault("label is too large".to_owned())),
        ("size(label) > 0", Outcome::Fault("label is too large".to_owned())),
        ("label.deep != 1", Outcome::Fault("label is nested too deep".to_owned())),
    ] {
        let found = compiled(source)
            .await
            .matches(Values::new().with("label", label.clone()))
            .await;
        assert_eq!(found, expected, "{source}");
    }
}

#[tokio::test]
async fn patterns_are_bounded() {
    for (source, reason) in [
        (
            "''.matches('(x')",
            "the pattern of matches is no regular expression: unclosed group",
        ),
        (
            "''.matches('x{65}')",
            "the repetitions {n} of the pattern come to more than 64",
        ),
        (
            "''.matches('x{40}y{2,25}')",
            "the repetitions {n} of the pattern come to more than 64",
        ),
        (
            "''.matches('(x){2}')",
            "a repetition {n} of a pattern stands after a single character or class only",
        ),
        (
            "''.matches('x{2}{2}')",
            "a repetition {n} of a pattern stands after a single character or class only",
        ),
        (
            "''.matches('x{2}?{2}')",
            "a repetition {n} of a pattern stands after a single character or class only",
        ),
        (
            "matches('', '(?i-x:(?ix)a)')",
            "the flag x of patterns is not supported",
        ),
    ] {
        let refused = compile(source).await.expect_err(source);
        assert!(refused.ends_with(reason), "{source}: {refused}");
    }
    let long = compile(&format!("''.matches('{}')", "x".repeat(257)))
        .await
        .expect_err("it is too long");
    assert!(
        long.ends_with("the pattern of matches is longer than 256 bytes"),
        "{long}"
    );
    let many = compile(&["''.matches('x')"; 9].join("||"))
        .await
        .expect_err("they are too many");
    assert_eq!(many, "line 1, column 148: more than 8 patterns");
    for source in [
        r"'2026-11-21'.matches('^\\d{4}-\\d{2}-\\d{2}$')",
        r"'é'.matches(r'^\p{L}$') && 'A'.matches(r'\x{41}{1}|\x{41}') == false || true",
        r"'a{99}'.matches(r'a\{99\}')",
    ] {
        assert_eq!(outcome(source).await, Outcome::Match, "{source}");
    }
    let long = Values::new().with("task", json!({"id": "x".repeat(10_000)}));
    let found = compiled("task.id.matches('x')").await.matches(long).await;
    assert_eq!(found, Outcome::Fault("matches reads at most 8192 bytes".to_owned()));
}
