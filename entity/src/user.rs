//! Users: the people of an organization.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `user`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "user")]
pub struct Model {
    /// The id of the user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// The organization that owns the user.
    pub organization_id: OrganizationId,
    /// The e-mail address in lower case, unique in the organization.
    pub email: String,
    /// The full name.
    pub name: String,
    /// The role, which determines the permissions.
    pub role: Role,
    /// The user is disabled: their API keys are refused.
    pub disabled: bool,
    /// The time at which the user was created.
    pub created_at: Timestamp,
    /// The time at which the user was last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
