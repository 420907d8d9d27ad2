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
    /// Returns JSON text from storage unchanged, so that a number keeps its digits. The text was checked when it was
    /// stored.
    pub fn stored(text: &str) -> Result<Self> {
        let raw: &RawValue = serde_json::from_str(text).map_err(Error::internal)?;
        Ok(Self(async_graphql::to_value(raw).map_err(Error::internal)?))
    }

    /// Converts the value to JSON; an error names the field.
    pub fn plain(self, field: &str) -> Result<serde_json::Value> {
        self.0.into_json().map_err(|_| ApiError::invalid(field, "is not JSON"))
    }

    /// Converts the value to JSON text; an error names the field.
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
