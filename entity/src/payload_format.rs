//! The dialects we speak to receivers: body shape and header form.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The dialect of a webhook's deliveries: shape of the body and form of the signature header.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayloadFormat {
    /// Labelbox's bodies and headers: `X-Hub-Signature: sha1=<hex>`, `X-Labelbox-Id`, `X-Labelbox-Event`.
    #[sea_orm(num_value = 0)]
    Labelbox,
    /// Ango Hub's bodies and headers: `X-Hub-Signature: <hex>`, no other header of its own.
    #[sea_orm(num_value = 1)]
    Ango,
    /// V7's bodies: Darwin JSON 2.0 and metadata; `X-Hub-Signature: sha1=<hex>`.
    #[sea_orm(num_value = 2)]
    V7,
}

impl PayloadFormat {
    /// The word as it stands in the API, in headers and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Labelbox => "LABELBOX",
            Self::Ango => "ANGO",
            Self::V7 => "V7",
        }
    }
}
