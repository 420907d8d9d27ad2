//! Reviews: a reviewer's judgement of a label.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `review`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "review")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReviewId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The label's project.
    pub project_id: ProjectId,
    /// Of which label.
    pub label_id: LabelId,
    /// Who judged.
    pub created_by: Option<UserId>,
    /// The judgement: above 0 approves, below 0 rejects.
    pub score: f64,
    /// Removed from its label.
    pub deleted: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
