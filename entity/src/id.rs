//! Typed ids: one newtype over UUID v7 a noun, so that a label's id cannot be passed where a project's is meant.
//! Each derives its column (16 bytes on SQLite, `uuid` on PostgreSQL) and its text form.

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};
use std::sync::{
    Mutex,
    atomic::{AtomicI64, Ordering},
};
use std::{fmt, str::FromStr};
use uuid::{ContextV7, NoContext, Timestamp, Uuid};

/// By how many microseconds the clock of new ids is ahead of this machine's.
static AHEAD: AtomicI64 = AtomicI64::new(0);
/// Keeps ids in the order in which they are made, also when the clock is put back.
static ORDER: Mutex<ContextV7> = Mutex::new(ContextV7::new());
/// Microseconds by which the clock may be put back without ids that sort before those made already.
const SMALL: u64 = 1_000_000;

/// From now on new ids go by a clock that is so far ahead of this machine's: many processes that share a database go by the
/// database's, so that their ids sort together.
pub fn ids_go_by(micros: i64) {
    let before = AHEAD.swap(micros, Ordering::SeqCst);
    if before.abs_diff(micros) > SMALL {
        *ORDER.lock().expect("nothing panics while it holds the order") = ContextV7::new();
    }
}

fn fresh() -> Uuid {
    let (seconds, nanos) = Timestamp::now(NoContext).to_unix();
    let micros = seconds.saturating_mul(1_000_000) + u64::from(nanos / 1_000);
    let micros = micros.saturating_add_signed(AHEAD.load(Ordering::SeqCst));
    let rest = u32::try_from(micros % 1_000_000).expect("it is below a million");
    Uuid::new_v7(Timestamp::from_unix(&ORDER, micros / 1_000_000, rest * 1_000))
}

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
                Self(fresh())
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
