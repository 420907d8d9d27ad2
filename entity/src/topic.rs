//! Topics of events. The list is closed; a new topic is added as a variant here and as data in
//! `core/src/event/data.rs`.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The topic of an event, which a webhook may subscribe to.
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
    /// A label was deleted, by itself or with its data row or dataset. One event for each label.
    #[sea_orm(num_value = 2)]
    LabelDeleted,
    /// A review was submitted.
    #[sea_orm(num_value = 3)]
    ReviewCreated,
    /// A review was changed, or removed from its label.
    #[sea_orm(num_value = 4)]
    ReviewUpdated,
    /// Accepted for clients that name it and never published: removing a review publishes REVIEW_UPDATED.
    #[sea_orm(num_value = 5)]
    ReviewDeleted,
    /// A task moved from one stage of its workflow to another.
    #[sea_orm(num_value = 6)]
    WorkflowAction,
    /// A test event, created by `pingWebhook` or `triggerEvent`. It is sent to the webhook that it was created for,
    /// whether or not that is subscribed.
    #[sea_orm(num_value = 7)]
    Ping,
    /// A webhook was disabled automatically: nothing was delivered for days, or its receiver responded with 410 Gone.
    #[sea_orm(num_value = 8)]
    WebhookDisabled,
    /// Deliveries to a webhook keep failing: the warning before it is disabled.
    #[sea_orm(num_value = 9)]
    WebhookFailing,
    /// A delivery succeeded to a webhook that WEBHOOK_FAILING had reported.
    #[sea_orm(num_value = 10)]
    WebhookRecovered,
    /// A notification was given up: its attempts are exhausted.
    #[sea_orm(num_value = 11)]
    NotificationFailed,
}

impl WebhookTopic {
    /// Returns the name that is used in the API, in headers and in logs.
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

    /// Returns whether the topic reports on deliveries. Deliveries of such events cause no further events.
    pub fn is_operational(self) -> bool {
        matches!(
            self,
            Self::WebhookDisabled | Self::WebhookFailing | Self::WebhookRecovered | Self::NotificationFailed
        )
    }
}
