//! The data rows of batches, a many-to-many relation.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `batch_data_row`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "batch_data_row")]
pub struct Model {
    /// The batch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub batch_id: BatchId,
    /// The data row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub data_row_id: DataRowId,
    /// The organization that owns both.
    pub organization_id: OrganizationId,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
