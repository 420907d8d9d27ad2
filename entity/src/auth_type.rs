//! How a delivery proves where it comes from.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// How a delivery proves to the receiver where it comes from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthType {
    /// Nothing to verify: no signature and no authorization header.
    #[sea_orm(num_value = 0)]
    None,
    /// Signatures made with the webhook's secret: `X-Hub-Signature`, `X-Hub-Signature-256` and the Standard Webhooks headers.
    #[sea_orm(num_value = 1)]
    Secret,
    /// `Authorization: Bearer <bearerToken>`, beside the signatures when the webhook has a secret.
    #[sea_orm(num_value = 2)]
    Bearer,
    /// A free value of the `Authorization` header, beside the signatures when the webhook has a secret.
    #[sea_orm(num_value = 3)]
    Header,
}

impl AuthType {
    /// The word as it stands in the API, in headers and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Secret => "SECRET",
            Self::Bearer => "BEARER",
            Self::Header => "HEADER",
        }
    }
}
