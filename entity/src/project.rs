//! Projects: the units of work that labels belong to.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `project`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "project")]
pub struct Model {
    /// The id of the project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProjectId,
    /// The organization that owns the project.
    pub organization_id: OrganizationId,
    /// The display name of the project.
    pub name: String,
    /// A free-form description.
    pub description: Option<String>,
    /// The user who created the project.
    pub created_by: Option<UserId>,
    /// Labelbox's `MediaType`, as given.
    pub allowed_media_type: Option<String>,
    /// Labelbox's `EditorTaskType`, as given.
    pub editor_task_type: Option<String>,
    /// Labelbox's setting, stored and returned only.
    pub auto_audit_percentage: f64,
    /// Labelbox's setting, stored and returned only.
    pub auto_audit_number_of_labels: i32,
    /// Labelbox's setting, stored and returned only.
    pub is_benchmark_enabled: bool,
    /// Labelbox's setting, stored and returned only.
    pub is_consensus_enabled: bool,
    /// JSON text: Ango Hub's `categorySchema`, embedded in its payloads.
    pub ontology: Option<String>,
    /// The time at which a label or review of the project last changed.
    pub last_activity_at: Option<Timestamp>,
    /// The project was deleted; its rows stay.
    pub deleted: bool,
    /// The time at which the project was created.
    pub created_at: Timestamp,
    /// The time at which the project was last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
