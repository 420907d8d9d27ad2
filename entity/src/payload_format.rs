//! Payload formats: the body shape and signature header that receivers of a platform expect.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The payload format of a webhook's deliveries: the shape of the body and the form of the signature header.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayloadFormat {
    /// Labelbox's bodies and headers: `X-Hub-Signature: sha1=<hex>`, `X-Labelbox-Id`, `X-Labelbox-Event`.
    #[sea_orm(num_value = 0)]
    Labelbox,
    /// Ango Hub's bodies and headers: `X-Hub-Signature: <hex>`, without further headers of its own.
    #[sea_orm(num_value = 1)]
    Ango,
    /// V7's bodies: Darwin JSON 2.0 and metadata; `X-Hub-Signature: sha1=<hex>`.
    #[sea_orm(num_value = 2)]
    V7,
}

impl PayloadFormat {
    /// Returns the name that is used in the API, in headers and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Labelbox => "LABELBOX",
            Self::Ango => "ANGO",
            Self::V7 => "V7",
        }
    }
}
