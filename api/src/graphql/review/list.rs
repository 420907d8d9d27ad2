//! How reviews are listed: conditions and orders.

use super::super::filter::{order_by, where_input};
use async_graphql::ID;
use entity::Timestamp;
use labelhook_core::review::Field;

where_input! {
    /// Which reviews. All that is given holds.
    ReviewWhereInput of Field {
        /// Its id is this.
        id "id": ID => Id Eq;
        /// Its id is another than this.
        id_not "id_not": ID => Id Not;
        /// Its id is one of these.
        id_in "id_in": Vec<ID> => Id In;
        /// Its score is this.
        score "score": f64 => Score Eq;
        /// Its score is not this.
        score_not "score_not": f64 => Score Not;
        /// Its score is less than this.
        score_lt "score_lt": f64 => Score Lt;
        /// Its score is at most this.
        score_lte "score_lte": f64 => Score Lte;
        /// Its score is greater than this.
        score_gt "score_gt": f64 => Score Gt;
        /// Its score is at least this.
        score_gte "score_gte": f64 => Score Gte;
        /// It was made at this moment.
        created_at "createdAt": Timestamp => CreatedAt Eq;
        /// It was made at another moment.
        created_at_not "createdAt_not": Timestamp => CreatedAt Not;
        /// It was made before this moment.
        created_at_lt "createdAt_lt": Timestamp => CreatedAt Lt;
        /// It was made at this moment or before.
        created_at_lte "createdAt_lte": Timestamp => CreatedAt Lte;
        /// It was made after this moment.
        created_at_gt "createdAt_gt": Timestamp => CreatedAt Gt;
        /// It was made at this moment or after.
        created_at_gte "createdAt_gte": Timestamp => CreatedAt Gte;
        /// It last changed at this moment.
        updated_at "updatedAt": Timestamp => UpdatedAt Eq;
        /// It last changed at another moment.
        updated_at_not "updatedAt_not": Timestamp => UpdatedAt Not;
        /// It last changed before this moment.
        updated_at_lt "updatedAt_lt": Timestamp => UpdatedAt Lt;
        /// It last changed at this moment or before.
        updated_at_lte "updatedAt_lte": Timestamp => UpdatedAt Lte;
        /// It last changed after this moment.
        updated_at_gt "updatedAt_gt": Timestamp => UpdatedAt Gt;
        /// It last changed at this moment or after.
        updated_at_gte "updatedAt_gte": Timestamp => UpdatedAt Gte;
        /// Whether it is deleted. Deleted reviews are left out when this is not given.
        deleted "deleted": bool => Deleted Eq;
        /// The opposite of whether it is deleted. Deleted reviews are left out when this is not given.
        deleted_not "deleted_not": bool => Deleted Not;
    }
}

order_by! {
    /// In which order reviews are listed.
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
