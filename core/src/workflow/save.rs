//! Saving: a workflow is checked, then replaced as a whole. Stages keep their ids; omitted ones are marked as removed
//! and keep their row, since the history refers to them.

use super::{
    check::{EDGES, STAGES},
    input::{Save, StageInput},
    plan::Plan,
    stage_webhook::{Draft, Tools},
    store::{self, Workflow},
};
use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    input, lookup, task,
};
use entity::{StageType, project};
use std::{collections::HashMap, ops::RangeInclusive};

const PASSES: RangeInclusive<i32> = 1..=1_000;
/// The maximum number of conditions of one workflow.
const CONDITIONS: usize = 200;
/// The maximum size in bytes of an editor's position of a stage.
const POSITION: usize = 4 << 10;

/// Replaces a project's workflow as a whole. Tasks stay in their stages, unless their stage is removed: then `moves`
/// has their target.
pub async fn save(app: &App, actor: &Actor, project: &str, mut save: Save) -> Result<Workflow> {
    actor.require(Action::ManageData)?;
    sizes(&save)?;
    let mut webhooks = HashMap::new();
    for (place, stage) in save.stages.iter_mut().enumerate() {
        texts(actor, place, stage)?;
        conditions(app, place, stage).await?;
        if let Some(given) = stage.webhook.take() {
            webhooks.insert(place, Draft::check(app, place, given).await?);
        }
    }
    let (actor, id, tools) = (actor.clone(), project.to_owned(), Tools::of(app));
    let saved = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let project: project::Model = lookup::find(txn.conn(), &actor, &id).await?;
                let known = store::read(txn.conn(), project.id).await?;
                if save.version.is_some_and(|version| version != known.row.version) {
                    let reason = format!("the workflow has version {} by now", known.row.version);
                    return Err(Error::Conflict(reason));
                }
                let plan = Plan::make(txn, &actor, known, &save, webhooks, &tools)?;
                plan.carry_out(txn, &actor).await
            })
        })
        .await?;
    for webhook_id in saved.webhooks {
        app.webhook_changed(webhook_id);
    }
    task::forget_sends(app, saved.withdrawn);
    Ok(saved.workflow)
}

fn sizes(save: &Save) -> Result<()> {
    if save.stages.len() > STAGES {
        return Err(Error::invalid("stages", format!("must have at most {STAGES} stages")));
    }
    let conditions = save.stages.iter().flat_map(|stage| &stage.edges);
    if conditions.filter(|edge| edge.condition.is_some()).count() > CONDITIONS {
        return Err(Error::invalid(
            "stages",
            format!("must have at most {CONDITIONS} conditions"),
        ));
    }
    match save.max_passes {
        Some(passes) if !PASSES.contains(&passes) => Err(Error::invalid(
            "maxPasses",
            format!("must be from {} to {}", PASSES.start(), PASSES.end()),
        )),
        _ => Ok(()),
    }
}

/// Checks the fields of a stage that do not depend on other stages.
fn texts(actor: &Actor, place: usize, stage: &StageInput) -> Result<()> {
    let path = format!("stages.{place}");
    input::name(&format!("{path}.name"), &stage.name)?;
    let position = format!("{path}.position");
    input::text(&position, stage.position.as_deref().unwrap_or_default(), POSITION)?;
    input::json(&position, stage.position.as_deref())?;
    if stage.edges.len() > EDGES {
        let reason = format!("must have at most {EDGES} edges");
        return Err(Error::invalid(format!("{path}.edges"), reason));
    }
    match (&stage.webhook, stage.stage_type) {
        (Some(_), StageType::Webhook) => actor.require(Action::ManageWebhooks),
        (Some(_), _) => Err(Error::invalid(
            format!("{path}.webhook"),
            "is used only on a WEBHOOK stage",
        )),
        (None, StageType::Webhook) if stage.id.is_none() => Err(Error::invalid(
            format!("{path}.webhook"),
            "is required on a new WEBHOOK stage",
        )),
        (None, _) => Ok(()),
    }
}

/// Compiles every condition before the transaction begins: that takes milliseconds, and the writer serves all requests.
async fn conditions(app: &App, place: usize, stage: &StageInput) -> Result<()> {
    for (index, edge) in stage.edges.iter().enumerate() {
        if let Some(source) = &edge.condition {
            let field = format!("stages.{place}.edges.{index}.condition");
            app.db.graphs().conditions.typed(&field, source).await?;
        }
    }
    Ok(())
}
