//! A fresh database in a folder of its own, and the rows that a story starts from.

use entity::{Role, Timestamp, WebhookTopic, data_row, dataset, event, label, project};
use labelhook_core::{
    App, Clock, Config, Error, Result, api_key,
    auth::Actor,
    background::heartbeat,
    data_row as data_rows, dataset as datasets, filter, label as labels,
    list::{Filter, Page, Query},
    node,
    payload::{Compiling, Shaper},
    project as projects,
    secret::Keyring,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use servers::Database;
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

/// Limits that no filter reaches, even on a busy machine.
const PATIENT: filter::Limits = filter::Limits {
    evaluation: Duration::from_secs(300),
    compilation: Duration::from_secs(300),
    queue: Duration::from_secs(300),
};

pub struct World {
    pub app: Arc<App>,
    pub clock: Clock,
    folder: TempDir,
    database: Database,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::mock(Timestamp(1_600_000_000_000_000));
        let database = Database::new(folder.path()).await;
        let app = open(&database, &clock).await;
        Self {
            app,
            clock,
            folder,
            database,
        }
    }

    /// Closes the database and opens it again, as a restart does.
    pub async fn restart(self) -> Self {
        let Self {
            app,
            clock,
            folder,
            database,
        } = self;
        heartbeat::leave(&app).await;
        app.db.close().await;
        drop(app);
        let app = open(&database, &clock).await;
        Self {
            app,
            clock,
            folder,
            database,
        }
    }

    /// Returns an actor of this role in this organization.
    pub async fn actor(&self, organization: &str, role: Role) -> Actor {
        let made = api_key::issue(&self.app, organization.into(), role, None).await;
        api_key::authenticate(&self.app, &made.expect("a key").key)
            .await
            .expect("an actor")
    }

    pub async fn owner(&self) -> Actor {
        self.actor("Ours", Role::Owner).await
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

/// A shaper that supports no payload query.
#[derive(Debug)]
struct NoQueries;

impl Shaper for NoQueries {
    fn compile<'a>(&'a self, _: &'a str) -> Compiling<'a> {
        Box::pin(async { Err("not understood".to_owned()) })
    }
}

async fn open(database: &Database, clock: &Clock) -> Arc<App> {
    let config = Config {
        clock: clock.clone(),
        filters: PATIENT,
        // No heartbeat runs here: a node lives as long as its test.
        node: node::Config {
            lease: Duration::from_secs(3600),
            ..node::Config::default()
        },
        ..Config::new(
            database.url().to_owned(),
            Arc::new(Keyring::generate()),
            Arc::new(NoQueries),
        )
    };
    App::open(config).await.expect("an app")
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
