//! Conditions and sort orders for lists of data rows.

use super::super::{
    filter::order_by,
    where_input::{Conditions, Listed, WhereInput},
};
use labelhook_core::data_row::Field;

/// The `where` input of a list of data rows.
pub type DataRowWhereInput = WhereInput<DataRowConditions>;

/// The conditions of `DataRowWhereInput`.
pub enum DataRowConditions {}

impl Listed for DataRowConditions {
    type Field = Field;
    const NAME: &'static str = "DataRowWhereInput";
    const DESCRIPTION: &'static str =
        "Selects data rows. All given conditions must hold. Deleted data rows are never listed.";

    fn conditions(on: &mut impl Conditions<Self>) {
        on.id("id", "The id", Field::Id);
        on.text("externalId", "The external id", Field::ExternalId);
        on.text("globalKey", "The global key", Field::GlobalKey);
        on.text("rowData", "The URL or text", Field::RowData);
        on.created(Field::CreatedAt);
        on.updated(Field::UpdatedAt);
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
