//! Organizations: the tenants.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `organization`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "organization")]
pub struct Model {
    /// The id of the organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrganizationId,
    /// The display name of the organization.
    pub name: String,
    /// The days for which events, payloads, attempts and finished notifications are kept; none: the installation's
    /// default.
    pub retention_days: Option<i32>,
    /// The time at which the organization was created.
    pub created_at: Timestamp,
    /// The time at which the organization was last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
