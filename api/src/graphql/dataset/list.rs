//! Conditions and sort orders for lists of datasets.

use super::super::filter::{order_by, where_input};
use async_graphql::ID;
use entity::Timestamp;
use labelhook_core::dataset::Field;

where_input! {
    /// Selects datasets. All given conditions must hold.
    DatasetWhereInput of Field {
        /// The id equals this value.
        id "id": ID => Id Eq;
        /// The id differs from this value.
        id_not "id_not": ID => Id Not;
        /// The id is one of these values.
        id_in "id_in": Vec<ID> => Id In;
        /// The name equals this value.
        name "name": String => Name Eq;
        /// The name differs from this value or is absent.
        name_not "name_not": String => Name Not;
        /// The name is one of these values.
        name_in "name_in": Vec<String> => Name In;
        /// The name sorts before this value.
        name_lt "name_lt": String => Name Lt;
        /// The name equals this value or sorts before it.
        name_lte "name_lte": String => Name Lte;
        /// The name sorts after this value.
        name_gt "name_gt": String => Name Gt;
        /// The name equals this value or sorts after it.
        name_gte "name_gte": String => Name Gte;
        /// The description equals this value.
        description "description": String => Description Eq;
        /// The description differs from this value or is absent.
        description_not "description_not": String => Description Not;
        /// The description is one of these values.
        description_in "description_in": Vec<String> => Description In;
        /// The description sorts before this value.
        description_lt "description_lt": String => Description Lt;
        /// The description equals this value or sorts before it.
        description_lte "description_lte": String => Description Lte;
        /// The description sorts after this value.
        description_gt "description_gt": String => Description Gt;
        /// The description equals this value or sorts after it.
        description_gte "description_gte": String => Description Gte;
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
        /// Selects deleted datasets (true) or those that are not (false). Deleted datasets are left out unless
        /// `deleted` or `deleted_not` is given.
        deleted "deleted": bool => Deleted Eq;
        /// Selects datasets that are not deleted (true) or those that are (false): the opposite of `deleted`.
        deleted_not "deleted_not": bool => Deleted Not;
    }
}

order_by! {
    /// The sort order of a list of datasets.
    DatasetOrderByInput of Field {
        /// Oldest first.
        CreatedAtAsc "createdAt_ASC" => CreatedAt false;
        /// Newest first.
        CreatedAtDesc "createdAt_DESC" => CreatedAt true;
        /// Least recently changed first.
        UpdatedAtAsc "updatedAt_ASC" => UpdatedAt false;
        /// Most recently changed first.
        UpdatedAtDesc "updatedAt_DESC" => UpdatedAt true;
        /// By name, A to Z.
        NameAsc "name_ASC" => Name false;
        /// By name, Z to A.
        NameDesc "name_DESC" => Name true;
    }
}
