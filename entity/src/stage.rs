//! Stages: the nodes of a workflow. A removed stage keeps its row, since the history of tasks refers to it.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `stage`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "stage")]
pub struct Model {
    /// The id of the stage.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StageId,
    /// The organization that owns the stage.
    pub organization_id: OrganizationId,
    /// The project of the workflow.
    pub project_id: ProjectId,
    /// The position in the list of stages, as saved.
    pub place: i32,
    /// The display name of the stage.
    pub name: String,
    /// The type of the stage.
    pub stage_type: StageType,
    /// JSON text: the position at which an editor draws it.
    pub position: Option<String>,
    /// JSON list of `{output, to, condition}`, in order.
    pub edges: String,
    /// The webhook that it sends to, for type WEBHOOK.
    pub webhook_id: Option<WebhookId>,
    /// The time at which it was removed from the workflow.
    pub removed_at: Option<Timestamp>,
    /// The time at which the stage was created.
    pub created_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
