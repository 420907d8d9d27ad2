//! Reviews: the judgments of reviewers about labels.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `review`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "review")]
pub struct Model {
    /// The id of the review.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReviewId,
    /// The organization that owns the review.
    pub organization_id: OrganizationId,
    /// The label's project.
    pub project_id: ProjectId,
    /// The label that is reviewed.
    pub label_id: LabelId,
    /// The user who reviewed it.
    pub created_by: Option<UserId>,
    /// The judgment: above 0 approves, below 0 rejects.
    pub score: f64,
    /// The review was removed from its label.
    pub deleted: bool,
    /// The time at which the review was created.
    pub created_at: Timestamp,
    /// The time at which the review was last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
