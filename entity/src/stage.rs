//! Stages: the nodes of a workflow. One that is removed keeps its row, since history names it.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `stage`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "stage")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StageId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Of which project's workflow.
    pub project_id: ProjectId,
    /// Its place in the list as it was saved.
    pub place: i32,
    /// What people call it.
    pub name: String,
    /// What it does.
    pub stage_type: StageType,
    /// JSON text: where an editor draws it.
    pub position: Option<String>,
    /// JSON list of `{output, to, condition}`, in order.
    pub edges: String,
    /// Where it sends: of WEBHOOK.
    pub webhook_id: Option<WebhookId>,
    /// When a save left it out.
    pub removed_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
