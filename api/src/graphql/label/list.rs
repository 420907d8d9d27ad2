//! Conditions and sort orders for lists of labels.

use super::super::{
    filter::order_by,
    where_input::{Conditions, Listed, WhereInput},
};
use labelhook_core::label::Field;

/// The `where` input of a list of labels.
pub type LabelWhereInput = WhereInput<LabelConditions>;

/// The conditions of `LabelWhereInput`.
pub enum LabelConditions {}

impl Listed for LabelConditions {
    type Field = Field;
    const NAME: &'static str = "LabelWhereInput";
    const DESCRIPTION: &'static str = "Selects labels. All given conditions must hold.";

    fn conditions(on: &mut impl Conditions<Self>) {
        on.id("id", "The id", Field::Id);
        on.text("label", "The annotation", Field::Label);
        on.number("secondsToLabel", "The labeling time in seconds", Field::SecondsToLabel);
        on.created(Field::CreatedAt);
        on.updated(Field::UpdatedAt);
        on.deleted(
            "labels",
            "Deleted labels are left out unless `deleted` or\n`deleted_not` is given.",
            Field::Deleted,
        );
        on.nested::<LabelDataRowConditions>("dataRow", "The label's data row matches these conditions.");
        on.nested::<LabelCreatedByConditions>(
            "createdBy",
            "The user who submitted the label matches these conditions.",
        );
    }
}

/// The conditions of `LabelDataRowWhereInput`.
enum LabelDataRowConditions {}

impl Listed for LabelDataRowConditions {
    type Field = Field;
    const NAME: &'static str = "LabelDataRowWhereInput";
    const DESCRIPTION: &'static str = "Selects labels by their data row. All given conditions must hold.";

    fn conditions(on: &mut impl Conditions<Self>) {
        on.id("id", "The data row's id", Field::DataRow);
        on.text("externalId", "The data row's external id", Field::ExternalId);
        on.nested::<LabelDatasetConditions>("dataset", "The data row's dataset matches these conditions.");
    }
}

/// The conditions of `LabelDatasetWhereInput`.
enum LabelDatasetConditions {}

impl Listed for LabelDatasetConditions {
    type Field = Field;
    const NAME: &'static str = "LabelDatasetWhereInput";
    const DESCRIPTION: &'static str = "Selects labels by their data row's dataset. All given conditions must hold.";

    fn conditions(on: &mut impl Conditions<Self>) {
        on.id("id", "The dataset's id", Field::Dataset);
    }
}

/// The conditions of `LabelCreatedByWhereInput`.
enum LabelCreatedByConditions {}

impl Listed for LabelCreatedByConditions {
    type Field = Field;
    const NAME: &'static str = "LabelCreatedByWhereInput";
    const DESCRIPTION: &'static str = "Selects labels by the user who submitted them. All given conditions must hold.";

    fn conditions(on: &mut impl Conditions<Self>) {
        on.id("id", "The user's id", Field::CreatedBy);
    }
}

order_by! {
    /// The sort order of a list of labels.
    LabelOrderByInput of Field {
        /// Oldest first.
        CreatedAtAsc "createdAt_ASC" => CreatedAt false;
        /// Newest first.
        CreatedAtDesc "createdAt_DESC" => CreatedAt true;
        /// Least recently changed first.
        UpdatedAtAsc "updatedAt_ASC" => UpdatedAt false;
        /// Most recently changed first.
        UpdatedAtDesc "updatedAt_DESC" => UpdatedAt true;
        /// Shortest labeling time first.
        SecondsToLabelAsc "secondsToLabel_ASC" => SecondsToLabel false;
        /// Longest labeling time first.
        SecondsToLabelDesc "secondsToLabel_DESC" => SecondsToLabel true;
    }
}
