//! The rows that a story starts from, made through the verbs.

use crate::support::World;
use entity::{Role, WebhookTopic, data_row, dataset, event, label, project};
use labelhook_core::{
    Error, Result, api_key,
    auth::Actor,
    data_row as data_rows, dataset as datasets, label as labels,
    list::{Filter, Page, Query},
    project as projects,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use std::time::Duration;

impl World {
    /// Returns an actor of this role in the organization of this name, both made if need be, with a key that exists.
    pub async fn member_of(&self, organization: &str, role: Role) -> Actor {
        let made = api_key::issue(&self.app, organization.into(), role, None).await;
        api_key::authenticate(&self.app, &made.expect("a key").key)
            .await
            .expect("an actor")
    }

    /// Moves the clock by ten seconds.
    pub fn pass(&self) {
        self.clock.advance(Duration::from_secs(10));
    }

    pub async fn project(&self, actor: &Actor) -> project::Model {
        let new = projects::New {
            name: "Project".into(),
            ..Default::default()
        };
        projects::create(&self.app, actor, new).await.expect("a project")
    }

    pub async fn dataset(&self, actor: &Actor, project: &project::Model) -> dataset::Model {
        let new = datasets::New {
            name: "Dataset".into(),
            project: Some(project.id.to_string()),
            ..Default::default()
        };
        datasets::create(&self.app, actor, new).await.expect("a dataset")
    }

    pub async fn data_row(&self, actor: &Actor, dataset: &dataset::Model) -> data_row::Model {
        let new = data_rows::New {
            row_data: "https://example.com/cat.jpg".into(),
            external_id: Some("cat".into()),
            ..Default::default()
        };
        data_rows::create(&self.app, actor, &dataset.id.to_string(), new)
            .await
            .expect("a data row")
    }

    pub async fn label(&self, actor: &Actor, project: &project::Model, row: &data_row::Model) -> label::Model {
        labels::create(&self.app, actor, new_label(project, row))
            .await
            .expect("a label")
    }

    /// Creates a project with a dataset of one data row.
    pub async fn scene(&self, actor: &Actor) -> (project::Model, dataset::Model, data_row::Model) {
        let project = self.project(actor).await;
        let dataset = self.dataset(actor, &project).await;
        let data_row = self.data_row(actor, &dataset).await;
        (project, dataset, data_row)
    }

    /// Returns the events about labels and reviews in order, without those about moves of tasks.
    pub async fn events(&self) -> Vec<event::Model> {
        event::Entity::find()
            .filter(event::Column::Topic.ne(WebhookTopic::WorkflowAction))
            .order_by_asc(event::Column::Sequence)
            .all(self.app.db.read())
            .await
            .expect("events")
    }

    pub async fn topics(&self) -> Vec<WebhookTopic> {
        self.events().await.into_iter().map(|event| event.topic).collect()
    }

    /// Returns the data of the newest event.
    pub async fn newest(&self) -> serde_json::Value {
        let events = self.events().await;
        serde_json::from_str(&events.last().expect("an event").data).expect("JSON")
    }
}

pub fn new_label(project: &project::Model, row: &data_row::Model) -> labels::New {
    labels::New {
        project: project.id.to_string(),
        data_row: row.id.to_string(),
        label: r#"{"objects":[]}"#.into(),
        seconds_to_label: 1.5,
        label_type: None,
    }
}

/// Returns a query for the first page of everything.
pub fn all<F>() -> Query<F> {
    Query {
        filter: Filter::default(),
        order: None,
        page: Page { skip: 0, first: 100 },
    }
}

#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T>, field: &str) {
    match result {
        Err(Error::Invalid { field: found, .. }) => assert_eq!(found, field),
        other => panic!("{field} was not refused: {other:?}"),
    }
}

#[track_caller]
pub fn not_found<T: std::fmt::Debug>(result: Result<T>, noun: &str) {
    match result {
        Err(Error::NotFound { noun: found, .. }) => assert_eq!(found, noun),
        other => panic!("{noun} was found: {other:?}"),
    }
}
