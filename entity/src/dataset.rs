//! Datasets: containers of data rows.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `dataset`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "dataset")]
pub struct Model {
    /// The id of the dataset.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DatasetId,
    /// The organization that owns the dataset.
    pub organization_id: OrganizationId,
    /// The display name of the dataset.
    pub name: String,
    /// A free-form description; empty when none was given.
    pub description: String,
    /// The user who created the dataset.
    pub created_by: Option<UserId>,
    /// The dataset was deleted. Its labels are deleted afterwards, in steps.
    pub deleted: bool,
    /// The time at which the dataset was created.
    pub created_at: Timestamp,
    /// The time at which the dataset was last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
