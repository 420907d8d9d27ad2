//! The input of saving a workflow.

use crate::webhook::Settings;
use entity::{StageOutput, StageType};

/// A complete workflow.
#[derive(Clone, Debug, Default)]
pub struct Save {
    /// The stages.
    pub stages: Vec<StageInput>,
    /// The version that the input is based on; another current version is a conflict.
    pub version: Option<i32>,
    /// The maximum number of times that a task may enter one webhook stage; absent: 100.
    pub max_passes: Option<i32>,
    /// The targets of the tasks of removed stages.
    pub moves: Vec<Move>,
}

/// A stage.
#[derive(Clone, Debug)]
pub struct StageInput {
    /// The id of an existing stage; absent: a new one.
    pub id: Option<String>,
    /// The display name of the stage, unique in the workflow.
    pub name: String,
    /// The type of the stage.
    pub stage_type: StageType,
    /// JSON text: the position at which an editor draws it.
    pub position: Option<String>,
    /// The outgoing edges, in order.
    pub edges: Vec<EdgeInput>,
    /// The webhook of a stage of type WEBHOOK. Absent for an existing stage: unchanged.
    pub webhook: Option<StageWebhook>,
}

/// An outgoing edge of a stage.
#[derive(Clone, Debug)]
pub struct EdgeInput {
    /// The output that the edge starts from.
    pub output: StageOutput,
    /// The target stage: its id, or its name in this input.
    pub to: String,
    /// The condition of a MATCHED edge, in CEL.
    pub condition: Option<String>,
}

/// The move of a removed stage's tasks to another stage.
#[derive(Clone, Debug)]
pub struct Move {
    /// The id of the stage that is removed.
    pub from: String,
    /// The target stage: its id, or its name in this input.
    pub to: String,
}

/// The webhook of a stage. Absent settings return to a stage's defaults, except secrets, credentials and custom
/// headers, which are kept.
#[derive(Clone, Debug, Default)]
pub struct StageWebhook {
    /// The secret, for [`AuthType::Secret`](entity::AuthType::Secret).
    pub secret: Option<String>,
    /// The settings. The URL is required, and topics are ignored: a stage has its own.
    pub settings: Settings,
}
