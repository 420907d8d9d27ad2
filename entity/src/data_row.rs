//! Data rows: the assets that are labeled.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `data_row`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "data_row")]
pub struct Model {
    /// The id of the data row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DataRowId,
    /// The organization that owns the data row.
    pub organization_id: OrganizationId,
    /// The dataset that contains the data row.
    pub dataset_id: DatasetId,
    /// The customer's own id of the data row; also printed in log lines.
    pub external_id: Option<String>,
    /// The customer's id of the data row across all datasets, unique in the organization.
    pub global_key: Option<String>,
    /// The asset's URL or text, stored and sent as given.
    pub row_data: String,
    /// JSON text, sent as `metadata` in payloads of format ANGO.
    pub metadata: Option<String>,
    /// JSON text, stored and returned only.
    pub media_attributes: Option<String>,
    /// JSON text: Labelbox's metadata fields, stored and returned only.
    pub metadata_fields: Option<String>,
    /// JSON text: Labelbox's attachments, stored and returned only.
    pub attachments: Option<String>,
    /// The user who created the data row.
    pub created_by: Option<UserId>,
    /// The time at which the data row was deleted. Its labels are deleted afterwards, in steps.
    pub deleted_at: Option<Timestamp>,
    /// The time at which the data row was created.
    pub created_at: Timestamp,
    /// The time at which the data row was last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
