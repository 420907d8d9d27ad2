//! Conditions and sort orders for lists of datasets.

use super::super::{
    filter::order_by,
    where_input::{Conditions, Listed, WhereInput},
};
use labelhook_core::dataset::Field;

/// The `where` input of a list of datasets.
pub type DatasetWhereInput = WhereInput<DatasetConditions>;

/// The conditions of `DatasetWhereInput`.
pub enum DatasetConditions {}

impl Listed for DatasetConditions {
    type Field = Field;
    const NAME: &'static str = "DatasetWhereInput";
    const DESCRIPTION: &'static str = "Selects datasets. All given conditions must hold.";

    fn conditions(on: &mut impl Conditions<Self>) {
        on.id("id", "The id", Field::Id);
        on.text("name", "The name", Field::Name);
        on.text("description", "The description", Field::Description);
        on.created(Field::CreatedAt);
        on.updated(Field::UpdatedAt);
        on.deleted(
            "datasets",
            "Deleted datasets are left out unless\n`deleted` or `deleted_not` is given.",
            Field::Deleted,
        );
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
