//! What labels are made of and changed by.

use async_graphql::InputObject;
use labelhook_core::label::{New, Patch};

use crate::graphql::input::ConnectInput;

/// A new label.
#[derive(InputObject)]
pub struct LabelCreateInput {
    /// Labelbox's type of label, `Any` when absent; kept and shown.
    #[graphql(name = "type")]
    kind: Option<LabelTypeConnectInput>,
    /// The data row it is of.
    data_row: ConnectInput,
    /// The project it is made in.
    project: ConnectInput,
    /// The annotation, usually JSON text, at most 2 MiB; kept and sent as it is.
    label: String,
    /// How long it took, in seconds.
    #[graphql(default = 0.0)]
    seconds_to_label: f64,
}

/// A type of label that exists.
#[derive(InputObject)]
pub struct LabelTypeConnectInput {
    /// Which one.
    connect: LabelTypeWhereUniqueInput,
}

/// A type of label, by its name.
#[derive(InputObject)]
pub struct LabelTypeWhereUniqueInput {
    /// Its name, such as `Any`: 1 to 256 characters.
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

/// What to change of a label: any subset; nothing given changes nothing and publishes nothing.
#[derive(InputObject)]
pub struct LabelUpdateInput {
    /// The annotation, usually JSON text, at most 2 MiB; kept and sent as it is.
    label: Option<String>,
    /// How long it took, in seconds.
    seconds_to_label: Option<f64>,
}

impl LabelUpdateInput {
    pub(super) fn read(self) -> Patch {
        Patch {
            label: self.label,
            seconds_to_label: self.seconds_to_label,
        }
    }
}
