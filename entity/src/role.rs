//! Roles of users. The permissions of each role are one table in `labelhook_core::auth`.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The role of a user in an organization.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// All permissions, including those over other owners.
    #[sea_orm(num_value = 0)]
    Owner,
    /// All permissions except those over owners.
    #[sea_orm(num_value = 1)]
    Admin,
    /// Manages projects, data, labels, reviews and their assignees; reads webhooks.
    #[sea_orm(num_value = 2)]
    WorkforceManager,
    /// Manages projects, data, labels and reviews; reads webhooks.
    #[sea_orm(num_value = 3)]
    User,
    /// Creates labels and reviews in projects; no access to webhooks.
    #[sea_orm(num_value = 4)]
    Worker,
}

impl Role {
    /// Returns the name that is used in the API, in headers and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "OWNER",
            Self::Admin => "ADMIN",
            Self::WorkforceManager => "WORKFORCE_MANAGER",
            Self::User => "USER",
            Self::Worker => "WORKER",
        }
    }
}
