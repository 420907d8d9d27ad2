//! Events: facts that happened, with a snapshot of their data.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `event`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    /// The id of the event: the `webhook-id` header.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EventId,
    /// The organization that owns the event.
    pub organization_id: OrganizationId,
    /// The event's sequence number, which grows within the organization, with gaps.
    pub sequence: i64,
    /// The topic of the event.
    pub topic: WebhookTopic,
    /// The project in which it happened; none for events of the organization.
    pub project_id: Option<ProjectId>,
    /// The data row that it concerns, the key of delivery in order by data row.
    pub data_row_id: Option<DataRowId>,
    /// The data row's external id at that time.
    pub external_id: Option<String>,
    /// JSON text: the event's data at that time.
    pub data: String,
    /// The event is a test that somebody triggered: nothing happened.
    pub test: bool,
    /// The time at which the event was created.
    pub created_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
