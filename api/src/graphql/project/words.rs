//! Labelbox's enums for a project's settings. They are stored as given and have no effect.

use async_graphql::{Enum, resolver_utils::EnumType};

/// The kind of data that a project labels.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// Audio.
    Audio,
    /// Conversations.
    Conversational,
    /// PDF documents.
    Pdf,
    /// Tiled geographic imagery.
    TmsGeo,
    /// HTML pages.
    Html,
    /// Images.
    Image,
    /// Tiled imagery.
    TmsSimple,
    /// Text.
    Text,
    /// Unknown.
    Unknown,
    /// Known and not supported by the editor.
    Unsupported,
    /// Video.
    Video,
    /// Point clouds.
    PointCloud,
    /// Prompts to language models and their responses.
    Llm,
}

/// The purpose of a project's editor, where its media type does not determine it.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum EditorTaskType {
    /// Evaluation of a model's responses as they are generated.
    ModelChatEvaluation,
    /// Evaluation of recorded responses of a model.
    OfflineModelChatEvaluation,
}

/// The way in which data rows are added to a project.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum UploadType {
    /// Automatically.
    Auto,
    /// Manually.
    Manual,
}

/// The way in which a project's work is queued.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum QueueMode {
    /// By batch.
    Batch,
    /// By dataset.
    DataSet,
}

/// Returns the name under which an enum value is stored.
pub fn word<T: EnumType>(given: T) -> Option<String> {
    let item = T::items().iter().find(|item| item.value == given);
    item.map(|item| item.name.to_owned())
}

/// Returns the enum value of a stored name.
pub fn read<T: EnumType>(kept: Option<&str>) -> Option<T> {
    let item = T::items().iter().find(|item| Some(item.name) == kept);
    item.map(|item| item.value)
}
