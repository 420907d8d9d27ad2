//! Tallies: what happened to the notifications that were made in an hour, counted as it happens. Statistics read these
//! few rows in place of the log.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `tally`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tally")]
pub struct Model {
    /// Whose they are.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// To whom the notifications go.
    #[sea_orm(primary_key, auto_increment = false)]
    pub webhook_id: WebhookId,
    /// In which hour since 1970 they were made.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hour: i64,
    /// Their events' project; the nil id for none.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// Their events' topic.
    #[sea_orm(primary_key, auto_increment = false)]
    pub topic: WebhookTopic,
    /// What is counted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: TallyKind,
    /// For requests: the bin of their duration; -1 where there is none.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bin: i16,
    /// How many.
    pub count: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
