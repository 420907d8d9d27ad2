//! Inputs that create and change labels.

use async_graphql::{InputObject, MaybeUndefined};
use labelhook_core::label::{New, Patch};

use crate::graphql::error::Result;
use crate::graphql::input::{ConnectInput, given};

/// A new label.
#[derive(InputObject)]
pub struct LabelCreateInput {
    /// Labelbox's label type, `Any` when absent; stored and returned only.
    #[graphql(name = "type")]
    kind: Option<LabelTypeConnectInput>,
    /// The data row to label.
    data_row: ConnectInput,
    /// The project that the label belongs to.
    project: ConnectInput,
    /// The annotation, at most 2 MiB; stored and sent unchanged: JSON, or plain text that begins with neither `{` nor
    /// `[`.
    label: String,
    /// The labeling time in seconds.
    #[graphql(default = 0.0)]
    seconds_to_label: f64,
}

/// A reference to an existing label type.
#[derive(InputObject)]
pub struct LabelTypeConnectInput {
    /// The label type.
    connect: LabelTypeWhereUniqueInput,
}

/// Selects a label type by name.
#[derive(InputObject)]
pub struct LabelTypeWhereUniqueInput {
    /// The name of the label type, such as `Any`: 1 to 256 characters.
    name: String,
}

impl LabelCreateInput {
    pub(super) fn read(self) -> New {
        New {
            project: self.project.connect.id.0,
            data_row: self.data_row.connect.id.0,
            label: self.label,
            seconds_to_label: self.seconds_to_label,
            label_type: self.kind.map(|kind| kind.connect.name),
        }
    }
}

/// The fields of a label to change. Absent fields keep their value; without any field, no event is published.
#[derive(InputObject)]
pub struct LabelUpdateInput {
    /// The annotation, at most 2 MiB; stored and sent unchanged: JSON, or plain text that begins with neither `{` nor
    /// `[`.
    label: MaybeUndefined<String>,
    /// The labeling time in seconds.
    seconds_to_label: MaybeUndefined<f64>,
}

impl LabelUpdateInput {
    pub(super) fn read(self) -> Result<Patch> {
        Ok(Patch {
            label: given("label", self.label)?,
            seconds_to_label: given("secondsToLabel", self.seconds_to_label)?,
        })
    }
}
