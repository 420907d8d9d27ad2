//! Inputs that create data rows.

use async_graphql::{ID, InputObject};
use labelhook_core::data_row::New;
use serde_json::json;

use crate::graphql::{error::Result, input::ConnectInput, json::Json, project::MediaType};

/// A new data row.
#[derive(InputObject)]
pub struct DataRowCreateInput {
    /// The dataset that contains the data row.
    pub(super) dataset: ConnectInput,
    #[graphql(flatten)]
    pub(super) row: DataRowInput,
}

/// New data rows, all of one dataset.
#[derive(InputObject)]
pub struct DataRowsCreateInput {
    /// The dataset that contains the data rows.
    pub(super) dataset: ConnectInput,
    /// The data rows: 1 to 1,000; all are created or none.
    pub(super) data_rows: Vec<DataRowInput>,
}

/// The fields of a new data row.
#[derive(InputObject)]
pub struct DataRowInput {
    /// The asset's URL or text, 1 byte to 64 KiB; stored and sent unchanged.
    row_data: String,
    /// The customer's own id of the data row, at most 256 bytes.
    external_id: Option<String>,
    /// The customer's id of the data row across all datasets, at most 256 bytes; unique in the organization.
    global_key: Option<String>,
    /// Any JSON about the asset, at most 256 KiB. Sent as `metadata` in payloads of format ANGO.
    metadata: Option<Json>,
    /// Properties of the asset as a media file, at most 256 KiB; stored and returned only.
    media_attributes: Option<Json>,
    /// The values of metadata fields; stored and returned only.
    metadata_fields: Option<Vec<DataRowCustomMetadataUpsertInput>>,
    /// The attachments of the asset; stored and returned only.
    attachments: Option<Vec<DataRowAttachmentInput>>,
    /// Accepted for clients that send it, and ignored: the project has the media type.
    media_type: Option<MediaType>,
}

/// The value of a metadata field.
#[derive(InputObject)]
pub struct DataRowCustomMetadataUpsertInput {
    /// The id of the field.
    schema_id: ID,
    /// The name of the field.
    name: Option<String>,
    /// The value of the field.
    value: Json,
}

/// An attachment of a data row.
#[derive(InputObject)]
pub struct DataRowAttachmentInput {
    /// The type of the attachment: IMAGE, VIDEO, TEXT, HTML, …
    #[graphql(name = "type")]
    kind: String,
    /// The URL or text of the attachment.
    value: String,
    /// The display name of the attachment.
    name: Option<String>,
}

impl DataRowInput {
    pub(super) fn read(self, path: &str) -> Result<New> {
        let fields = self.metadata_fields.map(metadata_fields).transpose()?;
        Ok(New {
            row_data: self.row_data,
            external_id: self.external_id,
            global_key: self.global_key,
            metadata: text(self.metadata, path, "metadata")?,
            media_attributes: text(self.media_attributes, path, "mediaAttributes")?,
            metadata_fields: fields.map(|fields| fields.to_string()),
            attachments: self.attachments.map(|list| attachments(list).to_string()),
        })
    }
}

fn text(given: Option<Json>, path: &str, field: &str) -> Result<Option<String>> {
    given.map(|json| json.text(&format!("{path}{field}"))).transpose()
}

fn metadata_fields(given: Vec<DataRowCustomMetadataUpsertInput>) -> Result<serde_json::Value> {
    let mut fields = Vec::with_capacity(given.len());
    for field in given {
        let value = field.value.plain("metadataFields")?;
        fields.push(json!({"schemaId": field.schema_id.0, "name": field.name, "value": value}));
    }
    Ok(fields.into())
}

fn attachments(given: Vec<DataRowAttachmentInput>) -> serde_json::Value {
    let attachment = |it: DataRowAttachmentInput| json!({"type": it.kind, "value": it.value, "name": it.name});
    given.into_iter().map(attachment).collect()
}
