//! How data rows are listed: conditions and orders.

use super::super::filter::{order_by, where_input};
use async_graphql::ID;
use entity::Timestamp;
use labelhook_core::data_row::Field;

where_input! {
    /// Which data rows. All that is given holds. Deleted ones are never listed.
    DataRowWhereInput of Field {
        /// Its id is this.
        id "id": ID => Id Eq;
        /// Its id is another than this.
        id_not "id_not": ID => Id Not;
        /// Its id is one of these.
        id_in "id_in": Vec<ID> => Id In;
        /// Its external id is exactly this.
        external_id "externalId": String => ExternalId Eq;
        /// Its external id is not this, or absent.
        external_id_not "externalId_not": String => ExternalId Not;
        /// Its external id is one of these.
        external_id_in "externalId_in": Vec<String> => ExternalId In;
        /// Its external id sorts before this.
        external_id_lt "externalId_lt": String => ExternalId Lt;
        /// Its external id is this or sorts before it.
        external_id_lte "externalId_lte": String => ExternalId Lte;
        /// Its external id sorts after this.
        external_id_gt "externalId_gt": String => ExternalId Gt;
        /// Its external id is this or sorts after it.
        external_id_gte "externalId_gte": String => ExternalId Gte;
        /// Its global key is exactly this.
        global_key "globalKey": String => GlobalKey Eq;
        /// Its global key is not this, or absent.
        global_key_not "globalKey_not": String => GlobalKey Not;
        /// Its global key is one of these.
        global_key_in "globalKey_in": Vec<String> => GlobalKey In;
        /// Its global key sorts before this.
        global_key_lt "globalKey_lt": String => GlobalKey Lt;
        /// Its global key is this or sorts before it.
        global_key_lte "globalKey_lte": String => GlobalKey Lte;
        /// Its global key sorts after this.
        global_key_gt "globalKey_gt": String => GlobalKey Gt;
        /// Its global key is this or sorts after it.
        global_key_gte "globalKey_gte": String => GlobalKey Gte;
        /// Its URL or text is exactly this.
        row_data "rowData": String => RowData Eq;
        /// Its URL or text is not this, or absent.
        row_data_not "rowData_not": String => RowData Not;
        /// Its URL or text is one of these.
        row_data_in "rowData_in": Vec<String> => RowData In;
        /// Its URL or text sorts before this.
        row_data_lt "rowData_lt": String => RowData Lt;
        /// Its URL or text is this or sorts before it.
        row_data_lte "rowData_lte": String => RowData Lte;
        /// Its URL or text sorts after this.
        row_data_gt "rowData_gt": String => RowData Gt;
        /// Its URL or text is this or sorts after it.
        row_data_gte "rowData_gte": String => RowData Gte;
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
    /// In which order data rows are listed.
    DataRowOrderByInput of Field {
        /// Oldest first.
        CreatedAtAsc "createdAt_ASC" => CreatedAt false;
        /// Newest first.
        CreatedAtDesc "createdAt_DESC" => CreatedAt true;
        /// Least recently changed first.
        UpdatedAtAsc "updatedAt_ASC" => UpdatedAt false;
        /// Most recently changed first.
        UpdatedAtDesc "updatedAt_DESC" => UpdatedAt true;
        /// By external id, A to Z.
        ExternalIdAsc "externalId_ASC" => ExternalId false;
        /// By external id, Z to A.
        ExternalIdDesc "externalId_DESC" => ExternalId true;
    }
}
