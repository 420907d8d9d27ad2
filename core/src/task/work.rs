//! Work on one task: save, submit, review.

use crate::{App, Error, Result, auth::Actor};
use entity::task;

/// What somebody made of a task.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The annotation, kept and sent as it is; absent: as it was.
    pub label: Option<String>,
    /// How long it took, in all; absent: from the durations.
    pub seconds_to_label: Option<f64>,
    /// Work since the last save, in milliseconds; absent: from `seconds_to_label`, else 0.
    pub duration_ms: Option<i64>,
    /// Of it, idle.
    pub idle_ms: Option<i64>,
    /// Of it, with the editor out of sight.
    pub blur_ms: Option<i64>,
    /// The stage that the task is believed to be in; another one is a conflict.
    pub stage: Option<String>,
}

/// What a reviewer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is good.
    Approved,
    /// It is not.
    Rejected,
}

/// A reviewer's judgement.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What they say.
    pub verdict: Verdict,
    /// The review's score; absent: 1 or -1.
    pub score: Option<f64>,
    /// The stage that the task is believed to be in; another one is a conflict.
    pub stage: Option<String>,
}

/// Saves work on a task, which stays where it is.
pub async fn save(app: &App, actor: &Actor, id: &str, answer: Answer) -> Result<task::Model> {
    let _ = (app, actor, answer);
    Err(Error::not_found("task", id))
}

/// Submits a task, which leaves its LABEL stage.
pub async fn submit(app: &App, actor: &Actor, id: &str, answer: Answer) -> Result<task::Model> {
    let _ = (app, actor, answer);
    Err(Error::not_found("task", id))
}

/// Judges a task, which leaves its REVIEW stage.
pub async fn review(app: &App, actor: &Actor, id: &str, outcome: Outcome) -> Result<task::Model> {
    let _ = (app, actor, outcome);
    Err(Error::not_found("task", id))
}
