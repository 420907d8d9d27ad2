//! What a person is in an organization. What each role may do is one table: `labelhook_core::auth`.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// What a person is in an organization.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// Everything, including making other owners.
    #[sea_orm(num_value = 0)]
    Owner,
    /// Everything but what touches owners.
    #[sea_orm(num_value = 1)]
    Admin,
    /// Projects, data, labels and reviews, and who works on them; reads webhooks.
    #[sea_orm(num_value = 2)]
    WorkforceManager,
    /// Projects, data, labels and reviews; reads webhooks.
    #[sea_orm(num_value = 3)]
    User,
    /// Labels and reviews in projects; no webhooks.
    #[sea_orm(num_value = 4)]
    Worker,
}

impl Role {
    /// The word as it stands in the API, in headers and in logs.
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
