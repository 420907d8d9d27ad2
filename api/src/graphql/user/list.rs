//! How users are listed: conditions and orders.

use super::super::filter::{order_by, where_input};
use async_graphql::ID;
use entity::Timestamp;
use labelhook_core::user::Field;

where_input! {
    /// Which users. All that is given holds.
    UserWhereInput of Field {
        /// Its id is this.
        id "id": ID => Id Eq;
        /// Its id is another than this.
        id_not "id_not": ID => Id Not;
        /// Its id is one of these.
        id_in "id_in": Vec<ID> => Id In;
        /// Their e-mail address is exactly this.
        email "email": String => Email Eq;
        /// Their e-mail address is not this, or absent.
        email_not "email_not": String => Email Not;
        /// Their e-mail address is one of these.
        email_in "email_in": Vec<String> => Email In;
        /// Their e-mail address sorts before this.
        email_lt "email_lt": String => Email Lt;
        /// Their e-mail address is this or sorts before it.
        email_lte "email_lte": String => Email Lte;
        /// Their e-mail address sorts after this.
        email_gt "email_gt": String => Email Gt;
        /// Their e-mail address is this or sorts after it.
        email_gte "email_gte": String => Email Gte;
        /// Their name is exactly this.
        name "name": String => Name Eq;
        /// Their name is not this, or absent.
        name_not "name_not": String => Name Not;
        /// Their name is one of these.
        name_in "name_in": Vec<String> => Name In;
        /// Their name sorts before this.
        name_lt "name_lt": String => Name Lt;
        /// Their name is this or sorts before it.
        name_lte "name_lte": String => Name Lte;
        /// Their name sorts after this.
        name_gt "name_gt": String => Name Gt;
        /// Their name is this or sorts after it.
        name_gte "name_gte": String => Name Gte;
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
    }
}

order_by! {
    /// In which order users are listed.
    UserOrderByInput of Field {
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
        /// By e-mail address, A to Z.
        EmailAsc "email_ASC" => Email false;
        /// By e-mail address, Z to A.
        EmailDesc "email_DESC" => Email true;
    }
}
