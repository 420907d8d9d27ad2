//! The scope of LOGIC conditions: the variables `task`, `label` (the annotation, any JSON) and `project`.

use crate::{
    event,
    filter::{Scope, Values},
};
use serde_json::{Value, json, value::RawValue};

/// The names that a condition may use; `label` is the annotation, `null` while there is none.
pub(crate) static SCOPE: Scope = Scope {
    roots: &[
        (
            "task",
            Some(&[
                "id",
                "externalId",
                "rowData",
                "metadata",
                "dataset",
                "batches",
                "from",
                "createdAt",
                "durationMs",
                "idleMs",
                "blurMs",
                "visits",
            ]),
        ),
        ("label", None),
        ("project", Some(&["id", "name", "description"])),
    ],
};

/// Builds the values of these names for a task that moves between stages.
pub(crate) fn values(
    task: &event::Task,
    label: Option<&str>,
    project: &event::Project,
    data_row: &event::DataRow,
    dataset: &str,
    batches: &[event::Batch],
) -> Values {
    let names: Vec<&str> = batches.iter().map(|batch| batch.name.as_str()).collect();
    let metadata = data_row.metadata.as_deref().map(RawValue::get);
    let task = json!({
        "id": task.id,
        "externalId": data_row.external_id,
        "rowData": data_row.row_data,
        "metadata": metadata.and_then(parse),
        "dataset": dataset,
        "batches": names,
        "from": task.history.last().map(|visit| &visit.stage.name),
        "createdAt": task.created_at,
        "durationMs": task.total.duration_ms,
        "idleMs": task.total.idle_ms,
        "blurMs": task.total.blur_ms,
        "visits": task.history.len(),
    });
    let project = json!({
        "id": project.id,
        "name": project.name,
        "description": project.description,
    });
    Values::new()
        .with("task", task)
        .with("label", label.and_then(parse).unwrap_or(Value::Null))
        .with("project", project)
}

/// Parses JSON; none for an annotation that is not JSON.
fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}
