//! How labels are listed: conditions and orders.

use super::super::filter::{order_by, where_input};
use async_graphql::ID;
use entity::Timestamp;
use labelhook_core::label::Field;

where_input! {
    /// Which labels. All that is given holds.
    LabelWhereInput of Field {
        /// Its id is this.
        id "id": ID => Id Eq;
        /// Its id is another than this.
        id_not "id_not": ID => Id Not;
        /// Its id is one of these.
        id_in "id_in": Vec<ID> => Id In;
        /// Its annotation is exactly this.
        label "label": String => Label Eq;
        /// Its annotation is not this, or absent.
        label_not "label_not": String => Label Not;
        /// Its annotation is one of these.
        label_in "label_in": Vec<String> => Label In;
        /// Its annotation sorts before this.
        label_lt "label_lt": String => Label Lt;
        /// Its annotation is this or sorts before it.
        label_lte "label_lte": String => Label Lte;
        /// Its annotation sorts after this.
        label_gt "label_gt": String => Label Gt;
        /// Its annotation is this or sorts after it.
        label_gte "label_gte": String => Label Gte;
        /// How long it took, in seconds, is this.
        seconds_to_label "secondsToLabel": f64 => SecondsToLabel Eq;
        /// How long it took, in seconds, is not this.
        seconds_to_label_not "secondsToLabel_not": f64 => SecondsToLabel Not;
        /// How long it took, in seconds, is less than this.
        seconds_to_label_lt "secondsToLabel_lt": f64 => SecondsToLabel Lt;
        /// How long it took, in seconds, is at most this.
        seconds_to_label_lte "secondsToLabel_lte": f64 => SecondsToLabel Lte;
        /// How long it took, in seconds, is greater than this.
        seconds_to_label_gt "secondsToLabel_gt": f64 => SecondsToLabel Gt;
        /// How long it took, in seconds, is at least this.
        seconds_to_label_gte "secondsToLabel_gte": f64 => SecondsToLabel Gte;
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
        /// Whether it is deleted. Deleted labels are left out when this is not given.
        deleted "deleted": bool => Deleted Eq;
        /// The opposite of whether it is deleted. Deleted labels are left out when this is not given.
        deleted_not "deleted_not": bool => Deleted Not;
    }
    nested {
        /// Its data row is one of these.
        data_row: LabelDataRowWhereInput;
        /// Who submitted it is one of these.
        created_by: LabelCreatedByWhereInput;
    }
}

where_input! {
    /// Labels by their data row. All that is given holds.
    LabelDataRowWhereInput of Field {
        /// The data row's id is this.
        id "id": ID => DataRow Eq;
        /// The data row's id is another than this.
        id_not "id_not": ID => DataRow Not;
        /// The data row's id is one of these.
        id_in "id_in": Vec<ID> => DataRow In;
        /// The data row's external id is exactly this.
        external_id "externalId": String => ExternalId Eq;
        /// The data row's external id is not this, or absent.
        external_id_not "externalId_not": String => ExternalId Not;
        /// The data row's external id is one of these.
        external_id_in "externalId_in": Vec<String> => ExternalId In;
        /// The data row's external id sorts before this.
        external_id_lt "externalId_lt": String => ExternalId Lt;
        /// The data row's external id is this or sorts before it.
        external_id_lte "externalId_lte": String => ExternalId Lte;
        /// The data row's external id sorts after this.
        external_id_gt "externalId_gt": String => ExternalId Gt;
        /// The data row's external id is this or sorts after it.
        external_id_gte "externalId_gte": String => ExternalId Gte;
    }
    nested {
        /// Its dataset is one of these.
        dataset: LabelDatasetWhereInput;
    }
}

where_input! {
    /// Labels by their data row's dataset. All that is given holds.
    LabelDatasetWhereInput of Field {
        /// The dataset's id is this.
        id "id": ID => Dataset Eq;
        /// The dataset's id is another than this.
        id_not "id_not": ID => Dataset Not;
        /// The dataset's id is one of these.
        id_in "id_in": Vec<ID> => Dataset In;
    }
}

where_input! {
    /// Labels by who submitted them. All that is given holds.
    LabelCreatedByWhereInput of Field {
        /// The user's id is this.
        id "id": ID => CreatedBy Eq;
        /// The user's id is another than this.
        id_not "id_not": ID => CreatedBy Not;
        /// The user's id is one of these.
        id_in "id_in": Vec<ID> => CreatedBy In;
    }
}

order_by! {
    /// In which order labels are listed.
    LabelOrderByInput of Field {
        /// Oldest first.
        CreatedAtAsc "createdAt_ASC" => CreatedAt false;
        /// Newest first.
        CreatedAtDesc "createdAt_DESC" => CreatedAt true;
        /// Least recently changed first.
        UpdatedAtAsc "updatedAt_ASC" => UpdatedAt false;
        /// Most recently changed first.
        UpdatedAtDesc "updatedAt_DESC" => UpdatedAt true;
        /// Quickest first.
        SecondsToLabelAsc "secondsToLabel_ASC" => SecondsToLabel false;
        /// Slowest first.
        SecondsToLabelDesc "secondsToLabel_DESC" => SecondsToLabel true;
    }
}
