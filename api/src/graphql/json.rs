//! The `Json` scalar: any JSON value.

use async_graphql::{InputValueResult, Scalar, ScalarType, Value};
use labelhook_core::Error;
use serde_json::value::RawValue;

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
    /// Text that was checked to be JSON when it was stored. It comes out as it is: a number keeps its digits.
    pub fn stored(text: &str) -> Result<Self> {
        let raw: &RawValue = serde_json::from_str(text).map_err(Error::internal)?;
        Ok(Self(async_graphql::to_value(raw).map_err(Error::internal)?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_comes_out_as_it_is() {
        let check = |text: &str| {
            let value = Json::stored(text).expect("JSON").to_value();
            assert_eq!(serde_json::to_string(&value).expect("JSON"), text);
        };
        check(r#"{"z":1.10,"a":[1e2,12345678901234567890123],"m":null}"#);
        check(r#""\u00e9""#);
        check("0.1");
        assert!(Json::stored("{").is_err());
    }
}
