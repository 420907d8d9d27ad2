//! Conditions and sort orders for lists of data rows.

use super::super::filter::{order_by, where_input};
use async_graphql::ID;
use entity::Timestamp;
use labelhook_core::data_row::Field;

where_input! {
    /// Selects data rows. All given conditions must hold. Deleted data rows are never listed.
    DataRowWhereInput of Field {
        /// The id equals this value.
        id "id": ID => Id Eq;
        /// The id differs from this value.
        id_not "id_not": ID => Id Not;
        /// The id is one of these values.
        id_in "id_in": Vec<ID> => Id In;
        /// The external id equals this value.
        external_id "externalId": String => ExternalId Eq;
        /// The external id differs from this value or is absent.
        external_id_not "externalId_not": String => ExternalId Not;
        /// The external id is one of these values.
        external_id_in "externalId_in": Vec<String> => ExternalId In;
        /// The external id sorts before this value.
        external_id_lt "externalId_lt": String => ExternalId Lt;
        /// The external id equals this value or sorts before it.
        external_id_lte "externalId_lte": String => ExternalId Lte;
        /// The external id sorts after this value.
        external_id_gt "externalId_gt": String => ExternalId Gt;
        /// The external id equals this value or sorts after it.
        external_id_gte "externalId_gte": String => ExternalId Gte;
        /// The global key equals this value.
        global_key "globalKey": String => GlobalKey Eq;
        /// The global key differs from this value or is absent.
        global_key_not "globalKey_not": String => GlobalKey Not;
        /// The global key is one of these values.
        global_key_in "globalKey_in": Vec<String> => GlobalKey In;
        /// The global key sorts before this value.
        global_key_lt "globalKey_lt": String => GlobalKey Lt;
        /// The global key equals this value or sorts before it.
        global_key_lte "globalKey_lte": String => GlobalKey Lte;
        /// The global key sorts after this value.
        global_key_gt "globalKey_gt": String => GlobalKey Gt;
        /// The global key equals this value or sorts after it.
        global_key_gte "globalKey_gte": String => GlobalKey Gte;
        /// The URL or text equals this value.
        row_data "rowData": String => RowData Eq;
        /// The URL or text differs from this value or is absent.
        row_data_not "rowData_not": String => RowData Not;
        /// The URL or text is one of these values.
        row_data_in "rowData_in": Vec<String> => RowData In;
        /// The URL or text sorts before this value.
        row_data_lt "rowData_lt": String => RowData Lt;
        /// The URL or text equals this value or sorts before it.
        row_data_lte "rowData_lte": String => RowData Lte;
        /// The URL or text sorts after this value.
        row_data_gt "rowData_gt": String => RowData Gt;
        /// The URL or text equals this value or sorts after it.
        row_data_gte "rowData_gte": String => RowData Gte;
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
    }
}

order_by! {
    /// The sort order of a list of data rows.
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
