//! Typed ids: one newtype over UUID v7 for each noun, so that a label's id cannot be passed for a project's. Each
//! derives its column (16 bytes on SQLite, `uuid` on PostgreSQL) and its text form.

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};
use std::sync::{
    Mutex,
    atomic::{AtomicI64, Ordering},
};
use std::{fmt, str::FromStr};
use uuid::{ContextV7, NoContext, Timestamp, Uuid};

/// The offset in microseconds of the clock of new ids from this machine's clock.
static AHEAD: AtomicI64 = AtomicI64::new(0);
/// Keeps ids in creation order, even when the clock is set back.
static ORDER: Mutex<ContextV7> = Mutex::new(ContextV7::new());
/// The offset change in microseconds up to which new ids keep sorting after those created before.
const SMALL: u64 = 1_000_000;

/// Sets the offset of the clock of new ids from this machine's clock, in microseconds. Processes that share a database
/// use the database's clock, so that their ids sort together.
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
            /// Returns a new id. Ids of one process sort by creation time.
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
    /// Identifies an organization.
    OrganizationId,
    /// Identifies a user.
    UserId,
    /// Identifies an API key.
    ApiKeyId,
    /// Identifies a project.
    ProjectId,
    /// Identifies a dataset.
    DatasetId,
    /// Identifies a data row.
    DataRowId,
    /// Identifies a batch.
    BatchId,
    /// Identifies a label.
    LabelId,
    /// Identifies a review.
    ReviewId,
    /// Identifies a webhook.
    WebhookId,
    /// Identifies a secret of a webhook.
    SecretId,
    /// Identifies an event: the `webhook-id` header.
    EventId,
    /// Identifies a payload.
    PayloadId,
    /// Identifies a notification: the delivery id header.
    NotificationId,
    /// Identifies a deletion that runs in steps.
    DeletionId,
    /// Identifies a stage of a workflow.
    StageId,
    /// Identifies a task.
    TaskId,
    /// Identifies a completed visit of a task to a stage.
    VisitId,
    /// Identifies a stage run: a job that sends again for the tasks that a stage holds.
    StageRunId,
    /// Identifies an intake: a job that turns data rows into tasks.
    IntakeId,
    /// Identifies a change of the master key.
    RekeyId,
    /// Identifies a request that carried an idempotency key.
    IdempotencyId,
    /// Identifies a replay.
    ReplayId,
    /// Identifies a postponed match of an event with a webhook.
    PostponedMatchId,
    /// Identifies a running process, the holder of claims.
    NodeId,
}
