//! The `Json` scalar: any JSON value.

use async_graphql::{InputValueResult, Scalar, ScalarType, Value};

use super::error::{ApiError, Result};

/// Any JSON value: an object, a list, a string, a number, a Boolean or null.
#[derive(Clone, Debug)]
pub struct Json(pub Value);

/// Any JSON value: an object, a list, a string, a number, a Boolean or null.
#[Scalar(name = "Json", specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value))
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }
}

impl Json {
    /// Text that was checked to be JSON when it was stored.
    pub fn stored(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map(Self)
            .map_err(|fault| labelhook_core::Error::internal(fault).into())
    }

    /// The value as JSON, for a field of that name.
    pub fn plain(self, field: &str) -> Result<serde_json::Value> {
        self.0.into_json().map_err(|_| ApiError::invalid(field, "is not JSON"))
    }

    /// The value as JSON text, for a field of that name.
    pub fn text(self, field: &str) -> Result<String> {
        self.plain(field).map(|value| value.to_string())
    }
}
