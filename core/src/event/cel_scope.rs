//! The scope of webhook filters: the variable `event`, with the members that the API shows of it.

use crate::filter::{Scope, Values};
use entity::event;
use serde_json::{Value, json};

/// The names that a filter may use; `event.data` has any members.
pub(crate) static SCOPE: Scope = Scope {
    roots: &[(
        "event",
        Some(&["id", "topic", "createdAt", "project", "dataRow", "data"]),
    )],
};

/// Builds the values of these names, once for each event.
pub(crate) fn values(event: &event::Model) -> Values {
    let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
    let project = data.get("project").map(|project| {
        json!({
            "id": project.get("id"),
            "name": project.get("name"),
        })
    });
    let data_row = event.data_row_id.map(|id| {
        json!({
            "id": id,
            "externalId": event.external_id,
        })
    });
    Values::new().with(
        "event",
        json!({
            "id": event.id,
            "topic": event.topic.as_str(),
            "createdAt": event.created_at,
            "project": project,
            "dataRow": data_row,
            "data": data,
        }),
    )
}
