//! Conditions and sort orders for lists of reviews.

use super::super::filter::{order_by, where_input};
use async_graphql::ID;
use entity::Timestamp;
use labelhook_core::review::Field;

where_input! {
    /// Selects reviews. All given conditions must hold.
    ReviewWhereInput of Field {
        /// The id equals this value.
        id "id": ID => Id Eq;
        /// The id differs from this value.
        id_not "id_not": ID => Id Not;
        /// The id is one of these values.
        id_in "id_in": Vec<ID> => Id In;
        /// The score equals this value.
        score "score": f64 => Score Eq;
        /// The score differs from this value.
        score_not "score_not": f64 => Score Not;
        /// The score is less than this value.
        score_lt "score_lt": f64 => Score Lt;
        /// The score is at most this value.
        score_lte "score_lte": f64 => Score Lte;
        /// The score is greater than this value.
        score_gt "score_gt": f64 => Score Gt;
        /// The score is at least this value.
        score_gte "score_gte": f64 => Score Gte;
        /// Created at exactly this time.
        created_at "createdAt": Timestamp => CreatedAt Eq;
        /// Not created at this time.
        created_at_not "createdAt_not": Timestamp => CreatedAt Not;
        /// Created before this time.
        created_at_lt "createdAt_lt": Timestamp => CreatedAt Lt;
        /// Created at or before this time.
        created_at_lte "createdAt_lte": Timestamp => CreatedAt Lte;
        /// Created after this time.
        created_at_gt "createdAt_gt": Timestamp => CreatedAt Gt;
        /// Created at or after this time.
        created_at_gte "createdAt_gte": Timestamp => CreatedAt Gte;
        /// Last changed at exactly this time.
        updated_at "updatedAt": Timestamp => UpdatedAt Eq;
        /// Not last changed at this time.
        updated_at_not "updatedAt_not": Timestamp => UpdatedAt Not;
        /// Last changed before this time.
        updated_at_lt "updatedAt_lt": Timestamp => UpdatedAt Lt;
        /// Last changed at or before this time.
        updated_at_lte "updatedAt_lte": Timestamp => UpdatedAt Lte;
        /// Last changed after this time.
        updated_at_gt "updatedAt_gt": Timestamp => UpdatedAt Gt;
        /// Last changed at or after this time.
        updated_at_gte "updatedAt_gte": Timestamp => UpdatedAt Gte;
        /// Selects deleted reviews (true) or those that are not (false). Deleted reviews are left out unless `deleted`
        /// or `deleted_not` is given.
        deleted "deleted": bool => Deleted Eq;
        /// Selects reviews that are not deleted (true) or those that are (false): the opposite of `deleted`.
        deleted_not "deleted_not": bool => Deleted Not;
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
