//! How datasets are listed: conditions and orders.

use super::super::filter::{order_by, where_input};
use async_graphql::ID;
use entity::Timestamp;
use labelhook_core::dataset::Field;

where_input! {
    /// Which datasets. All that is given holds.
    DatasetWhereInput of Field {
        /// Its id is this.
        id "id": ID => Id Eq;
        /// Its id is another than this.
        id_not "id_not": ID => Id Not;
        /// Its id is one of these.
        id_in "id_in": Vec<ID> => Id In;
        /// Its name is exactly this.
        name "name": String => Name Eq;
        /// Its name is not this, or absent.
        name_not "name_not": String => Name Not;
        /// Its name is one of these.
        name_in "name_in": Vec<String> => Name In;
        /// Its name sorts before this.
        name_lt "name_lt": String => Name Lt;
        /// Its name is this or sorts before it.
        name_lte "name_lte": String => Name Lte;
        /// Its name sorts after this.
        name_gt "name_gt": String => Name Gt;
        /// Its name is this or sorts after it.
        name_gte "name_gte": String => Name Gte;
        /// Its description is exactly this.
        description "description": String => Description Eq;
        /// Its description is not this, or absent.
        description_not "description_not": String => Description Not;
        /// Its description is one of these.
        description_in "description_in": Vec<String> => Description In;
        /// Its description sorts before this.
        description_lt "description_lt": String => Description Lt;
        /// Its description is this or sorts before it.
        description_lte "description_lte": String => Description Lte;
        /// Its description sorts after this.
        description_gt "description_gt": String => Description Gt;
        /// Its description is this or sorts after it.
        description_gte "description_gte": String => Description Gte;
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
        /// Whether it is deleted. Deleted datasets are left out when this is not given.
        deleted "deleted": bool => Deleted Eq;
        /// The opposite of whether it is deleted. Deleted datasets are left out when this is not given.
        deleted_not "deleted_not": bool => Deleted Not;
    }
}

order_by! {
    /// In which order datasets are listed.
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
