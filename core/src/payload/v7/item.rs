//! The `item` of Darwin JSON: the file, its location, and its one slot.

use crate::event::{DataRow, Dataset, Team};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use std::path::Path;
use url::Url;

/// The name of an item's only slot, to which its annotations refer.
pub(super) const SLOT: &str = "0";

#[derive(Serialize)]
pub(super) struct Item<'a> {
    name: String,
    path: &'static str,
    source_info: Source<'a>,
    slots: [Slot<'a>; 1],
}

#[derive(Serialize)]
struct Source<'a> {
    item_id: String,
    dataset: DatasetInfo<'a>,
    team: Option<TeamInfo<'a>>,
    workview_url: Option<&'a str>,
}

#[derive(Serialize)]
struct DatasetInfo<'a> {
    name: &'a str,
    slug: String,
    dataset_management_url: Option<&'a str>,
}

#[derive(Serialize)]
struct TeamInfo<'a> {
    name: &'a str,
    slug: String,
}

#[derive(Serialize)]
struct Slot<'a> {
    r#type: &'static str,
    slot_name: &'static str,
    width: Option<Number>,
    height: Option<Number>,
    thumbnail_url: Option<&'a str>,
    source_files: [File<'a>; 1],
}

#[derive(Serialize)]
struct File<'a> {
    file_name: String,
    storage_key: Option<&'a str>,
    url: Option<&'a str>,
}

/// The size of an image or video, from its metadata.
#[derive(Default, Deserialize)]
struct Size {
    width: Option<Number>,
    height: Option<Number>,
}

/// Builds an item from a data row. Without an external id, its name is the file's name or the data row's id.
pub(super) fn of<'a>(data_row: &'a DataRow, dataset: &'a Dataset, team: Option<&'a Team>) -> Item<'a> {
    let address = Url::parse(&data_row.row_data).ok();
    let file_name = address.as_ref().and_then(last_segment);
    let external_id = data_row.external_id.clone();
    let name = external_id
        .or_else(|| file_name.clone())
        .unwrap_or_else(|| data_row.id.to_string());
    let file = File {
        file_name: file_name.unwrap_or_else(|| name.clone()),
        storage_key: None,
        // A data row that is not a URL is the data itself, as text, for which Darwin JSON has no member.
        url: address.map(|_| data_row.row_data.as_str()),
    };
    Item {
        name,
        path: "/",
        source_info: source(data_row, dataset, team),
        slots: [slot(data_row, file)],
    }
}

fn source<'a>(data_row: &DataRow, dataset: &'a Dataset, team: Option<&'a Team>) -> Source<'a> {
    Source {
        item_id: data_row.id.to_string(),
        dataset: DatasetInfo {
            name: &dataset.name,
            slug: slug(&dataset.name),
            dataset_management_url: None,
        },
        team: team.map(|team| TeamInfo {
            name: &team.name,
            slug: slug(&team.name),
        }),
        workview_url: None,
    }
}

fn slot<'a>(data_row: &DataRow, file: File<'a>) -> Slot<'a> {
    let metadata = data_row.metadata.as_deref();
    let size: Size = metadata
        .and_then(|text| serde_json::from_str(text.get()).ok())
        .unwrap_or_default();
    Slot {
        r#type: kind(&file.file_name),
        slot_name: SLOT,
        width: size.width,
        height: size.height,
        thumbnail_url: None,
        source_files: [file],
    }
}

fn last_segment(address: &Url) -> Option<String> {
    let last = address.path_segments()?.next_back()?;
    (!last.is_empty()).then(|| last.to_owned())
}

/// Returns V7's type of a file, by its extension; the default is an image.
fn kind(file_name: &str) -> &'static str {
    let ending = Path::new(file_name)
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "avi" | "mkv" | "mov" | "mp4" | "webm" => "video",
        "dcm" | "nii" | "nrrd" => "dicom",
        "pdf" => "pdf",
        _ => "image",
    }
}

/// Converts a name to V7's slug form: lower case, with dashes for everything except letters, digits and underscores.
fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_the_name_in_lower_case_with_dashes() {
        for (name, expected) in [
            ("V7 John", "v7-john"),
            ("lawn-drone-view.jpg", "lawn-drone-view-jpg"),
            ("  Trees & more: folder_1 ", "trees-more-folder_1"),
            ("Le Croissànt", "le-croissànt"),
            ("", ""),
        ] {
            assert_eq!(slug(name), expected);
        }
    }

    #[test]
    fn a_slot_is_of_the_kind_its_file_ends_in() {
        for (file_name, expected) in [
            ("tree.JPG", "image"),
            ("walk.mp4", "video"),
            ("scan.dcm", "dicom"),
            ("invoice.pdf", "pdf"),
            ("no ending", "image"),
        ] {
            assert_eq!(kind(file_name), expected, "{file_name}");
        }
    }
}
