//! The filter as its callers meet it: what is refused and where, what matches, and what hostile input cannot do.

use std::sync::mpsc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::{
    Filter, Outcome, Scope, TIME_LIMIT,
    pool::{Pool, Refusal},
    text,
    value::{self, Values},
};
use crate::Error;

static SCOPE: Scope = Scope {
    roots: &[
        ("task", Some(&["id", "stage", "priority", "tags", "assignee"])),
        ("label", None),
        ("project", Some(&["id", "name"])),
    ],
};

async fn compile(source: &str) -> Result<Filter, String> {
    Filter::compile("condition", source, &SCOPE)
        .await
        .map_err(|error| match error {
            Error::Invalid { field, reason } => {
                assert_eq!(field, "condition");
                reason
            }
            other => panic!("{source:?}: {other:?}"),
        })
}

async fn compiled(source: &str) -> Filter {
    compile(source)
        .await
        .unwrap_or_else(|reason| panic!("{source:?}: {reason}"))
}

fn values() -> Values {
    Values::new()
        .with(
            "task",
            json!({"id": "t1", "stage": "qa", "priority": 3, "tags": ["a", "bb", "ccc"], "assignee": null}),
        )
        .with(
            "label",
            json!({"score": 0.5, "objects": [{"name": "car", "box": {"w": 3}}, {"name": "dog"}], "ü": 1}),
        )
        .with("project", json!({"id": "p1", "name": "Straße"}))
}

async fn outcome(source: &str) -> Outcome {
    compiled(source).await.matches(values()).await
}

#[tokio::test]
async fn a_condition_is_true_or_false_of_the_values() {
    for (source, expected) in [
        ("true", true),
        ("task.stage == 'qa'", true),
        ("task[\"stage\"] == \"qa\" && task.priority > 2", true),
        ("task.priority == 3.0", true),
        ("task.priority + 1 == 4", true),
        ("task.stage in ['label', 'qa']", true),
        ("'bb' in task.tags", true),
        ("size(task.tags) == 3 && task.tags.size() == 3", true),
        ("task.tags.exists(t, t.startsWith('c'))", true),
        ("task.tags.all(t, t.size() < 3)", false),
        ("task.tags.exists_one(t, t == 'a')", true),
        ("task.tags.filter(t, t != 'a') == ['bb', 'ccc']", true),
        ("task.tags.map(t, size(t)) == [1, 2, 3]", true),
        ("task.tags.map(t, t != 'a', size(t))[1] == 3", true),
        ("label.objects.exists(o, has(o.box) && o.box.w == 3)", true),
        ("label.objects.exists(o, o.box.w == 3)", true),
        ("label[\"ü\"] == 1", true),
        ("project.name.matches('^Stra.e$')", true),
        ("matches(project.name, r'^\\w+$')", true),
        ("has(label.score) ? label.score >= 0.5 : false", true),
        ("has(label.nothing)", false),
        ("label.nothing == 1 || true", true),
        ("label.nothing == 1 && false", false),
        ("task.assignee == null && !(type(task.id) == int)", true),
        ("{'qa': true}[task.stage]", true),
        ("size(task) == 5 && 'id' in task", true),
        ("// who\ntask.id == 't1' // and ((((( why", true),
        ("'((((((((((((((((((((((((((((((' != \"\\\"[\\u005b\" ", true),
    ] {
        let expected = if expected { Outcome::Match } else { Outcome::NoMatch };
        assert_eq!(outcome(source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn what_has_no_answer_is_a_fault_that_shows_no_value() {
    for (source, reason) in [
        ("label.nothing == 1", "No such key: nothing"),
        ("has(label.nothing.more)", "No such key: nothing"),
        ("label.score", "the result is not a boolean but of type double"),
        ("label.score + 1 > 0", "add does not take these values"),
        ("int(project.name) == 1", "int failed"),
        ("label.objects[7] == 1", "index out of bounds"),
        ("1 / (task.priority - 3) == 1", "division by zero"),
        (
            "project.name > 1",
            "found no matching overload for '_>_' applied to '(string, int)'",
        ),
    ] {
        assert_eq!(outcome(source).await, Outcome::Fault(reason.to_owned()), "{source}");
    }
    let without = compiled("task.id == 't1'").await.matches(Values::new()).await;
    assert_eq!(without, Outcome::Fault("Undeclared reference to 'task'".to_owned()));
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_its_position() {
    for (source, reason) in [
        ("", "the expression is empty"),
        (" \n\t", "the expression is empty"),
        (
            "task.foo == 1",
            "line 1, column 1: task has no foo, it has id, stage, priority, tags, assignee",
        ),
        (
            "true &&\n  task['foo'] == 1",
            "line 2, column 3: task has no foo, it has id, stage, priority, tags, assignee",
        ),
        (
            "'ü' == 'ü' && has(project.foo)",
            "line 1, column 19: project has no foo, it has id, name",
        ),
        (
            "tasks.id == 1",
            "line 1, column 1: unknown name tasks, there is task, label, project",
        ),
        (
            "'ä' in label.a && x",
            "line 1, column 19: unknown name x, there is task, label, project",
        ),
        (
            "task.tags.all(t, u)",
            "line 1, column 18: unknown name u, there is task, label, project",
        ),
        (
            "task.tags.all(t, true) && t",
            "line 1, column 27: unknown name t, there is task, label, project",
        ),
        (
            ".task.id == 1",
            "line 1, column 2: unknown name .task, there is task, label, project",
        ),
        (
            "task.tags.all(task, true)",
            "line 1, column 11: the variable task hides the name task",
        ),
        ("task.id ==", "line 1, column 11: mismatched input '<EOF>'"),
        ("task.id = 1", "line 1, column 9: token recognition error at: '= '"),
        ("task.\n id id", "line 2, column 5: extraneous input 'id'"),
        ("(true", "line 1, column 1: the bracket is not closed"),
        ("(true]", "line 1, column 6: unexpected ']'"),
        ("true)", "line 1, column 5: unexpected ')'"),
        ("task.id == 'x", "line 1, column 12: the string is not closed"),
        ("task.id == 'x\n'", "line 1, column 12: the string is not closed"),
        ("task.id == '\\q'", "line 1, column 13: unknown escape in a string"),
        (
            "task.id == '''x'''",
            "line 1, column 13: strings with three quotes are not supported",
        ),
        ("1r'x'", "line 1, column 3: an operator is missing before the string"),
        ("task.id == “x”", "line 1, column 12: unexpected character '“'"),
        ("task.`id`", "line 1, column 6: unexpected character '`'"),
        ("label.?a", "line 1, column 6: unsupported syntax '.?'"),
        ("1", "line 1, column 1: the result is not a boolean"),
        ("true && 'x'", "line 1, column 9: the result is not a boolean"),
        ("task", "line 1, column 1: the result is not a boolean"),
        ("task.priority + 1", "line 1, column 15: the result is not a boolean"),
        ("size(task.tags)", "line 1, column 1: the result is not a boolean"),
        ("task.tags.map(t, t)", "line 1, column 11: the result is not a boolean"),
        (
            "task.id == '' ? 1 : 2",
            "line 1, column 17: the result is not a boolean",
        ),
        ("task.id.startWith('x')", "line 1, column 9: startWith is no function"),
        (
            "task.id.startsWith()",
            "line 1, column 9: startsWith is not called like this",
        ),
        (
            "startsWith(task.id, 'x')",
            "line 1, column 1: startsWith is not called like this",
        ),
        ("task.tags.exists(t)", "line 1, column 11: exists does not take these"),
        (
            "task.id.matches(task.stage)",
            "line 1, column 21: the pattern of matches must be a literal",
        ),
        ("label.a.b{c: 1}", "line 1, column 10: messages are not supported"),
        (
            "task.tags.all(t, task.tags.all(u, true))",
            "line 1, column 28: a loop (all, exists, map, filter) stands inside another",
        ),
        (
            "task.tags.map(t, t + t).map(t, t + t) == []",
            "line 1, column 11: a loop (all, exists, map, filter) stands inside another",
        ),
    ] {
        let found = compile(source).await.err();
        assert_eq!(found.as_deref(), Some(reason), "{source}");
    }
}

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
async fn a_filter_that_takes_too_long_is_switched_off_and_others_go_on() {
    let (slow, other) = (
        compiled("task.tags.all(t, t != 'x')").await,
        compiled("task.id == 't1'").await,
    );
    let twin = slow.clone();
    for end in ["", "", " and is switched off"] {
        let found = slow.matches_within(Duration::ZERO, values()).await;
        assert_eq!(
            found,
            Outcome::Stopped(format!("the expression took longer than 0ns{end}"))
        );
    }
    for switched_off in [slow, twin] {
        let found = switched_off.matches(values()).await;
        assert_eq!(
            found,
            Outcome::Stopped("the expression was switched off, it took too long before".to_owned())
        );
    }
    assert_eq!(other.matches(values()).await, Outcome::Match);
    assert_eq!(
        outcome("task.tags.all(t, t != 'x')").await,
        Outcome::Match,
        "compiled anew it runs again"
    );
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

#[tokio::test]
async fn the_worst_that_is_allowed_is_cut_short() {
    for source in [
        format!("task.tags.all(t, {})", vec!["label == label"; 60].join(" && ")),
        format!("task.tags.map(t, {}) == []", vec!["label.list"; 90].join(" + ")),
        format!("task.tags.map(t, [{}]) == []", vec!["label.list"; 150].join(",")),
        format!("[task.tags].exists(t, [{}] == 1)", vec!["t"; 950].join(",")),
        format!("task.tags.exists(t, size({}) < 0)", vec!["label.text"; 90].join("+")),
        format!("task.tags.exists(t, label.word.matches('{}y$'))", r"\\w?".repeat(60)),
        format!(
            "task.tags.exists(t, {})",
            [r"label.word.matches('\\w{64}y$')"; 8].join(" || ")
        ),
    ] {
        let tags = Value::Array(vec![json!(1); 16_000]);
        let word = "x".repeat(8_000) + "y!";
        let label = json!({"list": vec![json!(1); 8_000], "text": "x".repeat(64_000), "word": word});
        let filter = compiled(&source).await;
        let found = filter
            .matches(Values::new().with("task", json!({"tags": tags})).with("label", label))
            .await;
        assert!(matches!(found, Outcome::Stopped(_)), "{source}: {found:?}");
    }
    assert_eq!(outcome("task.id == 't1'").await, Outcome::Match);
}

/// What lexer, parser and evaluation stumble over, strung together at random or over and over.
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

/// A source that parses more often than not, up to the bounds and past them.
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

#[tokio::test]
async fn a_stuck_thread_is_replaced_and_joins_again() {
    static POOL: Pool = Pool::new("test-stuck", 1);
    let (release, released) = mpsc::channel::<()>();
    let (ended, ends) = mpsc::channel::<()>();
    let stuck = POOL.run(Duration::ZERO, move || {
        released.recv().ok();
        ended.send(()).ok();
    });
    assert_eq!(stuck.await, Err(Refusal::Stuck));
    assert_eq!(
        POOL.run(TIME_LIMIT, || 7).await,
        Ok(7),
        "another thread has taken its place"
    );
    release.send(()).expect("the job waits");
    ends.recv().expect("the job ends");
    assert_eq!(POOL.run(TIME_LIMIT, || 8).await, Ok(8));
}

#[tokio::test]
async fn a_job_that_panics_costs_no_thread() {
    static POOL: Pool = Pool::new("test-panic", 1);
    for _ in 0..3 {
        assert_eq!(
            POOL.run(TIME_LIMIT, || panic!("on purpose")).await,
            Err::<(), _>(Refusal::Panicked)
        );
    }
    assert_eq!(POOL.run(TIME_LIMIT, || 7).await, Ok(7));
}
