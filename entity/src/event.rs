//! Events: facts, with their data as it was then.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `event`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    /// Its id: the `webhook-id` header.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EventId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Grows within the organization, with gaps.
    pub sequence: i64,
    /// What it is about.
    pub topic: WebhookTopic,
    /// In which project it happened.
    pub project_id: Option<ProjectId>,
    /// What it happened to, for order by data row.
    pub data_row_id: Option<DataRowId>,
    /// The data row's external id then.
    pub external_id: Option<String>,
    /// JSON text, as it was then.
    pub data: String,
    /// Whether somebody made it to see a delivery: nothing has happened.
    pub test: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
