//! The compiled form of a workflow: stages by id, compiled conditions, and webhooks in the form that publishing needs.
//! Built once for each version and cached.

pub(crate) mod cel_scope;
pub(crate) mod conditions;

use crate::{
    Error, Result, event,
    subscribers::{Subscriber, SubscriberCache},
};
use conditions::{Budget, Condition, Conditions};
use entity::{ProjectId, StageId, StageOutput, StageType, Timestamp, stage, webhook, workflow};
use moka::sync::Cache;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync::Arc};

/// A compiled workflow.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) max_passes: usize,
    version: i32,
    saved_at: Timestamp,
    nodes: HashMap<StageId, Node>,
    start: StageId,
}

/// A compiled stage.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) stage: event::Stage,
    pub(crate) subscriber: Option<Subscriber>,
    outgoing: Vec<CompiledEdge>,
}

#[derive(Debug)]
struct CompiledEdge {
    output: StageOutput,
    to: StageId,
    condition: Option<Condition>,
}

impl Graph {
    /// Compiles the workflow of this row with the stages that are not removed.
    pub(crate) async fn read(
        db: &impl ConnectionTrait,
        index: &SubscriberCache,
        row: &workflow::Model,
        conditions: &Conditions,
    ) -> Result<Self> {
        let stages = stage::Entity::find()
            .filter(stage::Column::ProjectId.eq(row.project_id))
            .filter(stage::Column::RemovedAt.is_null())
            .order_by_asc(stage::Column::Place)
            .all(db)
            .await?;
        let ids = stages.iter().filter_map(|stage| stage.webhook_id);
        let webhooks = webhook::Entity::find()
            .filter(webhook::Column::Id.is_in(ids))
            .all(db)
            .await?;
        let mut subscribers = HashMap::with_capacity(webhooks.len());
        for row in &webhooks {
            subscribers.insert(row.id, index.subscriber(row).await?);
        }
        let start = stages.iter().find(|stage| stage.stage_type == StageType::Start);
        let start = start
            .ok_or_else(|| Error::internal("a workflow has no START stage"))?
            .id;
        let mut nodes = HashMap::with_capacity(stages.len());
        for stage in &stages {
            let node = Node {
                stage: stage.into(),
                subscriber: stage.webhook_id.and_then(|id| subscribers.get(&id).cloned()),
                outgoing: compile_edges(stage, conditions).await?,
            };
            nodes.insert(stage.id, node);
        }
        Ok(Self {
            max_passes: usize::try_from(row.max_passes).unwrap_or(1),
            version: row.version,
            saved_at: row.updated_at,
            nodes,
            start,
        })
    }

    pub(crate) fn start(&self) -> StageId {
        self.start
    }

    pub(crate) fn node(&self, id: StageId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    /// Returns whether tasks that enter this stage from START wait to be assigned: a webhook stage right after START.
    pub(crate) fn is_first(&self, id: StageId) -> bool {
        self.node(self.start).and_then(|start| start.target(StageOutput::Next)) == Some(id)
            && self
                .node(id)
                .is_some_and(|node| node.stage.r#type == StageType::Webhook)
    }
}

impl Node {
    /// Returns the target of an output; none when it is not connected.
    pub(crate) fn target(&self, output: StageOutput) -> Option<StageId> {
        self.outgoing
            .iter()
            .find(|edge| edge.output == output)
            .map(|edge| edge.to)
    }

    /// Returns the rules of the stage in order: conditions and their targets.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&Condition, StageId)> {
        self.outgoing
            .iter()
            .filter_map(|edge| Some((edge.condition.as_ref()?, edge.to)))
    }
}

async fn compile_edges(stage: &stage::Model, conditions: &Conditions) -> Result<Vec<CompiledEdge>> {
    let mut compiled = Vec::new();
    for Edge { output, to, condition } in edges(stage) {
        let condition = match condition {
            Some(source) => Some(conditions.stored(&source).await?),
            None => None,
        };
        compiled.push(CompiledEdge { output, to, condition });
    }
    Ok(compiled)
}

/// A cache of the compiled workflows of projects whose tasks moved recently.
#[derive(Debug)]
pub(crate) struct Graphs {
    known: Cache<ProjectId, Arc<Graph>>,
    pub(crate) conditions: Conditions,
    index: Arc<SubscriberCache>,
}

impl Graphs {
    pub(crate) fn new(index: Arc<SubscriberCache>) -> Self {
        Self {
            known: Cache::new(1_000),
            conditions: Conditions::new(index.limits()),
            index,
        }
    }

    /// Returns the time budget for the conditions of one transaction.
    pub(crate) fn budget(&self) -> Budget {
        self.conditions.budget()
    }

    /// Returns the compiled workflow as of this transaction: the row has the version, and the cache has it or compiles
    /// it. A look-up before the transaction prefetches it, which leaves little work inside.
    pub(crate) async fn of(&self, db: &impl ConnectionTrait, id: ProjectId) -> Result<Arc<Graph>> {
        let row = workflow::Entity::find_by_id(id).one(db).await?;
        let row = row.ok_or_else(|| Error::internal(format!("project {id} has no workflow")))?;
        let known = self.known.get(&id);
        if let Some(graph) = known.filter(|graph| graph.version == row.version && graph.saved_at == row.updated_at) {
            return Ok(graph);
        }
        let graph = Arc::new(Graph::read(db, &self.index, &row, &self.conditions).await?);
        self.known.insert(id, Arc::clone(&graph));
        Ok(graph)
    }
}

/// An outgoing edge of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The output that the edge starts from.
    pub output: StageOutput,
    /// The target stage.
    pub to: StageId,
    /// The condition of a MATCHED edge, in CEL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

/// Parses the outgoing edges of a stage, in order.
pub fn edges(row: &stage::Model) -> Vec<Edge> {
    serde_json::from_str(&row.edges).unwrap_or_default()
}
