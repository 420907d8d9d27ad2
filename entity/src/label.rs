//! Labels: the annotations of data rows in projects.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `label`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "label")]
pub struct Model {
    /// The id of the label.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LabelId,
    /// The organization that owns the label.
    pub organization_id: OrganizationId,
    /// The project that the label belongs to.
    pub project_id: ProjectId,
    /// The data row that is labeled.
    pub data_row_id: DataRowId,
    /// The user who submitted the label.
    pub created_by: Option<UserId>,
    /// Labelbox's `type.name`; `Any` unless given.
    pub label_type: String,
    /// The annotation: JSON text, stored and sent as given.
    pub label: String,
    /// The labeling time in seconds.
    pub seconds_to_label: f64,
    /// Labelbox's consensus score; never computed by this service.
    pub agreement: Option<f64>,
    /// Labelbox's benchmark score; never computed by this service.
    pub benchmark_agreement: Option<f64>,
    /// Labelbox's flag, stored and returned only.
    pub is_benchmark_reference: bool,
    /// The label was deleted, by itself or with its data row or dataset.
    pub deleted: bool,
    /// The time at which the label was created.
    pub created_at: Timestamp,
    /// The time at which the label was last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
