//! How webhooks are listed: conditions and orders.

use super::super::filter::{order_by, where_input};
use async_graphql::ID;
use entity::{Timestamp, WebhookStatus};
use labelhook_core::webhook::Field;

where_input! {
    /// Which webhooks. All that is given holds.
    WebhookWhereInput of Field {
        /// Its id is this.
        id "id": ID => Id Eq;
        /// Its id is another than this.
        id_not "id_not": ID => Id Not;
        /// Its id is one of these.
        id_in "id_in": Vec<ID> => Id In;
        /// Its URL is exactly this.
        url "url": String => Url Eq;
        /// Its URL is not this.
        url_not "url_not": String => Url Not;
        /// Its URL is one of these.
        url_in "url_in": Vec<String> => Url In;
        /// Its status is this.
        status "status": WebhookStatus => Status Eq;
        /// Its status is another than this.
        status_not "status_not": WebhookStatus => Status Not;
        /// Its status is one of these.
        status_in "status_in": Vec<WebhookStatus> => Status In;
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
    /// In which order webhooks are listed.
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
