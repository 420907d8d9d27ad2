//! Types of a workflow's stages.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The type of a stage: the action that it performs on the tasks that enter it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StageType {
    /// The entry of the workflow; tasks move on immediately.
    #[sea_orm(num_value = 0)]
    Start,
    /// A person annotates; `submitTask` moves the task on.
    #[sea_orm(num_value = 1)]
    Label,
    /// A person reviews; `reviewTask` moves the task on.
    #[sea_orm(num_value = 2)]
    Review,
    /// Moves the task on immediately: over the first edge whose condition is true, else over ELSE.
    #[sea_orm(num_value = 3)]
    Logic,
    /// Holds the task until it is forwarded or requeued. The task may be saved, not submitted.
    #[sea_orm(num_value = 4)]
    Hold,
    /// Sends the task to a receiver, whose response determines the next stage.
    #[sea_orm(num_value = 5)]
    Webhook,
    /// The end of a completed task.
    #[sea_orm(num_value = 6)]
    Complete,
    /// The end of an archived task.
    #[sea_orm(num_value = 7)]
    Archive,
}

impl StageType {
    /// Returns the name that is used in the API, in payloads and in logs.
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
