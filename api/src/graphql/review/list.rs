//! Conditions and sort orders for lists of reviews.

use super::super::{
    filter::order_by,
    where_input::{Conditions, Listed, WhereInput},
};
use labelhook_core::review::Field;

/// The `where` input of a list of reviews.
pub type ReviewWhereInput = WhereInput<ReviewConditions>;

/// The conditions of `ReviewWhereInput`.
pub enum ReviewConditions {}

impl Listed for ReviewConditions {
    type Field = Field;
    const NAME: &'static str = "ReviewWhereInput";
    const DESCRIPTION: &'static str = "Selects reviews. All given conditions must hold.";

    fn conditions(on: &mut impl Conditions<Self>) {
        on.id("id", "The id", Field::Id);
        on.number("score", "The score", Field::Score);
        on.created(Field::CreatedAt);
        on.updated(Field::UpdatedAt);
        on.deleted(
            "reviews",
            "Deleted reviews are left out unless `deleted`\nor `deleted_not` is given.",
            Field::Deleted,
        );
    }
}

order_by! {
    /// The sort order of a list of reviews.
    ReviewOrderByInput of Field {
        /// Oldest first.
        CreatedAtAsc "createdAt_ASC" => CreatedAt false;
        /// Newest first.
        CreatedAtDesc "createdAt_DESC" => CreatedAt true;
        /// Least recently changed first.
        UpdatedAtAsc "updatedAt_ASC" => UpdatedAt false;
        /// Most recently changed first.
        UpdatedAtDesc "updatedAt_DESC" => UpdatedAt true;
        /// Lowest score first.
        ScoreAsc "score_ASC" => Score false;
        /// Highest score first.
        ScoreDesc "score_DESC" => Score true;
    }
}
