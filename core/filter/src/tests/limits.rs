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
    for end in ["", "", " and is switched off"] {
        let found = slow.matches(values()).await;
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
