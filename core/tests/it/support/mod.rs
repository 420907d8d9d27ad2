//! A [`World`]: an [`App`] on a fresh database, a clock that is moved by hand, an organization and its people.

mod people;
mod receiver;
pub mod shaper;

pub use people::{Annotated, annotated, organization};
pub use receiver::{Receiver, Request, Response};

use entity::{
    NotificationStatus, OrganizationId, ProjectId, Role, Timestamp, WebhookTopic, attempt, event, node as node_row,
    notification, webhook,
};
use labelhook_core::{
    App, Clock, Config, Error, Result,
    auth::Actor,
    db::{Txn, Work},
    delivery::guard::Guard,
    dispatcher,
    event::{Change, Data},
    filter, node,
    queue::lanes::Window,
    secret::Keyring,
    webhook::{New, Settings},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Statement, TryGetable};
use servers::Database;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;

/// 2026-01-31T09:30:00Z
pub const START: Timestamp = Timestamp(1_769_851_800_000_000);
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Limits that no filter reaches, even on a busy machine.
const PATIENT: filter::Limits = filter::Limits {
    evaluation: Duration::from_secs(300),
    in_transaction: Duration::from_secs(300),
    postponed: Duration::from_secs(300),
    compilation: Duration::from_secs(300),
    queue: Duration::from_secs(300),
};

pub struct World {
    folder: TempDir,
    database: Database,
    keyring: Arc<Keyring>,
    window: Window,
    pub clock: Clock,
    pub app: Arc<App>,
    pub organization_id: OrganizationId,
    pub owner: Actor,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Window::default()).await
    }

    /// Starts the clock at the present, so that ids contain the time at which they are really made.
    pub async fn present() -> Self {
        Self::begun(Window::default(), Clock::default().now()).await
    }

    pub async fn with(window: Window) -> Self {
        Self::begun(window, START).await
    }

    pub async fn begun(window: Window, at: Timestamp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::new(folder.path()).await;
        Self::in_folder(folder, database, window, at).await
    }

    /// Uses a database of a PostgreSQL server, which must be available: for behavior that needs several nodes.
    pub async fn on_postgres() -> Self {
        let database = Database::of_postgres().await;
        Self::in_folder(tempfile::tempdir().unwrap(), database, Window::default(), START).await
    }

    /// Uses other limits for filters, until a restart.
    pub async fn with_filters(change: impl FnOnce(&mut filter::Limits)) -> Self {
        let world = Self::new().await;
        let mut config = world.config();
        change(&mut config.filters);
        let (organization_id, owner) = (world.organization_id, world.owner.clone());
        let Self {
            folder,
            database,
            keyring,
            window,
            clock,
            app,
            ..
        } = world;
        die(&app, &database).await;
        drop(Arc::into_inner(app).expect("nobody else holds the app"));
        Self {
            app: App::open(config).await.unwrap(),
            folder,
            database,
            keyring,
            window,
            clock,
            organization_id,
            owner,
        }
    }

    async fn in_folder(folder: TempDir, database: Database, window: Window, at: Timestamp) -> Self {
        let keyring = Arc::new(Keyring::generate());
        let clock = Clock::mock(at);
        let app = App::open(config(&database, &keyring, &clock, window)).await.unwrap();
        let (organization_id, owner) = organization(&app).await;
        Self {
            folder,
            database,
            keyring,
            window,
            clock,
            app,
            organization_id,
            owner,
        }
    }

    /// Opens the database that this configuration names. The test keeps that database.
    pub async fn over(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::new(folder.path()).await;
        let (keyring, window, clock) = (Arc::clone(&config.keyring), config.window, config.clock.clone());
        let app = App::open(config).await.unwrap();
        let (organization_id, owner) = organization(&app).await;
        Self {
            folder,
            database,
            keyring,
            window,
            clock,
            app,
            organization_id,
            owner,
        }
    }

    pub fn config(&self) -> Config {
        config(&self.database, &self.keyring, &self.clock, self.window)
    }

    /// Returns an id as an SQL literal of this database.
    pub fn literal(&self, id: uuid::Uuid) -> String {
        match self.database.url().starts_with("postgres") {
            true => format!("'{id}'"),
            false => format!("x'{}'", id.simple()),
        }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("labelhook.db")
    }

    /// Returns everything in the database, byte by byte.
    pub async fn stored(&self) -> Vec<u8> {
        self.database.contents().await
    }

    /// Makes the server log the plan of each statement, from the next start on.
    pub async fn explain(&self) {
        self.database.explain().await;
    }

    /// Returns the logged statements with their plans, in the order in which they ended.
    pub fn plans(&self) -> Vec<String> {
        self.database.plans()
    }

    /// Ends the process without a shutdown and starts another on the same database.
    pub async fn restart(self) -> Self {
        self.restart_after(async |_| ()).await
    }

    /// Restarts as [`World::restart`] does, and tries to start with another master key in between. Returns the result
    /// of that start.
    pub async fn restart_with(self, keyring: Keyring) -> (Self, Result<()>) {
        let mut tried = Ok(());
        let tried_in = &mut tried;
        let world = self
            .restart_after(async move |config| {
                let keyring = Arc::new(keyring);
                *tried_in = App::open(Config { keyring, ..config }).await.map(drop);
            })
            .await;
        (world, tried)
    }

    async fn restart_after(self, first: impl AsyncFnOnce(Config)) -> Self {
        let config = self.config();
        let Self {
            folder,
            database,
            keyring,
            window,
            clock,
            app,
            organization_id,
            owner,
        } = self;
        die(&app, &database).await;
        drop(Arc::into_inner(app).expect("nobody else holds the app"));
        first(config.clone()).await;
        Self {
            app: App::open(config).await.unwrap(),
            folder,
            database,
            keyring,
            window,
            clock,
            organization_id,
            owner,
        }
    }

    pub async fn actor(&self, role: Role) -> Actor {
        people::actor(&self.app, self.organization_id, role).await
    }

    /// Creates a webhook for every topic that labels and reviews cause.
    pub async fn webhook(&self, url: &str) -> webhook::Model {
        self.webhook_with(url, |_| {}).await
    }

    pub async fn webhook_with(&self, url: &str, change: impl FnOnce(&mut New)) -> webhook::Model {
        let topics = vec![
            WebhookTopic::LabelCreated,
            WebhookTopic::LabelUpdated,
            WebhookTopic::LabelDeleted,
            WebhookTopic::ReviewCreated,
            WebhookTopic::ReviewUpdated,
        ];
        let mut new = New {
            project_id: None,
            secret: Some(SECRET.into()),
            settings: Settings {
                url: Some(url.into()),
                topics: Some(topics),
                ..Settings::default()
            },
        };
        change(&mut new);
        labelhook_core::webhook::create(&self.app, &self.owner, new)
            .await
            .unwrap()
    }

    /// Creates a label in a project of its own, with everything that it needs.
    pub async fn annotated(&self) -> Annotated {
        annotated(&self.app, self.organization_id, &self.owner).await
    }

    pub async fn publish(&self, change: &Annotated) -> event::Model {
        self.publish_as(change.data(), Change::Created).await
    }

    pub async fn publish_as(&self, data: Data, change: Change) -> event::Model {
        publish(&self.app, self.organization_id, data, change).await.unwrap()
    }

    pub async fn deliver(&self) {
        dispatcher::run_until_idle(&self.app).await.unwrap();
    }

    /// Moves the clock and delivers what is due then.
    pub async fn after(&self, time: Duration) {
        self.clock.advance(time);
        self.deliver().await;
    }

    pub async fn notifications(&self) -> Vec<notification::Model> {
        let query = notification::Entity::find().order_by_asc(notification::Column::Id);
        query.all(self.app.db.read()).await.unwrap()
    }

    /// Returns the notification. Panics unless there is exactly one.
    pub async fn notification(&self) -> notification::Model {
        let mut rows = self.notifications().await;
        assert_eq!(rows.len(), 1);
        rows.remove(0)
    }

    pub async fn status_count(&self, status: NotificationStatus) -> usize {
        let rows = self.notifications().await;
        rows.iter().filter(|row| row.status == status).count()
    }

    pub async fn attempts(&self, of: &notification::Model) -> Vec<attempt::Model> {
        let query = attempt::Entity::find().filter(attempt::Column::NotificationId.eq(of.id));
        let query = query.order_by_asc(attempt::Column::Number);
        query.all(self.app.db.read()).await.unwrap()
    }

    /// Returns the number that a query selects.
    pub async fn number(&self, sql: &str) -> i64 {
        self.value(&format!("SELECT CAST(({sql}) AS bigint)")).await
    }

    /// Returns the text that a query selects.
    pub async fn text(&self, sql: &str) -> String {
        self.value(sql).await
    }

    async fn value<T: TryGetable>(&self, sql: &str) -> T {
        let db = self.app.db.read();
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    pub async fn write<T, F>(&self, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
    {
        self.app.db.write(self.organization_id, unit).await
    }
}

/// Removes the node's row on PostgreSQL, as if its lease had ended: other nodes wait for that before they declare it
/// dead.
async fn die(app: &App, database: &Database) {
    if database.url().starts_with("postgres") {
        let conn = sea_orm::Database::connect(database.url()).await.unwrap();
        let gone = node_row::Entity::delete_by_id(app.nodes.id()).exec(&conn).await;
        gone.unwrap();
    }
}

pub async fn publish(app: &App, organization_id: OrganizationId, data: Data, change: Change) -> Result<event::Model> {
    app.db
        .write(organization_id, move |txn| {
            Box::pin(async move { labelhook_core::publish::publish(txn, organization_id, &data, change).await })
        })
        .await
}

fn config(database: &Database, keyring: &Arc<Keyring>, clock: &Clock, window: Window) -> Config {
    Config {
        clock: clock.clone(),
        guard: Guard::new(vec!["127.0.0.0/8".parse().unwrap()], vec![]),
        window,
        filters: PATIENT,
        // No heartbeat runs here: a node lives as long as its test.
        node: node::Config {
            lease: Duration::from_secs(3600),
            ..node::Config::default()
        },
        ..Config::new(database.url().to_owned(), Arc::clone(keyring), Arc::new(shaper::Words))
    }
}

/// Returns the field and the reason of an error about invalid input. Panics at any other error.
pub fn invalid(error: Error) -> (String, String) {
    match error {
        Error::Invalid { field, reason } => (field, reason),
        other => panic!("{other:?}"),
    }
}

/// Returns the actor as one whose key is limited to these projects.
pub fn limited(actor: &Actor, projects: impl IntoIterator<Item = ProjectId>) -> Actor {
    Actor {
        projects: Some(projects.into_iter().collect()),
        ..actor.clone()
    }
}
