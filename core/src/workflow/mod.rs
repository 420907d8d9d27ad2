//! Workflows: a project's graph of stages, saved whole. [`graph`] says whether a graph is sound; [`save`] replaces it;
//! [`crate::task`] moves through it.

mod input;
mod run;

pub use input::{EdgeInput, Move, Save, StageInput, StageWebhook};
pub use run::{rerun, run, runs};

use crate::{App, Error, Result, auth::Actor};
use entity::{OrganizationId, ProjectId, StageId, StageOutput, stage, workflow};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A project's workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    /// Its row.
    pub row: workflow::Model,
    /// Its stages in the order they were saved.
    pub stages: Vec<stage::Model>,
}

/// A way out of a stage and where it leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Which way out.
    pub output: StageOutput,
    /// Into which stage.
    pub to: StageId,
    /// When it is taken: CEL, of MATCHED alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

/// How many tasks a stage has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// In it.
    pub tasks: i64,
    /// Of them, held because their webhook was not sent.
    pub failed: i64,
}

/// The workflow of a project.
pub async fn get(app: &App, actor: &Actor, project: &str) -> Result<Workflow> {
    let _ = (app, actor, project);
    Err(Error::NotAllowed("not yet".into()))
}

/// The workflows of several projects of an organization.
pub async fn many(
    app: &App,
    organization_id: OrganizationId,
    ids: &[ProjectId],
) -> Result<HashMap<ProjectId, Workflow>> {
    let _ = (app, organization_id, ids);
    Ok(HashMap::new())
}

/// Stages of an organization by id, removed ones too: for the objects that name them.
pub async fn stages(app: &App, organization_id: OrganizationId, ids: &[StageId]) -> Result<Vec<stage::Model>> {
    let _ = (app, organization_id, ids);
    Ok(Vec::new())
}

/// A stage by its id, that the actor may see.
pub async fn stage(app: &App, actor: &Actor, id: &str) -> Result<stage::Model> {
    let _ = (app, actor, id);
    Err(Error::NotAllowed("not yet".into()))
}

/// How many tasks each stage has.
pub async fn counts(app: &App, ids: &[StageId]) -> Result<HashMap<StageId, Counts>> {
    let _ = (app, ids);
    Ok(HashMap::new())
}

/// What an editor shows on a stage: that tasks are held because their webhook was not sent.
pub fn warning(counts: Counts) -> Option<String> {
    let _ = counts;
    None
}

/// The ways out of a stage, in order.
pub fn edges(row: &stage::Model) -> Vec<Edge> {
    serde_json::from_str(&row.edges).unwrap_or_default()
}

/// Replaces a project's workflow whole. Tasks stay where they are.
pub async fn save(app: &App, actor: &Actor, project: &str, save: Save) -> Result<Workflow> {
    let _ = (app, actor, project, save);
    Err(Error::NotAllowed("not yet".into()))
}
