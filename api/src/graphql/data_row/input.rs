//! What data rows are made of.

use async_graphql::{ID, InputObject};
use labelhook_core::data_row::New;
use serde_json::json;

use crate::graphql::{error::Result, input::ConnectInput, json::Json, project::MediaType};

/// A new data row.
#[derive(InputObject)]
pub struct DataRowCreateInput {
    /// The dataset it lives in.
    pub(super) dataset: ConnectInput,
    #[graphql(flatten)]
    pub(super) row: DataRowInput,
}

/// New data rows, all of one dataset.
#[derive(InputObject)]
pub struct DataRowsCreateInput {
    /// The dataset they live in.
    pub(super) dataset: ConnectInput,
    /// The data rows: 1 to 1,000, all made or none.
    pub(super) data_rows: Vec<DataRowInput>,
}

/// What a data row is made of.
#[derive(InputObject)]
pub struct DataRowInput {
    /// The asset's URL or text, 1 byte to 64 KiB; kept and sent as it is.
    row_data: String,
    /// The customer's own id, at most 256 bytes.
    external_id: Option<String>,
    /// The customer's id over all datasets, at most 256 bytes; unique in the organization.
    global_key: Option<String>,
    /// Anything about the asset, at most 256 KiB. Sent as `metadata` in payloads of format ANGO.
    metadata: Option<Json>,
    /// What is known of the asset as a file, at most 256 KiB; kept and shown.
    media_attributes: Option<Json>,
    /// Values of metadata fields; kept and shown.
    metadata_fields: Option<Vec<DataRowCustomMetadataUpsertInput>>,
    /// What stands beside the asset; kept and shown.
    attachments: Option<Vec<DataRowAttachmentInput>>,
    /// Taken for clients that send it and not kept: a project says what it labels.
    media_type: Option<MediaType>,
}

/// A value of a metadata field.
#[derive(InputObject)]
pub struct DataRowCustomMetadataUpsertInput {
    /// The field's id.
    schema_id: ID,
    /// Its name.
    name: Option<String>,
    /// The value.
    value: Json,
}

/// What stands beside an asset.
#[derive(InputObject)]
pub struct DataRowAttachmentInput {
    /// What it is: IMAGE, VIDEO, TEXT, HTML, …
    #[graphql(name = "type")]
    kind: String,
    /// Its URL or text.
    value: String,
    /// What people call it.
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
