//! Tests of the sandbox, one file per subject, and the helpers that they share.

mod answers;
mod bounds;
mod hostile;
mod limits;
mod refusals;
mod threads;

use std::time::Duration;

use serde_json::json;

use super::{Filter, Limits, Outcome, Scope, value::Values};
use crate::error::Error;

static SCOPE: Scope = Scope {
    roots: &[
        ("task", Some(&["id", "stage", "priority", "tags", "assignee"])),
        ("label", None),
        ("project", Some(&["id", "name"])),
    ],
};

/// Far longer than any job takes on any machine.
const LONG: Duration = Duration::from_secs(300);
/// Time limits that no machine reaches.
const PATIENT: Limits = Limits {
    evaluation: LONG,
    in_transaction: LONG,
    postponed: LONG,
    compilation: LONG,
    queue: LONG,
};

async fn compile(source: &str) -> Result<Filter, String> {
    compile_within(PATIENT, source).await
}

async fn compile_within(limits: Limits, source: &str) -> Result<Filter, String> {
    Filter::compile("condition", source, &SCOPE, limits)
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
