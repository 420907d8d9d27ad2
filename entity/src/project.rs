//! Projects: what labels belong to.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `project`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "project")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProjectId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// What people call it.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// Labelbox's `MediaType`, as given.
    pub allowed_media_type: Option<String>,
    /// Labelbox's `EditorTaskType`, as given.
    pub editor_task_type: Option<String>,
    /// Labelbox's setting, kept and shown.
    pub auto_audit_percentage: f64,
    /// Labelbox's setting, kept and shown.
    pub auto_audit_number_of_labels: i32,
    /// Labelbox's setting, kept and shown.
    pub is_benchmark_enabled: bool,
    /// Labelbox's setting, kept and shown.
    pub is_consensus_enabled: bool,
    /// JSON text: Ango's `categorySchema`, embedded in its payloads.
    pub ontology: Option<String>,
    /// When a label or review last changed.
    pub last_activity_at: Option<Timestamp>,
    /// Deleted by a person; its rows stay.
    pub deleted: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
