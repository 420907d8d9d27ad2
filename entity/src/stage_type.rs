//! What a stage of a workflow does with a task. Closed list; a new type starts here.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// What a stage does with the tasks that enter it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StageType {
    /// Where tasks enter; they pass on at once.
    #[sea_orm(num_value = 0)]
    Start,
    /// Somebody annotates; `submitTask` passes the task on.
    #[sea_orm(num_value = 1)]
    Label,
    /// Somebody judges; `reviewTask` passes the task on.
    #[sea_orm(num_value = 2)]
    Review,
    /// Passes the task on at once: over the first edge whose condition holds, else over ELSE.
    #[sea_orm(num_value = 3)]
    Logic,
    /// Keeps the task until somebody forwards or requeues it; it may be saved, not submitted.
    #[sea_orm(num_value = 4)]
    Hold,
    /// Sends the task to a receiver, whose answer decides where it goes.
    #[sea_orm(num_value = 5)]
    Webhook,
    /// The end of a task that is done.
    #[sea_orm(num_value = 6)]
    Complete,
    /// The end of a task that is put away.
    #[sea_orm(num_value = 7)]
    Archive,
}

impl StageType {
    /// The word as it stands in the API, in payloads and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Label => "LABEL",
            Self::Review => "REVIEW",
            Self::Logic => "LOGIC",
            Self::Hold => "HOLD",
            Self::Webhook => "WEBHOOK",
            Self::Complete => "COMPLETE",
            Self::Archive => "ARCHIVE",
        }
    }
}
