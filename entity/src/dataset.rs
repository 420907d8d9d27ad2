//! Datasets: where data rows live.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `dataset`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "dataset")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DatasetId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// What people call it.
    pub name: String,
    /// Free text, empty when none was given.
    pub description: String,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// Deleted by a person; its labels follow in steps.
    pub deleted: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
