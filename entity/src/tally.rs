//! Tallies: counters of the outcomes of the notifications created in an hour, updated as they happen. Statistics read
//! these few rows instead of the log.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `tally`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tally")]
pub struct Model {
    /// The organization that owns the webhook.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// The webhook that the notifications are sent to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub webhook_id: WebhookId,
    /// The hour since 1970 in which they were created.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hour: i64,
    /// The project of their events; the nil id for none.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// The topic of their events.
    #[sea_orm(primary_key, auto_increment = false)]
    pub topic: WebhookTopic,
    /// The kind of outcome that is counted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: TallyKind,
    /// For requests: the histogram bin of their duration; -1 for other kinds.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bin: i16,
    /// The count.
    pub count: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
