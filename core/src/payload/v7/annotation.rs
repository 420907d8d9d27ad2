//! The `annotations` of Darwin JSON. Annotations that are Darwin JSON already are copied byte for byte; objects of
//! Labelbox's and Ango Hub's tools are converted. Those without a counterpart (masks, rotated boxes, named entities)
//! are omitted.

use super::{
    item::SLOT,
    shape::{self, Shape},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

/// An annotation of Darwin JSON.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Annotation {
    /// Given as Darwin JSON.
    Darwin(Box<RawValue>),
    /// Converted from another tool's object.
    Drawn(Box<Drawn>),
}

#[derive(Serialize)]
pub(super) struct Drawn {
    annotators: Vec<Annotator>,
    #[serde(flatten)]
    shape: Shape,
    id: Value,
    name: String,
    properties: [(); 0],
    slot_names: [&'static str; 1],
}

#[derive(Serialize)]
struct Annotator {
    email: String,
    full_name: Option<String>,
}

/// The lists of an annotation, one for each platform's tools.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Annotated {
    annotations: Option<Box<RawValue>>,
    objects: Value,
    tools: Value,
}

/// Converts all objects of an annotation, as the work of `annotator`.
pub(super) fn all(annotation: &str, annotator: Option<&str>) -> Vec<Annotation> {
    let annotated: Annotated = serde_json::from_str(annotation).unwrap_or_default();
    let own = annotated
        .annotations
        .and_then(|list| serde_json::from_str(list.get()).ok());
    let own: Vec<Box<RawValue>> = own.unwrap_or_default();
    let objects = members(&annotated.objects).filter_map(|object| of_labelbox(object, annotator));
    let tools = members(&annotated.tools).filter_map(|tool| of_ango(tool, annotator));
    let drawn = objects.chain(tools).map(|drawn| Annotation::Drawn(Box::new(drawn)));
    own.into_iter().map(Annotation::Darwin).chain(drawn).collect()
}

fn members(list: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    list.as_array().into_iter().flatten().filter_map(Value::as_object)
}

fn of_labelbox(object: &Map<String, Value>, annotator: Option<&str>) -> Option<Drawn> {
    let (kind, shape) = first(object, shape::of_labelbox)?;
    let name = named(object, ["title", "value"], kind);
    Some(drawn(object.get("featureId"), name, shape, annotator))
}

fn of_ango(tool: &Map<String, Value>, annotator: Option<&str>) -> Option<Drawn> {
    let (kind, shape) = first(tool, shape::of_ango)?;
    let name = named(tool, ["title", "name"], kind);
    Some(drawn(tool.get("objectId"), name, shape, annotator))
}

/// Returns the first member that is a shape, and the name of its tool.
fn first(object: &Map<String, Value>, read: fn(&str, &Value) -> Option<Shape>) -> Option<(&str, Shape)> {
    object
        .iter()
        .find_map(|(kind, value)| Some((kind.as_str(), read(kind, value)?)))
}

fn drawn(id: Option<&Value>, name: String, shape: Shape, annotator: Option<&str>) -> Drawn {
    let annotator = annotator.map(|email| Annotator {
        email: email.to_owned(),
        full_name: None,
    });
    Drawn {
        annotators: annotator.into_iter().collect(),
        shape,
        id: id.cloned().unwrap_or_default(),
        name,
        properties: [],
        slot_names: [SLOT],
    }
}

/// Returns the class name of an object. V7 requires a class name, so the tool's name replaces an empty one.
fn named(object: &Map<String, Value>, keys: [&str; 2], kind: &str) -> String {
    let names = keys.iter().filter_map(|key| object.get(*key)?.as_str());
    names
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or(kind)
        .to_owned()
}
