//! What an event is about. Closed list; a new topic starts here (STYLE.md, "where a change goes").

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// What an event is about, and what a webhook may subscribe to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WebhookTopic {
    /// A label was submitted (Submit in the editor).
    #[sea_orm(num_value = 0)]
    LabelCreated,
    /// A label was saved again (Save in the editor).
    #[sea_orm(num_value = 1)]
    LabelUpdated,
    /// A label was deleted, or its data row, or the dataset of that data row. One event a label.
    #[sea_orm(num_value = 2)]
    LabelDeleted,
    /// A review was submitted.
    #[sea_orm(num_value = 3)]
    ReviewCreated,
    /// A review was changed, or removed from its label.
    #[sea_orm(num_value = 4)]
    ReviewUpdated,
    /// Kept for clients that name it; removing a review is sent as REVIEW_UPDATED.
    #[sea_orm(num_value = 5)]
    ReviewDeleted,
    /// A task moved from one stage of its workflow to another.
    #[sea_orm(num_value = 6)]
    WorkflowAction,
    /// A test event, made by `pingWebhook` or `triggerEvent`. Sent to the one webhook it was made for, subscribed or not.
    #[sea_orm(num_value = 7)]
    Ping,
    /// A webhook was switched off for cause: nothing got through for days, or its receiver answered 410 Gone.
    #[sea_orm(num_value = 8)]
    WebhookDisabled,
    /// Nothing gets through to a webhook: the warning that comes before it is switched off.
    #[sea_orm(num_value = 9)]
    WebhookFailing,
    /// A delivery to a webhook of which WEBHOOK_FAILING told has succeeded.
    #[sea_orm(num_value = 10)]
    WebhookRecovered,
    /// A notification was given up: its attempts are spent.
    #[sea_orm(num_value = 11)]
    NotificationFailed,
}

impl WebhookTopic {
    /// The word as it stands in the API, in headers and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LabelCreated => "LABEL_CREATED",
            Self::LabelUpdated => "LABEL_UPDATED",
            Self::LabelDeleted => "LABEL_DELETED",
            Self::ReviewCreated => "REVIEW_CREATED",
            Self::ReviewUpdated => "REVIEW_UPDATED",
            Self::ReviewDeleted => "REVIEW_DELETED",
            Self::WorkflowAction => "WORKFLOW_ACTION",
            Self::Ping => "PING",
            Self::WebhookDisabled => "WEBHOOK_DISABLED",
            Self::WebhookFailing => "WEBHOOK_FAILING",
            Self::WebhookRecovered => "WEBHOOK_RECOVERED",
            Self::NotificationFailed => "NOTIFICATION_FAILED",
        }
    }

    /// Whether it tells of deliveries: what becomes of such an event's own deliveries causes no further one.
    pub fn is_operational(self) -> bool {
        matches!(
            self,
            Self::WebhookDisabled | Self::WebhookFailing | Self::WebhookRecovered | Self::NotificationFailed
        )
    }
}
