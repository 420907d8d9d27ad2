//! Conditions and sort orders for lists of labels.

use super::super::filter::{order_by, where_input};
use async_graphql::ID;
use entity::Timestamp;
use labelhook_core::label::Field;

where_input! {
    /// Selects labels. All given conditions must hold.
    LabelWhereInput of Field {
        /// The id equals this value.
        id "id": ID => Id Eq;
        /// The id differs from this value.
        id_not "id_not": ID => Id Not;
        /// The id is one of these values.
        id_in "id_in": Vec<ID> => Id In;
        /// The annotation equals this value.
        label "label": String => Label Eq;
        /// The annotation differs from this value or is absent.
        label_not "label_not": String => Label Not;
        /// The annotation is one of these values.
        label_in "label_in": Vec<String> => Label In;
        /// The annotation sorts before this value.
        label_lt "label_lt": String => Label Lt;
        /// The annotation equals this value or sorts before it.
        label_lte "label_lte": String => Label Lte;
        /// The annotation sorts after this value.
        label_gt "label_gt": String => Label Gt;
        /// The annotation equals this value or sorts after it.
        label_gte "label_gte": String => Label Gte;
        /// The labeling time in seconds equals this value.
        seconds_to_label "secondsToLabel": f64 => SecondsToLabel Eq;
        /// The labeling time in seconds differs from this value.
        seconds_to_label_not "secondsToLabel_not": f64 => SecondsToLabel Not;
        /// The labeling time in seconds is less than this value.
        seconds_to_label_lt "secondsToLabel_lt": f64 => SecondsToLabel Lt;
        /// The labeling time in seconds is at most this value.
        seconds_to_label_lte "secondsToLabel_lte": f64 => SecondsToLabel Lte;
        /// The labeling time in seconds is greater than this value.
        seconds_to_label_gt "secondsToLabel_gt": f64 => SecondsToLabel Gt;
        /// The labeling time in seconds is at least this value.
        seconds_to_label_gte "secondsToLabel_gte": f64 => SecondsToLabel Gte;
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
        /// Selects deleted labels (true) or those that are not (false). Deleted labels are left out unless `deleted` or
        /// `deleted_not` is given.
        deleted "deleted": bool => Deleted Eq;
        /// Selects labels that are not deleted (true) or those that are (false): the opposite of `deleted`.
        deleted_not "deleted_not": bool => Deleted Not;
    }
    nested {
        /// The label's data row matches these conditions.
        data_row: LabelDataRowWhereInput;
        /// The user who submitted the label matches these conditions.
        created_by: LabelCreatedByWhereInput;
    }
}

where_input! {
    /// Selects labels by their data row. All given conditions must hold.
    LabelDataRowWhereInput of Field {
        /// The data row's id equals this value.
        id "id": ID => DataRow Eq;
        /// The data row's id differs from this value.
        id_not "id_not": ID => DataRow Not;
        /// The data row's id is one of these values.
        id_in "id_in": Vec<ID> => DataRow In;
        /// The data row's external id equals this value.
        external_id "externalId": String => ExternalId Eq;
        /// The data row's external id differs from this value or is absent.
        external_id_not "externalId_not": String => ExternalId Not;
        /// The data row's external id is one of these values.
        external_id_in "externalId_in": Vec<String> => ExternalId In;
        /// The data row's external id sorts before this value.
        external_id_lt "externalId_lt": String => ExternalId Lt;
        /// The data row's external id equals this value or sorts before it.
        external_id_lte "externalId_lte": String => ExternalId Lte;
        /// The data row's external id sorts after this value.
        external_id_gt "externalId_gt": String => ExternalId Gt;
        /// The data row's external id equals this value or sorts after it.
        external_id_gte "externalId_gte": String => ExternalId Gte;
    }
    nested {
        /// The data row's dataset matches these conditions.
        dataset: LabelDatasetWhereInput;
    }
}

where_input! {
    /// Selects labels by their data row's dataset. All given conditions must hold.
    LabelDatasetWhereInput of Field {
        /// The dataset's id equals this value.
        id "id": ID => Dataset Eq;
        /// The dataset's id differs from this value.
        id_not "id_not": ID => Dataset Not;
        /// The dataset's id is one of these values.
        id_in "id_in": Vec<ID> => Dataset In;
    }
}

where_input! {
    /// Selects labels by the user who submitted them. All given conditions must hold.
    LabelCreatedByWhereInput of Field {
        /// The user's id equals this value.
        id "id": ID => CreatedBy Eq;
        /// The user's id differs from this value.
        id_not "id_not": ID => CreatedBy Not;
        /// The user's id is one of these values.
        id_in "id_in": Vec<ID> => CreatedBy In;
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
