//! A workflow as people give it.

use crate::{delivery::limit::Rate, webhook::Retry};
use entity::{AuthType, PayloadContent, PayloadFormat, StageOutput, StageType};
use serde_json::Value;

/// A workflow, whole.
#[derive(Clone, Debug, Default)]
pub struct Save {
    /// Its stages.
    pub stages: Vec<StageInput>,
    /// The version it was made from; another one is a conflict.
    pub version: Option<i32>,
    /// How often a task may enter one webhook stage; absent: 100.
    pub max_passes: Option<i32>,
    /// Where the tasks of removed stages go.
    pub moves: Vec<Move>,
}

/// A stage.
#[derive(Clone, Debug)]
pub struct StageInput {
    /// Of a stage that there is; absent: a new one.
    pub id: Option<String>,
    /// What people call it; unique in the workflow.
    pub name: String,
    /// What it does.
    pub stage_type: StageType,
    /// JSON text: where an editor draws it.
    pub position: Option<String>,
    /// The ways out, in order.
    pub edges: Vec<EdgeInput>,
    /// Where it sends: of WEBHOOK. Absent for a stage that there is: as it was.
    pub webhook: Option<StageWebhook>,
}

/// A way out of a stage.
#[derive(Clone, Debug)]
pub struct EdgeInput {
    /// Which.
    pub output: StageOutput,
    /// A stage's id, or its name in this input.
    pub to: String,
    /// When it is taken: CEL, of MATCHED alone.
    pub condition: Option<String>,
}

/// Tasks of a stage that is removed go to another.
#[derive(Clone, Debug)]
pub struct Move {
    /// The stage that is removed.
    pub from: String,
    /// A stage's id, or its name in this input.
    pub to: String,
}

/// Where a webhook stage sends, and how. What proves where a delivery comes from stays when it is absent.
#[derive(Clone, Debug, Default)]
pub struct StageWebhook {
    /// Where to.
    pub url: String,
    /// How deliveries prove where they come from.
    pub auth_type: Option<AuthType>,
    /// For [`AuthType::Secret`].
    pub secret: Option<String>,
    /// For [`AuthType::Bearer`].
    pub bearer_token: Option<String>,
    /// For [`AuthType::Header`].
    pub authorization_header: Option<String>,
    /// Custom headers: an object of strings, replaced whole; absent: as they were.
    pub headers: Option<Value>,
    /// The dialect; Ango's unless given.
    pub payload_format: Option<PayloadFormat>,
    /// How much of a task; all unless given.
    pub payload_content: Option<PayloadContent>,
    /// A GraphQL selection in the dialect's place.
    pub payload_query: Option<String>,
    /// CEL: which tasks are sent; the others pass on.
    pub filter: Option<String>,
    /// When to try again; what is absent is a stage's default.
    pub retry: Retry,
    /// Time of one attempt.
    pub timeout_ms: Option<i32>,
    /// Requests at the same time at most.
    pub max_in_flight: Option<i32>,
    /// How often at most; none: as often as it can.
    pub rate: Option<Rate>,
}
