//! Labels: what an annotator made of a data row in a project.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `label`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "label")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LabelId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// In which project.
    pub project_id: ProjectId,
    /// Of which data row.
    pub data_row_id: DataRowId,
    /// Who submitted it.
    pub created_by: Option<UserId>,
    /// Labelbox's `type.name`, `Any` unless given.
    pub label_type: String,
    /// The annotation: JSON text, stored and sent as given.
    pub label: String,
    /// How long it took, in seconds.
    pub seconds_to_label: f64,
    /// Labelbox's figure, none here.
    pub agreement: Option<f64>,
    /// Labelbox's figure, none here.
    pub benchmark_agreement: Option<f64>,
    /// Labelbox's flag, kept and shown.
    pub is_benchmark_reference: bool,
    /// Deleted itself, or with its data row or dataset.
    pub deleted: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
