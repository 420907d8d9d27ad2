//! Typed ids: one newtype over UUID v7 a noun, so that a label's id cannot be passed where a project's is meant.
//! Each derives its column (16 bytes on SQLite, `uuid` on PostgreSQL) and its text form.

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id; ids of one process sort by the moment they were made.
            #[expect(clippy::new_without_default, reason = "a default that differs on every call surprises")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )+};
}

ids! {
    /// Of an organization.
    OrganizationId,
    /// Of a user.
    UserId,
    /// Of an API key.
    ApiKeyId,
    /// Of a project.
    ProjectId,
    /// Of a dataset.
    DatasetId,
    /// Of a data row.
    DataRowId,
    /// Of a batch.
    BatchId,
    /// Of a label.
    LabelId,
    /// Of a review.
    ReviewId,
    /// Of a webhook.
    WebhookId,
    /// Of a webhook's secret.
    SecretId,
    /// Of an event: the `webhook-id` header.
    EventId,
    /// Of a payload.
    PayloadId,
    /// Of a notification: the delivery id header.
    NotificationId,
    /// Of a deletion that runs in steps.
    DeletionId,
    /// Of a stage of a workflow.
    StageId,
    /// Of a task.
    TaskId,
    /// Of a completed visit of a task to a stage.
    VisitId,
    /// Of a stage that sends again for the tasks it holds.
    StageRunId,
    /// Of data rows that become tasks in steps.
    IntakeId,
    /// Of a change of the master key.
    RekeyId,
    /// Of a request that carried an idempotency key.
    IdempotencyId,
    /// Of a replay.
    ReplayId,
    /// Of a running process, as the holder of claims.
    NodeId,
}
