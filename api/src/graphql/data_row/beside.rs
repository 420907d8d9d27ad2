//! What is kept beside a data row: metadata fields and attachments.

use async_graphql::{ID, SimpleObject};
use labelhook_core::Error;
use serde::{Deserialize, de::DeserializeOwned};

use crate::graphql::{error::Result, json::Json};

/// A value of a metadata field.
#[derive(SimpleObject)]
pub struct DataRowMetadataField {
    /// The field's id.
    schema_id: Option<ID>,
    /// Its name, when it was given.
    name: Option<String>,
    /// The value.
    value: Option<Json>,
    /// What kind of field it is: not kept here.
    kind: Option<String>,
}

/// A value of a metadata field, in the older form.
#[derive(SimpleObject)]
pub struct DataRowCustomMetadata {
    /// The field's id.
    schema_id: Option<ID>,
    /// The value.
    value: Option<Json>,
}

/// A metadata field that an organization has defined.
#[derive(SimpleObject)]
pub struct DataRowMetadataSchema {
    /// Its id: a value's `schemaId`.
    id: ID,
    /// What people call it.
    name: String,
    /// What kind of values it takes.
    kind: String,
    /// Whether it is one of Labelbox's own.
    reserved: bool,
    /// What can be chosen, when it is a choice.
    options: Option<Vec<Self>>,
}

/// What stands beside an asset.
#[derive(SimpleObject, Deserialize)]
pub struct DataRowAttachment {
    /// What it is: IMAGE, VIDEO, TEXT, HTML, …
    #[graphql(name = "type")]
    r#type: String,
    /// Its URL or text.
    value: String,
    /// What people call it.
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

/// A stored list; none is empty.
pub(super) fn list<T: DeserializeOwned>(text: Option<&str>) -> Result<Vec<T>> {
    let list = text.map(serde_json::from_str).transpose().map_err(Error::internal)?;
    Ok(list.unwrap_or_default())
}
