//! Batches: named sets of data rows of a project. Ango Hub's payloads contain the batches of a data row.

use crate::{
    App, Result,
    auth::{Action, Actor},
    input,
    label_context::link,
    lookup,
    task::intake,
};
use entity::{BatchId, batch, batch_data_row, data_row, project};
use sea_orm::{EntityTrait, IntoActiveModel};

/// The fields of a new batch.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// The display name of the batch.
    pub name: String,
    /// The project that the batch belongs to.
    pub project: String,
    /// The ids of its data rows.
    pub data_rows: Vec<String>,
}

/// Creates a batch.
pub async fn create(app: &App, actor: &Actor, new: New) -> Result<batch::Model> {
    actor.require(Action::ManageData)?;
    let name = input::name("name", &new.name)?;
    input::entries("dataRows", new.data_rows.len())?;
    let actor = actor.clone();
    let (batch, later) = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let project: project::Model = lookup::find_for(txn.conn(), &actor, "project", &new.project).await?;
                let rows: Vec<data_row::Model> = lookup::find_all(txn.conn(), &actor, &new.data_rows).await?;
                let batch = batch::Model {
                    id: BatchId::new(),
                    organization_id: actor.organization_id,
                    project_id: project.id,
                    name,
                    created_at: txn.now(),
                };
                batch::Entity::insert(batch.clone().into_active_model())
                    .exec_without_returning(txn.conn())
                    .await?;
                let links = rows.iter().map(|row| link(&batch, row.id).into_active_model());
                batch_data_row::Entity::insert_many(links)
                    .exec_without_returning(txn.conn())
                    .await?;
                let later = intake::batched(txn, &actor, &batch, rows).await?;
                Ok((batch, later))
            })
        })
        .await?;
    if later {
        app.workflow_jobs.wake();
    }
    Ok(batch)
}

/// Returns a batch by its id.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<batch::Model> {
    actor.require(Action::Read)?;
    lookup::find(app.db.read(), actor, id).await
}
