//! The input of saving a workflow.

use crate::{delivery::limit::Rate, webhook::Retry};
use entity::{AuthType, PayloadContent, PayloadFormat, StageOutput, StageType};
use serde_json::Value;

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

/// The webhook of a stage. Secrets and credentials are kept when they are absent.
#[derive(Clone, Debug, Default)]
pub struct StageWebhook {
    /// The URL that deliveries are sent to.
    pub url: String,
    /// The authentication scheme of the deliveries.
    pub auth_type: Option<AuthType>,
    /// The secret, for [`AuthType::Secret`].
    pub secret: Option<String>,
    /// The token, for [`AuthType::Bearer`].
    pub bearer_token: Option<String>,
    /// The header's value, for [`AuthType::Header`].
    pub authorization_header: Option<String>,
    /// Custom headers: an object of strings that replaces all previous ones; absent: unchanged.
    pub headers: Option<Value>,
    /// The payload format; Ango Hub's by default.
    pub payload_format: Option<PayloadFormat>,
    /// The part of a task that is sent; all by default.
    pub payload_content: Option<PayloadContent>,
    /// A GraphQL selection that shapes the body instead of the payload format.
    pub payload_query: Option<String>,
    /// A CEL expression that selects the tasks to send; others move on.
    pub filter: Option<String>,
    /// The retry policy; absent fields have a stage's default.
    pub retry: Retry,
    /// The timeout of one attempt in milliseconds.
    pub timeout_ms: Option<i32>,
    /// The maximum number of concurrent requests.
    pub max_in_flight: Option<i32>,
    /// The rate limit; none: no limit.
    pub rate: Option<Rate>,
}
