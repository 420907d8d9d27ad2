//! Inputs that create and change projects.

use async_graphql::{InputObject, MaybeUndefined};
use labelhook_core::project::{New, Patch, Settings};

use super::words::{EditorTaskType, MediaType, word};
use crate::graphql::{
    error::Result,
    input::{WhereUniqueInput, given},
    json::Json,
};

/// A new project.
#[derive(InputObject)]
pub struct ProjectCreateInput {
    /// The display name of the project: 1 to 256 characters.
    name: String,
    /// A free-form description, at most 16 KiB.
    description: Option<String>,
    /// The kind of data that is labeled; stored and returned only.
    allowed_media_type: Option<MediaType>,
    /// The purpose of the editor; stored and returned only.
    editor_task_type: Option<EditorTaskType>,
    /// The share of data rows that are labeled more than once, from 0 to 1; stored and returned only. Default 1.
    auto_audit_percentage: Option<f64>,
    /// The number of labels for each of those data rows; stored and returned only. Default 1.
    auto_audit_number_of_labels: Option<i32>,
    /// True if labels are compared with benchmarks; stored and returned only. Default false.
    is_benchmark_enabled: Option<bool>,
    /// True if labels are compared with each other; stored and returned only. Default false.
    is_consensus_enabled: Option<bool>,
    /// The ontology from which annotators choose, as any JSON of at most 256 KiB. Sent as `categorySchema` in payloads
    /// of format ANGO.
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

/// The fields of a project to change. Absent fields keep their value.
#[derive(InputObject)]
pub struct ProjectUpdateInput {
    /// The display name of the project: 1 to 256 characters.
    name: MaybeUndefined<String>,
    /// A free-form description, at most 16 KiB; null removes it.
    description: MaybeUndefined<String>,
    /// The kind of data that is labeled; stored and returned only.
    allowed_media_type: MaybeUndefined<MediaType>,
    /// The purpose of the editor; stored and returned only.
    editor_task_type: MaybeUndefined<EditorTaskType>,
    /// The share of data rows that are labeled more than once, from 0 to 1; stored and returned only.
    auto_audit_percentage: MaybeUndefined<f64>,
    /// The number of labels for each of those data rows; stored and returned only.
    auto_audit_number_of_labels: MaybeUndefined<i32>,
    /// True if labels are compared with benchmarks; stored and returned only.
    is_benchmark_enabled: MaybeUndefined<bool>,
    /// True if labels are compared with each other; stored and returned only.
    is_consensus_enabled: MaybeUndefined<bool>,
    /// The ontology from which annotators choose, as any JSON of at most 256 KiB; null removes it.
    ontology: MaybeUndefined<Json>,
    /// Datasets to connect or disconnect.
    datasets: MaybeUndefined<ProjectDatasetsInput>,
    /// True deletes the project: it is hidden, its labels stay, and no event is published. False changes nothing.
    deleted: MaybeUndefined<bool>,
}

/// Datasets to connect to a project or to disconnect from it.
#[derive(InputObject, Default)]
pub struct ProjectDatasetsInput {
    /// The dataset to connect: the project gets its data rows.
    connect: MaybeUndefined<WhereUniqueInput>,
    /// The dataset to disconnect: the project loses its data rows. Labels of them stay.
    disconnect: MaybeUndefined<WhereUniqueInput>,
}

impl ProjectUpdateInput {
    pub(super) fn read(self) -> Result<Patch> {
        let ontology = self.ontology.map_value(|json| json.text("ontology")).transpose()?;
        let datasets = given("datasets", self.datasets)?.unwrap_or_default();
        Ok(Patch {
            name: given("name", self.name)?,
            description: self.description.into(),
            ontology: ontology.into(),
            settings: Settings {
                allowed_media_type: given("allowedMediaType", self.allowed_media_type)?.and_then(word),
                editor_task_type: given("editorTaskType", self.editor_task_type)?.and_then(word),
                auto_audit_percentage: given("autoAuditPercentage", self.auto_audit_percentage)?,
                auto_audit_number_of_labels: given("autoAuditNumberOfLabels", self.auto_audit_number_of_labels)?,
                is_benchmark_enabled: given("isBenchmarkEnabled", self.is_benchmark_enabled)?,
                is_consensus_enabled: given("isConsensusEnabled", self.is_consensus_enabled)?,
            },
            connect: given("datasets.connect", datasets.connect)?.map(|dataset| dataset.id.0),
            disconnect: given("datasets.disconnect", datasets.disconnect)?.map(|dataset| dataset.id.0),
            deleted: given("deleted", self.deleted)?.unwrap_or(false),
        })
    }
}
