//! Data rows: what is labelled.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `data_row`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "data_row")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DataRowId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Where it lives.
    pub dataset_id: DatasetId,
    /// The customer's own id; also printed in log lines.
    pub external_id: Option<String>,
    /// The customer's id over all datasets, unique in the organization.
    pub global_key: Option<String>,
    /// The asset's URL or text, stored and sent as given.
    pub row_data: String,
    /// JSON text, sent as Ango's `metadata`.
    pub metadata: Option<String>,
    /// JSON text, kept and shown.
    pub media_attributes: Option<String>,
    /// JSON text: Labelbox's metadata fields, kept and shown.
    pub metadata_fields: Option<String>,
    /// JSON text: Labelbox's attachments, kept.
    pub attachments: Option<String>,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When it was deleted; its labels follow in steps.
    pub deleted_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
