//! Organizations: the tenants. Every row belongs to one organization; a row of another organization is reported as not
//! found.

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::Txn,
    retention,
};
use entity::{OrganizationId, organization};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

/// The caller's organization.
pub async fn get(app: &App, actor: &Actor) -> Result<organization::Model> {
    let row = organization::Entity::find_by_id(actor.organization_id)
        .one(app.db.read())
        .await?;
    row.ok_or_else(|| Error::not_found("organization", actor.organization_id))
}

/// The fields of an organization to change; absent ones keep their value.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// The retention period in days; `Some(None)` is the installation's setting.
    pub retention_days: Option<Option<i32>>,
}

/// Changes the caller's organization.
pub async fn update(app: &App, actor: &Actor, patch: Patch) -> Result<organization::Model> {
    actor.require(Action::ManageOrganization)?;
    actor.require_organization()?;
    retention_days(patch.retention_days.flatten())?;
    let id = actor.organization_id;
    app.db
        .write(id, move |txn| {
            Box::pin(async move {
                let row = organization::Entity::find_by_id(id).one(txn.conn()).await?;
                let row = row.ok_or_else(|| Error::not_found("organization", id))?;
                let mut changed = row.clone();
                changed.retention_days = patch.retention_days.unwrap_or(changed.retention_days);
                if changed == row {
                    return Ok(row);
                }
                changed.updated_at = txn.now();
                Ok(changed.into_active_model().reset_all().update(txn.conn()).await?)
            })
        })
        .await
}

fn retention_days(days: Option<i32>) -> Result<()> {
    match days {
        Some(days) if !retention::CHOICE.contains(&days) => Err(Error::invalid(
            "retentionDays",
            format!(
                "must be from {} to {}",
                retention::CHOICE.start(),
                retention::CHOICE.end()
            ),
        )),
        _ => Ok(()),
    }
}

/// Returns the organization of this name, created if it is missing.
pub(crate) async fn named(txn: &Txn, name: String) -> Result<organization::Model> {
    let known = organization::Entity::find()
        .filter(organization::Column::Name.eq(&name))
        .one(txn.conn())
        .await?;
    if let Some(known) = known {
        return Ok(known);
    }
    let row = organization::Model {
        id: OrganizationId::new(),
        name,
        retention_days: None,
        created_at: txn.now(),
        updated_at: txn.now(),
    };
    organization::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(txn.conn())
        .await?;
    Ok(row)
}
