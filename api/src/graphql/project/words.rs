//! Labelbox's words for a project's settings. They are kept as given and nothing here acts on them.

use async_graphql::{Enum, resolver_utils::EnumType};

/// What kind of data a project labels.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// Sound.
    Audio,
    /// Conversations.
    Conversational,
    /// PDF documents.
    Pdf,
    /// Tiled geographic imagery.
    TmsGeo,
    /// Web pages.
    Html,
    /// Pictures.
    Image,
    /// Tiled imagery.
    TmsSimple,
    /// Text.
    Text,
    /// Not known.
    Unknown,
    /// Known and not supported by the editor.
    Unsupported,
    /// Moving pictures.
    Video,
    /// Point clouds.
    PointCloud,
    /// Prompts to language models and their answers.
    Llm,
}

/// What a project's editor is for, where its media type leaves it open.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum EditorTaskType {
    /// Judging answers of a model as it gives them.
    ModelChatEvaluation,
    /// Judging answers that were recorded before.
    OfflineModelChatEvaluation,
}

/// How data rows come to a project.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum UploadType {
    /// By themselves.
    Auto,
    /// By hand.
    Manual,
}

/// How a project's work is queued.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum QueueMode {
    /// In batches.
    Batch,
    /// By dataset.
    DataSet,
}

/// The word as it is kept.
pub fn word<T: EnumType>(given: T) -> Option<String> {
    let item = T::items().iter().find(|item| item.value == given);
    item.map(|item| item.name.to_owned())
}

/// The value of a word that was kept.
pub fn read<T: EnumType>(kept: Option<&str>) -> Option<T> {
    let item = T::items().iter().find(|item| Some(item.name) == kept);
    item.map(|item| item.value)
}
