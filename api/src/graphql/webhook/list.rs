//! Conditions and sort orders for lists of webhooks.

use super::super::{
    filter::order_by,
    where_input::{Conditions, Listed, WhereInput},
};
use labelhook_core::webhook::Field;

/// The `where` input of a list of webhooks.
pub type WebhookWhereInput = WhereInput<WebhookConditions>;

/// The conditions of `WebhookWhereInput`.
pub enum WebhookConditions {}

impl Listed for WebhookConditions {
    type Field = Field;
    const NAME: &'static str = "WebhookWhereInput";
    const DESCRIPTION: &'static str = "Selects webhooks. All given conditions must hold.";

    fn conditions(on: &mut impl Conditions<Self>) {
        on.id("id", "The id", Field::Id);
        on.exact("url", "The URL", Field::Url);
        on.status("status", "The status", Field::Status);
        on.created(Field::CreatedAt);
        on.updated(Field::UpdatedAt);
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
