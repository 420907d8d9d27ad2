//! Conditions and sort orders for lists of webhooks.

use super::super::filter::{order_by, where_input};
use async_graphql::ID;
use entity::{Timestamp, WebhookStatus};
use labelhook_core::webhook::Field;

where_input! {
    /// Selects webhooks. All given conditions must hold.
    WebhookWhereInput of Field {
        /// The id equals this value.
        id "id": ID => Id Eq;
        /// The id differs from this value.
        id_not "id_not": ID => Id Not;
        /// The id is one of these values.
        id_in "id_in": Vec<ID> => Id In;
        /// The URL equals this value.
        url "url": String => Url Eq;
        /// The URL differs from this value.
        url_not "url_not": String => Url Not;
        /// The URL is one of these values.
        url_in "url_in": Vec<String> => Url In;
        /// The status equals this value.
        status "status": WebhookStatus => Status Eq;
        /// The status differs from this value.
        status_not "status_not": WebhookStatus => Status Not;
        /// The status is one of these values.
        status_in "status_in": Vec<WebhookStatus> => Status In;
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
    /// The sort order of a list of webhooks.
    WebhookOrderByInput of Field {
        /// Oldest first.
        CreatedAtAsc "createdAt_ASC" => CreatedAt false;
        /// Newest first.
        CreatedAtDesc "createdAt_DESC" => CreatedAt true;
        /// Least recently changed first.
        UpdatedAtAsc "updatedAt_ASC" => UpdatedAt false;
        /// Most recently changed first.
        UpdatedAtDesc "updatedAt_DESC" => UpdatedAt true;
        /// By URL, A to Z.
        UrlAsc "url_ASC" => Url false;
        /// By URL, Z to A.
        UrlDesc "url_DESC" => Url true;
    }
}
