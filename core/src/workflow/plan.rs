//! The plan of a save, inside its transaction: new, changed and removed stages, and the consequences for webhooks and
//! tasks.

use super::{
    check::{self, Node, Out},
    input::{Save, StageInput},
    stage_webhook as webhooks,
    stage_webhook::{Draft, Tools},
    store::{self, Workflow},
};
use crate::{
    Error, Result,
    auth::{Action, Actor},
    db::Txn,
    graph::{Edge, Graph},
    task::{self, Withdrawn, batch_size},
};
use entity::{StageId, StageType, WebhookId, stage, workflow};
use std::{collections::HashMap, sync::Arc};

/// The maximum number of tasks that a save moves out of removed stages.
const MAX_MOVED_TASKS: u64 = 1_000;

/// The changes of a save.
pub(super) struct Plan<'a> {
    row: workflow::Model,
    stages: Vec<stage::Model>,
    removed: Vec<stage::Model>,
    moves: HashMap<StageId, StageId>,
    webhooks: Vec<StageDraft>,
    tools: &'a Tools,
}

/// The checked webhook of a stage, and its existing one.
struct StageDraft {
    stage_id: StageId,
    before: Option<WebhookId>,
    webhook: Draft,
}

/// The work that a save leaves for after its commit.
pub(super) struct Saved {
    pub(super) workflow: Workflow,
    /// Webhooks that were changed or removed.
    pub(super) webhooks: Vec<WebhookId>,
    /// Notifications that no task waits for any longer.
    pub(super) withdrawn: Vec<Withdrawn>,
}

/// Resolves the references of an input to stages.
struct Names<'a> {
    ids: Vec<StageId>,
    stages: &'a [StageInput],
}

impl Names<'_> {
    /// Returns the index of a stage, by its id or by its name.
    fn place(&self, word: &str) -> Option<usize> {
        let id: Option<StageId> = word.parse().ok();
        let by_id = id.and_then(|id| self.ids.iter().position(|known| *known == id));
        by_id.or_else(|| self.stages.iter().position(|stage| stage.name == word))
    }
}

impl<'a> Plan<'a> {
    /// Plans a save. `webhooks` are the checked webhooks of its stages, by the index of the stage.
    pub(super) fn make(
        txn: &Txn,
        actor: &Actor,
        known: Workflow,
        save: &Save,
        webhooks: HashMap<usize, Draft>,
        tools: &'a Tools,
    ) -> Result<Self> {
        let ids = ids(&known.stages, &save.stages)?;
        let names = Names {
            ids,
            stages: &save.stages,
        };
        let nodes = nodes(&names)?;
        check::check(&nodes)?;
        let stages = rows(txn, &known, &names, &nodes);
        let gone = |stage: &stage::Model| !names.ids.contains(&stage.id);
        let removed: Vec<_> = known.stages.into_iter().filter(gone).collect();
        if removed.iter().any(|stage| stage.webhook_id.is_some()) {
            actor.require(Action::ManageWebhooks)?;
        }
        let moves = moves(&removed, &names, save)?;
        Ok(Self {
            row: workflow::Model {
                version: known.row.version + 1,
                max_passes: save.max_passes.unwrap_or(store::MAX_PASSES),
                updated_by: Some(actor.user_id),
                updated_at: txn.now(),
                ..known.row
            },
            webhooks: drafts(webhooks, &stages),
            stages,
            removed,
            moves,
            tools,
        })
    }

    pub(super) async fn carry_out(mut self, txn: &Txn, actor: &Actor) -> Result<Saved> {
        for draft in &self.webhooks {
            let (id, before) = (draft.stage_id, draft.before);
            let project_id = self.row.project_id;
            let row = webhooks::set(txn, actor, project_id, id, before, &draft.webhook, self.tools).await?;
            let stage = self.stages.iter_mut().find(|stage| stage.id == id);
            stage.expect("a draft is of a stage in this list").webhook_id = Some(row.id);
        }
        self.vacate(txn).await?;
        store::write(txn, &self.row, &self.stages).await?;
        store::remove(txn, &self.removed).await?;
        for webhook_id in self.removed.iter().filter_map(|stage| stage.webhook_id) {
            webhooks::close(txn, webhook_id).await?;
        }
        let withdrawn = self.relocate(txn, actor).await?;
        let stages = self.stages.iter().chain(&self.removed);
        Ok(Saved {
            webhooks: stages.filter_map(|stage| stage.webhook_id).collect(),
            withdrawn,
            workflow: Workflow {
                row: self.row,
                stages: self.stages,
            },
        })
    }

    /// Refuses to remove a stage with tasks when no target is given for them.
    async fn vacate(&self, txn: &Txn) -> Result<()> {
        let (mut total, mut bytes) = (0, 0);
        for stage in &self.removed {
            let ids = task::in_stage(txn.conn(), stage.id, MAX_MOVED_TASKS + 1).await?;
            let count = ids.len() as u64;
            total += count;
            bytes += batch_size::weights(txn.conn(), &ids).await?.values().sum::<usize>();
            if count > 0 && !self.moves.contains_key(&stage.id) {
                let reason = format!(
                    "leaves out stage {:?} ({}), which still holds {}; requeue them or name it in moveTasks",
                    stage.name,
                    stage.id,
                    tasks(count),
                );
                return Err(Error::invalid("stages", reason));
            }
        }
        if total > MAX_MOVED_TASKS || bytes > batch_size::MAX_BATCH_BYTES {
            let reason = format!("moves at most {MAX_MOVED_TASKS} tasks, or fewer large ones; requeue them before");
            return Err(Error::invalid("moveTasks", reason));
        }
        Ok(())
    }

    /// Moves the tasks of removed stages to their targets, like a requeue.
    async fn relocate(&self, txn: &Txn, actor: &Actor) -> Result<Vec<Withdrawn>> {
        let mut withdrawn = Vec::new();
        if self.moves.is_empty() {
            return Ok(withdrawn);
        }
        let graph = Graph::read(txn.conn(), txn.index(), &self.row, &txn.graphs().conditions).await?;
        let graph = Arc::new(graph);
        for (from, to) in &self.moves {
            withdrawn.extend(task::relocate(txn, actor, &graph, *from, *to).await?);
        }
        Ok(withdrawn)
    }
}

/// Pairs the webhooks of a save with their stages, whose rows still have the existing webhooks.
fn drafts(mut webhooks: HashMap<usize, Draft>, stages: &[stage::Model]) -> Vec<StageDraft> {
    let draft = |(place, row): (usize, &stage::Model)| {
        Some(StageDraft {
            stage_id: row.id,
            before: row.webhook_id,
            webhook: webhooks.remove(&place)?,
        })
    };
    stages.iter().enumerate().filter_map(draft).collect()
}

fn tasks(count: u64) -> String {
    match count {
        1 => "1 task".into(),
        count if count > MAX_MOVED_TASKS => format!("more than {MAX_MOVED_TASKS} tasks"),
        count => format!("{count} tasks"),
    }
}

/// Returns the ids of the stages: given ids must be of this workflow and keep their type; other stages are new.
fn ids(known: &[stage::Model], given: &[StageInput]) -> Result<Vec<StageId>> {
    let mut ids: Vec<StageId> = Vec::with_capacity(given.len());
    for (place, input) in given.iter().enumerate() {
        let Some(word) = &input.id else {
            ids.push(StageId::new());
            continue;
        };
        let path = format!("stages.{place}.id");
        let row = word
            .parse()
            .ok()
            .and_then(|id: StageId| known.iter().find(|stage| stage.id == id));
        let row = row.ok_or_else(|| Error::invalid(&path, "is no stage of this workflow"))?;
        if ids.contains(&row.id) {
            return Err(Error::invalid(path, "is given twice"));
        }
        if row.stage_type != input.stage_type {
            let reason = format!(
                "stage {:?} is a {} stage; make a new one for another type",
                row.name,
                row.stage_type.as_str()
            );
            return Err(Error::invalid(format!("stages.{place}.type"), reason));
        }
        ids.push(row.id);
    }
    Ok(ids)
}

fn nodes<'a>(names: &Names<'a>) -> Result<Vec<Node<'a>>> {
    let mut nodes = Vec::with_capacity(names.stages.len());
    for (place, input) in names.stages.iter().enumerate() {
        let mut edges = Vec::with_capacity(input.edges.len());
        for (index, edge) in input.edges.iter().enumerate() {
            let to = names.place(&edge.to).ok_or_else(|| {
                let reason = format!("{:?} is no stage of this workflow, by id or by name", shown(&edge.to));
                Error::invalid(format!("stages.{place}.edges.{index}.to"), reason)
            })?;
            edges.push(Out {
                output: edge.output,
                to,
                conditional: edge.condition.is_some(),
            });
        }
        nodes.push(Node {
            name: &input.name,
            stage_type: input.stage_type,
            edges,
        });
    }
    Ok(nodes)
}

/// Truncates an input for an error message.
fn shown(word: &str) -> String {
    word.chars().take(64).collect()
}

fn rows(txn: &Txn, known: &Workflow, names: &Names, nodes: &[Node]) -> Vec<stage::Model> {
    let mut rows = Vec::with_capacity(nodes.len());
    for (place, (input, node)) in names.stages.iter().zip(nodes).enumerate() {
        let before = known.stages.iter().find(|stage| stage.id == names.ids[place]);
        let edges: Vec<Edge> = input
            .edges
            .iter()
            .zip(&node.edges)
            .map(|(given, out)| Edge {
                output: out.output,
                to: names.ids[out.to],
                condition: given.condition.clone(),
            })
            .collect();
        rows.push(stage::Model {
            id: names.ids[place],
            organization_id: known.row.organization_id,
            project_id: known.row.project_id,
            place: i32::try_from(place).unwrap_or(i32::MAX),
            name: input.name.clone(),
            stage_type: input.stage_type,
            position: input.position.clone(),
            edges: store::text(&edges),
            webhook_id: before.and_then(|stage| stage.webhook_id),
            removed_at: None,
            created_at: before.map_or(txn.now(), |stage| stage.created_at),
        });
    }
    rows
}

/// Resolves the targets of the tasks of removed stages.
fn moves(removed: &[stage::Model], names: &Names, save: &Save) -> Result<HashMap<StageId, StageId>> {
    let mut moves = HashMap::new();
    for (index, step) in save.moves.iter().enumerate() {
        let id: Option<StageId> = step.from.parse().ok();
        let from = id
            .filter(|id| removed.iter().any(|stage| stage.id == *id))
            .ok_or_else(|| Error::invalid(format!("moveTasks.{index}.from"), "is no stage that this save removes"))?;
        let path = format!("moveTasks.{index}.to");
        let place = names
            .place(&step.to)
            .ok_or_else(|| Error::invalid(&path, "is no stage of this workflow, by id or by name"))?;
        if save.stages[place].stage_type == StageType::Start {
            return Err(Error::invalid(path, "is a START stage, which nothing leads into"));
        }
        if moves.insert(from, names.ids[place]).is_some() {
            return Err(Error::invalid(format!("moveTasks.{index}.from"), "is given twice"));
        }
    }
    Ok(moves)
}
