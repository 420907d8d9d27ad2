//! The nouns that are looked up by their ids. A table with an organization that is not in this list has no look-up: its
//! rows are reached through a noun in it.

use super::{
    conditions::{
        data_row_visible, dataset_visible, in_live_dataset, of_live_label, of_live_project, of_visible_stage,
        of_visible_webhook,
    },
    owned::{
        Owned, Visibility,
        Visibility::{Organization, Project},
    },
};
use crate::auth::Actor;
use entity::{
    ApiKeyId, BatchId, DataRowId, DatasetId, EventId, LabelId, NotificationId, OrganizationId, ProjectId, ReplayId,
    ReviewId, StageId, StageRunId, TaskId, UserId, WebhookId, api_key, batch, data_row, dataset, event, label,
    notification, project, replay, review, stage, stage_run, task, user, webhook,
};
use sea_orm::Condition;

/// A noun that is looked up by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noun {
    /// The name in errors and queries.
    pub name: &'static str,
    /// The table of its rows.
    pub table: &'static str,
}

macro_rules! nouns {
    ($($name:literal, $table:ident, $id:ident: $visibility:expr, deleted $deleted:expr, where $condition:expr;)+) => {
        /// The nouns that are looked up by their ids.
        pub const NOUNS: &[Noun] = &[$(Noun { name: $name, table: stringify!($table) }),+];

        $(impl Owned for $table::Model {
            const NOUN: &'static str = $name;
            const ID: $table::Column = $table::Column::Id;
            const ORGANIZATION: $table::Column = $table::Column::OrganizationId;
            type Id = $id;

            fn id(&self) -> $id {
                self.id
            }

            fn organization_id(&self) -> OrganizationId {
                self.organization_id
            }

            fn visibility(&self) -> Visibility {
                let visibility: fn(&Self) -> Visibility = $visibility;
                visibility(self)
            }

            fn deleted(&self) -> bool {
                let deleted: fn(&Self) -> bool = $deleted;
                deleted(self)
            }

            fn condition(actor: &Actor) -> Condition {
                let condition: fn(&Actor) -> Condition = $condition;
                condition(actor)
            }
        })+

        /// Returns the statements that select each noun by one id and by several.
        #[cfg(test)]
        pub(super) fn statements(actor: &Actor) -> Vec<(&'static str, String)> {
            use sea_orm::{ColumnTrait, DbBackend, QueryTrait};
            let mut statements = Vec::new();
            $(
                let ids: Vec<$id> = (0..40).map(|_| $id::new()).collect();
                for statement in [
                    <$table::Model as Owned>::select(actor, $table::Column::Id.eq(ids[0])),
                    <$table::Model as Owned>::select(actor, $table::Column::Id.is_in(ids.iter().copied())),
                    <$table::Model as Owned>::select_many(actor.organization_id, &ids[..1]),
                    <$table::Model as Owned>::select_many(actor.organization_id, &ids),
                ] {
                    statements.push(($name, statement.build(DbBackend::Sqlite).to_string()));
                }
            )+
            statements
        }
    };
}

nouns! {
    "apiKey", api_key, ApiKeyId: |_| Organization, deleted |_| false, where |_| all();
    "batch", batch, BatchId: |row| Project(Some(row.project_id)), deleted |_| false, where |_| all();
    "dataRow", data_row, DataRowId: |_| Visibility::Condition, deleted |row| row.deleted_at.is_some(),
        where |actor| data_row_visible(actor).add(in_live_dataset());
    "dataset", dataset, DatasetId: |_| Visibility::Condition, deleted |row| row.deleted, where dataset_visible;
    "event", event, EventId: |row| Project(row.project_id), deleted |_| false, where |_| all();
    "label", label, LabelId: |row| Project(Some(row.project_id)), deleted |row| row.deleted, where |_| all();
    "notification", notification, NotificationId: |row| Project(row.project_id), deleted |_| false,
        where |actor| all().add_option(of_visible_webhook(actor));
    "project", project, ProjectId: |row| Project(Some(row.id)), deleted |row| row.deleted, where |_| all();
    "replay", replay, ReplayId: of_replay, deleted |_| false, where |_| all();
    "review", review, ReviewId: |row| Project(Some(row.project_id)), deleted |row| row.deleted,
        where |_| all().add(of_live_label());
    "stage", stage, StageId: |row| Project(Some(row.project_id)), deleted |_| false,
        where |_| all().add(of_live_project());
    "stageRun", stage_run, StageRunId: |_| Visibility::Condition, deleted |_| false, where of_visible_stage;
    "task", task, TaskId: |row| Project(Some(row.project_id)), deleted |row| row.deleted, where |_| all();
    "user", user, UserId: |_| Organization, deleted |_| false, where |_| all();
    "webhook", webhook, WebhookId: |row| Project(row.project_id), deleted |_| false, where |_| all();
}

fn all() -> Condition {
    Condition::all()
}

/// Returns the projects that a replay was limited to when it was started.
fn of_replay(row: &replay::Model) -> Visibility {
    let projects = row.projects.as_deref();
    let begun = projects.and_then(|projects| serde_json::from_str(projects).ok());
    begun.map_or(Project(None), Visibility::Projects)
}
