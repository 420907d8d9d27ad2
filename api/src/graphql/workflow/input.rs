//! Inputs that save a workflow.

use async_graphql::{ID, InputObject};
use entity::{AuthType, PayloadContent, PayloadFormat, StageOutput, StageType};
use labelhook_core::{
    webhook::Settings,
    workflow::{self as workflows, EdgeInput, Move, Save, StageWebhook},
};

use super::super::{
    error::Result,
    json::Json,
    webhook::{RateLimitInput, RetryPolicyInput},
};

/// A complete workflow: stages that it does not list are removed.
#[derive(InputObject)]
pub struct WorkflowInput {
    /// The stages, at most 200: exactly one START, from which every other stage can be reached.
    stages: Vec<StageInput>,
    /// The version that the input is based on: RESOURCE_CONFLICT when the workflow was saved since. Not checked when
    /// absent.
    version: Option<i32>,
    /// The maximum number of times that a task may enter one webhook stage before it is held there.
    #[graphql(default = 100)]
    max_passes: Option<i32>,
    /// The targets of the tasks of removed stages. A stage that still has tasks can be removed only with one.
    move_tasks: Option<Vec<StageMoveInput>>,
}

impl WorkflowInput {
    /// Parses the input into the type that `labelhook_core` takes.
    pub(super) fn read(self) -> Result<Save> {
        let stages = self.stages.into_iter().enumerate();
        Ok(Save {
            stages: stages
                .map(|(place, stage)| stage.read(&format!("stages.{place}")))
                .collect::<Result<_>>()?,
            version: self.version,
            max_passes: self.max_passes,
            moves: self
                .move_tasks
                .unwrap_or_default()
                .into_iter()
                .map(Into::into)
                .collect(),
        })
    }
}

/// The move of a removed stage's tasks to another stage.
#[derive(InputObject)]
pub struct StageMoveInput {
    /// The id of the stage that is removed.
    from: ID,
    /// The target stage: its id, or its name in this input.
    to: String,
}

impl From<StageMoveInput> for Move {
    fn from(input: StageMoveInput) -> Self {
        Self {
            from: input.from.0,
            to: input.to,
        }
    }
}

/// A stage of a workflow.
#[derive(InputObject)]
pub struct StageInput {
    /// The id of an existing stage; a new stage is created when absent.
    id: Option<ID>,
    /// The display name of the stage, unique in the workflow: 1 to 256 characters.
    name: String,
    /// The type of the stage.
    #[graphql(name = "type")]
    kind: StageType,
    /// The position at which an editor draws the stage, as any JSON; stored and returned only.
    position: Option<Json>,
    /// The outgoing edges, in order. The type determines which outputs are required and allowed.
    edges: Option<Vec<StageEdgeInput>>,
    /// The webhook of a stage of type WEBHOOK. It may be omitted for an existing stage, which keeps its webhook.
    webhook: Option<StageWebhookInput>,
}

impl StageInput {
    fn read(self, path: &str) -> Result<workflows::StageInput> {
        let position = |json: Json| json.text(&format!("{path}.position"));
        let webhook = |webhook: StageWebhookInput| webhook.read(&format!("{path}.webhook"));
        Ok(workflows::StageInput {
            id: self.id.map(|id| id.0),
            name: self.name,
            stage_type: self.kind,
            position: self.position.map(position).transpose()?,
            edges: self.edges.unwrap_or_default().into_iter().map(Into::into).collect(),
            webhook: self.webhook.map(webhook).transpose()?,
        })
    }
}

/// An outgoing edge of a stage.
#[derive(InputObject)]
pub struct StageEdgeInput {
    /// The output that the edge starts from.
    output: StageOutput,
    /// The target stage: its id, or its name in this input.
    to: String,
    /// The condition of a MATCHED edge, required there: a CEL expression over `task`, `label` and `project`.
    condition: Option<String>,
}

impl From<StageEdgeInput> for EdgeInput {
    fn from(input: StageEdgeInput) -> Self {
        Self {
            output: input.output,
            to: input.to,
            condition: input.condition,
        }
    }
}

/// The webhook of a stage. The secret, the token, the header's value and the custom headers of an existing stage are
/// kept when they are absent.
#[derive(InputObject)]
pub struct StageWebhookInput {
    /// The URL that deliveries are sent to: http or https, with a host, without credentials and fragment, at most 2,048
    /// characters.
    url: String,
    /// The authentication scheme of the deliveries.
    auth_type: AuthType,
    /// The secret that signs the deliveries, at most 1,024 bytes; required when `authType` is SECRET and the stage has
    /// none yet.
    secret: Option<String>,
    /// The token of `Authorization: Bearer`, for `authType` BEARER.
    bearer_token: Option<String>,
    /// The value of the `Authorization` header, for `authType` HEADER.
    authorization_header: Option<String>,
    /// Custom headers: an object of strings, at most 32, that replaces all previous ones. They cannot replace headers
    /// that the service sets, `Host`, `Content-*` or hop-by-hop headers.
    headers: Option<Json>,
    /// The payload format.
    #[graphql(default_with = "Some(PayloadFormat::Ango)")]
    payload_format: Option<PayloadFormat>,
    /// The part of a task that is sent.
    #[graphql(default_with = "Some(PayloadContent::Full)")]
    payload_content: Option<PayloadContent>,
    /// A GraphQL selection on the event, such as `{ id task { id stage { name } } dataRow { externalId } }`: its result
    /// is the body, instead of the payload format's.
    payload_query: Option<String>,
    /// A CEL expression over `event`: a task for which it is not true is not sent and moves on over SUCCEEDED
    /// immediately. A task for which it cannot be evaluated is held.
    filter: Option<String>,
    /// The retry policy of failed deliveries. An absent field has the default of a stage: 6 requests, after 5 s, 30 s,
    /// 2 min, 10 min and 30 min.
    retry_policy: Option<RetryPolicyInput>,
    /// The timeout of one attempt in milliseconds: 1,000 to 30,000. Default 15,000.
    timeout_ms: Option<i32>,
    /// The maximum number of concurrent requests: 1 to 256. Default 32.
    max_in_flight: Option<i32>,
    /// The rate limit; no limit when absent.
    rate_limit: Option<RateLimitInput>,
}

impl StageWebhookInput {
    fn read(self, path: &str) -> Result<StageWebhook> {
        let headers = |json: Json| json.plain(&format!("{path}.headers"));
        Ok(StageWebhook {
            secret: self.secret,
            settings: Settings {
                url: Some(self.url),
                auth_type: Some(self.auth_type),
                bearer_token: self.bearer_token,
                authorization_header: self.authorization_header,
                headers: self.headers.map(headers).transpose()?,
                payload_format: self.payload_format,
                payload_content: self.payload_content,
                payload_query: Some(self.payload_query),
                filter: Some(self.filter),
                retry: self.retry_policy.unwrap_or_default().of_new(),
                timeout_ms: self.timeout_ms,
                max_in_flight: self.max_in_flight,
                rate: Some(self.rate_limit.map(Into::into)),
                ..Settings::default()
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{InputType, Value, value};

    use super::*;

    fn read(data: Value) -> Save {
        let Ok(input) = WorkflowInput::parse(Some(data)) else {
            panic!("an input");
        };
        input.read().expect("a workflow")
    }

    #[test]
    fn a_stages_webhook_speaks_ango_in_full_unless_it_is_told_otherwise() {
        let save = read(value!({"stages": [
            {"name": "A", "type": "WEBHOOK", "webhook": {"url": "u", "authType": "NONE"}},
            {"name": "B", "type": "WEBHOOK", "webhook": {
                "url": "u", "authType": "HEADER", "payloadFormat": "V7", "payloadContent": "METADATA_ONLY"
            }}
        ]}));
        let said = |stage: &workflows::StageInput| {
            let webhook = stage.webhook.clone().expect("a webhook").settings;
            (webhook.auth_type, webhook.payload_format, webhook.payload_content)
        };
        let (ango, full) = (Some(PayloadFormat::Ango), Some(PayloadContent::Full));
        assert_eq!(said(&save.stages[0]), (Some(AuthType::None), ango, full));
        let (v7, metadata) = (Some(PayloadFormat::V7), Some(PayloadContent::MetadataOnly));
        assert_eq!(said(&save.stages[1]), (Some(AuthType::Header), v7, metadata));
        assert_eq!(save.max_passes, Some(100));
    }

    #[test]
    fn a_graph_is_read_as_it_was_drawn() {
        let save = read(value!({
            "version": 3, "maxPasses": 5, "moveTasks": [{"from": "old", "to": "A"}],
            "stages": [{"id": "a", "name": "A", "type": "LOGIC", "position": {"y": 2, "x": 1}, "edges": [
                {"output": "MATCHED", "to": "B", "condition": "true"}, {"output": "ELSE", "to": "C"}
            ]}]
        }));
        assert_eq!((save.version, save.max_passes), (Some(3), Some(5)));
        assert_eq!((save.moves[0].from.as_str(), save.moves[0].to.as_str()), ("old", "A"));
        let stage = &save.stages[0];
        assert_eq!(stage.position.as_deref(), Some(r#"{"y":2,"x":1}"#));
        let edges: Vec<_> = stage.edges.iter().map(|edge| (edge.output, edge.to.as_str())).collect();
        assert_eq!(edges, [(StageOutput::Matched, "B"), (StageOutput::Else, "C")]);
        assert!(stage.webhook.is_none(), "as it was");
    }
}
