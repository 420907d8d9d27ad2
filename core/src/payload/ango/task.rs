//! The `task` of Ango Hub's bodies and of its export: its stage, the working times, the answer, and the completed
//! stages.

use super::answer::Answer;
use crate::event::{self, LabelChange, Stage, Visit};
use entity::StageType;
use serde::Serialize;

/// The id of every workflow's first stage.
const START: &str = "Start";
/// The name of the stage of an answer that was submitted outside a workflow.
const STAGE: &str = "Label";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Task<'a> {
    r#type: &'static str,
    task_id: String,
    stage: String,
    stage_id: String,
    stage_name: &'a str,
    updated_at: String,
    updated_by: Option<&'a str>,
    duration: i64,
    blur_duration: i64,
    idle_duration: i64,
    total_duration: i64,
    total_blur_duration: i64,
    total_idle_duration: i64,
    #[serde(flatten)]
    answer: Answer,
    stage_history: Vec<Entry<'a>>,
    brush_data_url: Option<String>,
    medical_brush_data_url: Option<String>,
}

/// A completed stage. This service has no consensus, so `consensusId` is absent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    stage_id: String,
    duration: i64,
    idle_duration: i64,
    blur_duration: i64,
    completed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_history: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_by: Option<&'a str>,
    is_skipped: bool,
    #[serde(rename = "_id")]
    id: String,
    /// Only in the export format.
    #[serde(flatten)]
    answer: Option<Answer>,
}

/// Builds the task of a webhook's body: stages by id, the history without answers.
pub(super) fn of(task: &event::Task, mut answer: Answer) -> Task<'_> {
    Task {
        r#type: "default",
        task_id: task.id.to_string(),
        stage: stage_id(&task.stage),
        stage_id: stage_id(&task.stage),
        stage_name: &task.stage.name,
        updated_at: task.updated_at.millis(),
        updated_by: task.updated_by.as_deref(),
        duration: task.here.duration_ms,
        blur_duration: task.here.blur_ms,
        idle_duration: task.here.idle_ms,
        total_duration: task.total.duration_ms,
        total_blur_duration: task.total.blur_ms,
        total_idle_duration: task.total.idle_ms,
        stage_history: task.history.iter().map(entry).collect(),
        brush_data_url: answer.brush_data_url.take(),
        medical_brush_data_url: answer.medical_brush_data_url.take(),
        answer,
    }
}

/// Builds the task of an export: its stage by name, and the history with the annotation submitted in each stage.
pub(super) fn exported<'a>(task: &'a event::Task, answer: Answer, answers: &[Option<String>]) -> Task<'a> {
    let mut exported = Task {
        stage: task.stage.name.clone(),
        ..of(task, answer)
    };
    let mut latest = Answer::default();
    for (index, entry) in exported.stage_history.iter_mut().enumerate() {
        if let Some(Some(annotation)) = answers.get(index) {
            latest = Answer::parse(annotation);
        }
        entry.answer = Some(latest.clone());
    }
    exported
}

/// Builds the task of a label that was submitted outside a workflow.
pub(super) fn without_workflow(change: &LabelChange, mut answer: Answer) -> Task<'_> {
    let label = &change.label;
    let duration = (label.seconds_to_label * 1000.0).round() as i64;
    Task {
        r#type: "default",
        task_id: label.id.to_string(),
        stage: STAGE.into(),
        stage_id: STAGE.into(),
        stage_name: STAGE,
        updated_at: label.updated_at.millis(),
        updated_by: change.user.as_ref().map(|user| user.email.as_str()),
        duration,
        blur_duration: 0,
        idle_duration: 0,
        total_duration: duration,
        total_blur_duration: 0,
        total_idle_duration: 0,
        stage_history: Vec::new(),
        brush_data_url: answer.brush_data_url.take(),
        medical_brush_data_url: answer.medical_brush_data_url.take(),
        answer,
    }
}

fn entry(visit: &Visit) -> Entry<'_> {
    let event_id = visit.event_id.filter(|_| !is_start(&visit.stage));
    Entry {
        stage_id: stage_id(&visit.stage),
        duration: visit.duration_ms,
        idle_duration: visit.idle_ms,
        blur_duration: visit.blur_ms,
        completed_at: visit.completed_at.millis(),
        task_history: event_id.map(|id| id.to_string()),
        completed_by: visit.completed_by.as_deref(),
        submitted_by: visit.submitted_by.as_deref(),
        is_skipped: visit.skipped,
        id: visit.id.to_string(),
        answer: None,
    }
}

fn stage_id(stage: &Stage) -> String {
    if is_start(stage) {
        START.into()
    } else {
        stage.id.to_string()
    }
}

fn is_start(stage: &Stage) -> bool {
    stage.r#type == StageType::Start
}
