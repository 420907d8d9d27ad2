//! Metadata fields and attachments of a data row.

use async_graphql::{ID, SimpleObject};
use labelhook_core::Error;
use serde::{Deserialize, de::DeserializeOwned};

use crate::graphql::{error::Result, json::Json};

/// The value of a metadata field.
#[derive(SimpleObject)]
pub struct DataRowMetadataField {
    /// The id of the field.
    schema_id: Option<ID>,
    /// The name of the field, when it was given.
    name: Option<String>,
    /// The value of the field.
    value: Option<Json>,
    /// The kind of the field: always null, since it is not stored.
    kind: Option<String>,
}

/// The value of a metadata field, in the older form of Labelbox's API.
#[derive(SimpleObject)]
pub struct DataRowCustomMetadata {
    /// The id of the field.
    schema_id: Option<ID>,
    /// The value of the field.
    value: Option<Json>,
}

/// The definition of a metadata field of an organization.
#[derive(SimpleObject)]
pub struct DataRowMetadataSchema {
    /// The id of the field: a value's `schemaId`.
    id: ID,
    /// The display name of the field.
    name: String,
    /// The kind of values that the field takes.
    kind: String,
    /// True if the field is one of Labelbox's own.
    reserved: bool,
    /// The options, when the field is a choice.
    options: Option<Vec<Self>>,
}

/// An attachment of a data row.
#[derive(SimpleObject, Deserialize)]
pub struct DataRowAttachment {
    /// The type of the attachment: IMAGE, VIDEO, TEXT, HTML, …
    #[graphql(name = "type")]
    r#type: String,
    /// The URL or text of the attachment.
    value: String,
    /// The display name of the attachment.
    name: Option<String>,
}

/// A metadata field as it is stored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stored {
    schema_id: Option<String>,
    name: Option<String>,
    value: Option<async_graphql::Value>,
}

impl From<Stored> for DataRowMetadataField {
    fn from(stored: Stored) -> Self {
        Self {
            schema_id: stored.schema_id.map(ID),
            name: stored.name,
            value: stored.value.map(Json),
            kind: None,
        }
    }
}

impl From<Stored> for DataRowCustomMetadata {
    fn from(stored: Stored) -> Self {
        Self {
            schema_id: stored.schema_id.map(ID),
            value: stored.value.map(Json),
        }
    }
}

/// Parses a stored list; none is an empty list.
pub(super) fn list<T: DeserializeOwned>(text: Option<&str>) -> Result<Vec<T>> {
    let list = text.map(serde_json::from_str).transpose().map_err(Error::internal)?;
    Ok(list.unwrap_or_default())
}
