//! What projects are made of and changed by.

use async_graphql::{InputObject, MaybeUndefined};
use labelhook_core::project::{New, Patch, Settings};

use super::words::{EditorTaskType, MediaType, word};
use crate::graphql::{error::Result, input::WhereUniqueInput, json::Json};

/// A new project.
#[derive(InputObject)]
pub struct ProjectCreateInput {
    /// What people call it: 1 to 256 characters.
    name: String,
    /// Free text, at most 16 KiB.
    description: Option<String>,
    /// What kind of data it labels; kept and shown.
    allowed_media_type: Option<MediaType>,
    /// What its editor is for; kept and shown.
    editor_task_type: Option<EditorTaskType>,
    /// Which part of the data rows is labelled more than once, from 0 to 1; kept and shown. Default 1.
    auto_audit_percentage: Option<f64>,
    /// How often those are labelled; kept and shown. Default 1.
    auto_audit_number_of_labels: Option<i32>,
    /// Whether labels are compared with benchmarks; kept and shown. Default false.
    is_benchmark_enabled: Option<bool>,
    /// Whether labels are compared with each other; kept and shown. Default false.
    is_consensus_enabled: Option<bool>,
    /// What annotators choose from, in any form, at most 256 KiB. Sent as `categorySchema` in payloads of format ANGO.
    ontology: Option<Json>,
}

impl ProjectCreateInput {
    pub(super) fn read(self) -> Result<New> {
        Ok(New {
            name: self.name,
            description: self.description,
            ontology: self.ontology.map(|json| json.text("ontology")).transpose()?,
            settings: Settings {
                allowed_media_type: self.allowed_media_type.and_then(word),
                editor_task_type: self.editor_task_type.and_then(word),
                auto_audit_percentage: self.auto_audit_percentage,
                auto_audit_number_of_labels: self.auto_audit_number_of_labels,
                is_benchmark_enabled: self.is_benchmark_enabled,
                is_consensus_enabled: self.is_consensus_enabled,
            },
        })
    }
}

/// What to change of a project: any subset; nothing given changes nothing.
#[derive(InputObject)]
pub struct ProjectUpdateInput {
    /// What people call it: 1 to 256 characters.
    name: Option<String>,
    /// Free text, at most 16 KiB; null removes it.
    description: MaybeUndefined<String>,
    /// What kind of data it labels; kept and shown.
    allowed_media_type: Option<MediaType>,
    /// What its editor is for; kept and shown.
    editor_task_type: Option<EditorTaskType>,
    /// Which part of the data rows is labelled more than once, from 0 to 1; kept and shown.
    auto_audit_percentage: Option<f64>,
    /// How often those are labelled; kept and shown.
    auto_audit_number_of_labels: Option<i32>,
    /// Whether labels are compared with benchmarks; kept and shown.
    is_benchmark_enabled: Option<bool>,
    /// Whether labels are compared with each other; kept and shown.
    is_consensus_enabled: Option<bool>,
    /// What annotators choose from, in any form, at most 256 KiB; null removes it.
    ontology: MaybeUndefined<Json>,
    /// Datasets to connect or disconnect.
    datasets: Option<ProjectDatasetsInput>,
    /// True deletes the project: it is hidden, its labels stay, and no event tells of it. False changes nothing.
    deleted: Option<bool>,
}

/// Datasets to connect to a project or to disconnect from it.
#[derive(InputObject, Default)]
pub struct ProjectDatasetsInput {
    /// The project gets this dataset's data rows.
    connect: Option<WhereUniqueInput>,
    /// The project loses this dataset's data rows; labels made of them stay.
    disconnect: Option<WhereUniqueInput>,
}

impl ProjectUpdateInput {
    pub(super) fn read(self) -> Result<Patch> {
        let ontology = self.ontology.map_value(|json| json.text("ontology")).transpose()?;
        let datasets = self.datasets.unwrap_or_default();
        Ok(Patch {
            name: self.name,
            description: self.description.into(),
            ontology: ontology.into(),
            settings: Settings {
                allowed_media_type: self.allowed_media_type.and_then(word),
                editor_task_type: self.editor_task_type.and_then(word),
                auto_audit_percentage: self.auto_audit_percentage,
                auto_audit_number_of_labels: self.auto_audit_number_of_labels,
                is_benchmark_enabled: self.is_benchmark_enabled,
                is_consensus_enabled: self.is_consensus_enabled,
            },
            connect: datasets.connect.map(|dataset| dataset.id.0),
            disconnect: datasets.disconnect.map(|dataset| dataset.id.0),
            deleted: self.deleted.unwrap_or(false),
        })
    }
}
