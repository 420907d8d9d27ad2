//! The time limit of an evaluation.

use serde_json::Value;

use super::*;
use crate::{EVALUATION, evaluate, watch::Verdict};

#[tokio::test]
async fn a_filter_that_takes_too_long_is_switched_off_and_others_go_on() {
    let no_time = Limits {
        evaluation: Duration::ZERO,
        ..PATIENT
    };
    let slow = compile_within(no_time, "task.tags.all(t, t != 'x')").await;
    let (slow, other) = (slow.expect("it compiles"), compiled("task.id == 't1'").await);
    let twin = slow.clone();
    for _ in 0..3 {
        let found = slow.matches(values()).await;
        let reason = "the expression took more than 0ns of processor time";
        assert_eq!(found, Outcome::TooDear(reason.to_owned()));
    }
    for switched_off in [slow, twin] {
        let found = switched_off.matches(values()).await;
        assert_eq!(
            found,
            Outcome::TooDear("the expression is switched off for a minute, it took too long before".to_owned())
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
async fn a_filter_whose_events_are_postponed_is_never_switched_off() {
    let no_time = Limits {
        evaluation: Duration::ZERO,
        ..PATIENT
    };
    let filter = compile_within(no_time, "task.tags.all(t, t != 'x')").await;
    let filter = filter.expect("it compiles");
    for _ in 0..5 {
        let found = filter.matches_within(values(), Duration::ZERO).await;
        assert!(matches!(found, Outcome::TooDear(_)), "{found:?}");
    }
    assert_eq!(filter.matches_postponed(values()).await, Outcome::Match);
    assert_eq!(filter.matches_within(values(), LONG).await, Outcome::Match);
}

/// Far less than the expressions below take to their end on any machine.
const A_MOMENT: Duration = Duration::from_millis(1);

/// The instrumented expression ends itself: the pool, which has minutes, would call none of them stuck.
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
        let values = Values::new().with("task", json!({"tags": tags})).with("label", label);
        let evaluation = move || evaluate(&filter.0, &values, A_MOMENT);
        let found = EVALUATION.run(LONG, LONG, evaluation).await;
        assert!(matches!(found, Ok(Ok(Verdict::TimedOut))), "{source}: {found:?}");
    }
    assert_eq!(outcome("task.id == 't1'").await, Outcome::Match);
}
