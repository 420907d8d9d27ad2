//! Authentication schemes of deliveries.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The scheme by which the receiver can verify the origin of a delivery.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthType {
    /// No authentication: neither a signature nor an `Authorization` header.
    #[sea_orm(num_value = 0)]
    None,
    /// Signatures made with the webhook's secret: `X-Hub-Signature`, `X-Hub-Signature-256` and the Standard Webhooks
    /// headers.
    #[sea_orm(num_value = 1)]
    Secret,
    /// `Authorization: Bearer <bearerToken>`, in addition to the signatures when the webhook has a secret.
    #[sea_orm(num_value = 2)]
    Bearer,
    /// A custom value of the `Authorization` header, in addition to the signatures when the webhook has a secret.
    #[sea_orm(num_value = 3)]
    Header,
}

impl AuthType {
    /// Returns the name that is used in the API, in headers and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Secret => "SECRET",
            Self::Bearer => "BEARER",
            Self::Header => "HEADER",
        }
    }
}
