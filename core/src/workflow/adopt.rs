//! Backfill: projects without a workflow get the default one, and their data rows become tasks in steps.

use super::store::make_default;
use crate::{
    App, Result,
    db::{Scope, Txn},
    task::intake::{self, Source},
};
use entity::{DatasetId, IntakeKind, OrganizationId, batch, project, project_dataset, workflow};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};
use std::collections::BTreeSet;

/// The number of projects of one step.
const BATCH_SIZE: u64 = 100;

/// Creates a workflow for every project that has none.
pub(crate) async fn adopt(app: &App) -> Result<()> {
    loop {
        let rows = without(app).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let count = rows.len();
        let ids: BTreeSet<OrganizationId> = rows.iter().map(|row| row.organization_id).collect();
        app.db
            .write(Scope::exclusive(ids), move |txn| {
                Box::pin(async move {
                    for row in &rows {
                        make_default(txn, row).await?;
                        take_in(txn, row).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        tracing::info!(count, "created the default workflow of projects without one");
    }
}

async fn without(app: &App) -> Result<Vec<project::Model>> {
    let known = workflow::Entity::find()
        .select_only()
        .column(workflow::Column::ProjectId)
        .filter(ExprTrait::equals(
            workflow::Column::ProjectId.into_expr(),
            (project::Entity, project::Column::Id),
        ));
    Ok(project::Entity::find()
        .filter(Expr::exists(known.into_query()).not())
        .order_by_asc(project::Column::Id)
        .limit(BATCH_SIZE)
        .all(app.db.read())
        .await?)
}

async fn take_in(txn: &Txn, row: &project::Model) -> Result<()> {
    let datasets: Vec<DatasetId> = project_dataset::Entity::find()
        .select_only()
        .column(project_dataset::Column::DatasetId)
        .filter(project_dataset::Column::ProjectId.eq(row.id))
        .into_tuple()
        .all(txn.conn())
        .await?;
    let batches = batch::Entity::find().filter(batch::Column::ProjectId.eq(row.id));
    let batches = batches.all(txn.conn()).await?;
    let datasets = datasets.into_iter().map(|id| (IntakeKind::Dataset, id.0));
    for (kind, id) in datasets.chain(batches.into_iter().map(|batch| (IntakeKind::Batch, batch.id.0))) {
        let source = Source {
            organization_id: row.organization_id,
            project_id: row.id,
            kind,
            target_id: id,
            user_id: row.created_by,
        };
        intake::schedule(txn, source, None).await?;
    }
    Ok(())
}
