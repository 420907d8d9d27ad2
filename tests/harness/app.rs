//! The service in the test's own process, on a port of its own and over a database of its own: what `main` starts, with
//! the time in the test's hands if it wants it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use entity::Role;
use labelhook_api::{graphql::payload::Shaper, server};
use labelhook_core::dispatcher::{self, Window, guard::Guard};
use labelhook_core::secret::Keyring;
use labelhook_core::{App, Clock, api_key, deletion, replay, retention, task};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::client::Client;
use crate::deadline::within;

/// The organization of every [`TestApp`]'s first owner.
pub const ORGANIZATION: &str = "Default organization";

/// The first owner's key of every [`TestApp`].
pub const KEY: &str = "lh_test_0123456789abcdef0123456789abcdef";

/// A running service; it stops when dropped.
pub struct TestApp {
    /// Asks with the first owner's key.
    pub client: Client,
    /// The service's own insides, for what no client can see or do.
    pub app: Arc<App>,
    address: SocketAddr,
    folder: Arc<TempDir>,
    task: JoinHandle<()>,
    stop: DropGuard,
}

/// How a [`TestApp`] starts.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The system's clock, unless the test moves its own.
    pub clock: Clock,
    /// Without a dispatcher nothing is sent but by [`TestApp::deliver`].
    pub paused: bool,
    /// Whether browsers get GraphiQL.
    pub graphiql: bool,
    /// Requests a minute and key; 0 is no limit.
    pub rate_limit: u32,
    /// How long a socket may take to say who it is, when not as long as for everybody.
    pub init_timeout: Option<Duration>,
}

impl TestApp {
    /// Starts the service as it is for everybody, but for loopback being allowed.
    pub async fn start() -> Self {
        Self::with(Start::default()).await
    }

    /// Starts the service over a new database.
    pub async fn with(start: Start) -> Self {
        Self::over(Arc::new(tempfile::tempdir().expect("a folder can be made")), start).await
    }

    /// Stops the service and starts it again over the same database.
    pub async fn restarted(self, start: Start) -> Self {
        let Self {
            client,
            app,
            folder,
            task,
            stop,
            ..
        } = self;
        drop((client, app, stop));
        within(|| "the service stops".to_owned(), task)
            .await
            .expect("the service does not panic");
        Self::over(folder, start).await
    }

    async fn over(folder: Arc<TempDir>, start: Start) -> Self {
        let stop = CancellationToken::new();
        let (app, address, task) = launch(folder.path(), start, stop.clone()).await;
        let client = Client::new(&format!("http://{address}"), Some(KEY));
        Self {
            client,
            app,
            address,
            folder,
            task,
            stop: stop.drop_guard(),
        }
    }

    /// `data` of the answer to the first owner; panics with the errors when there are any.
    pub async fn query(&self, text: &str, variables: serde_json::Value) -> serde_json::Value {
        self.client.query(text, variables).await
    }

    /// Asks with a new key of this role, in an organization that is made when it is new.
    pub async fn as_role(&self, organization: &str, role: Role) -> Client {
        let made = api_key::issue(&self.app, organization.to_owned(), role, None).await;
        self.client.with_key(&made.expect("a key can be made").key)
    }

    /// Deletes and delivers what is due until nothing is: for a paused service.
    pub async fn deliver(&self) {
        deletion::run_until_idle(&self.app).await.expect("the database answers");
        task::run_until_idle(&self.app).await.expect("the database answers");
        while {
            dispatcher::run_until_idle(&self.app)
                .await
                .expect("the database answers");
            replay::run_until_idle(&self.app).await.expect("the database answers")
        } {}
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        database(self.folder.path())
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("labelhook.db")
}

/// Everything that knows how the service is put together. The task ends when the service has stopped.
async fn launch(folder: &Path, start: Start, stop: CancellationToken) -> (Arc<App>, SocketAddr, JoinHandle<()>) {
    let loopback = "127.0.0.0/8".parse().expect("a network");
    let opened = App::open(labelhook_core::Config {
        database_url: format!("sqlite://{}?mode=rwc", database(folder).display()),
        keyring: Arc::new(Keyring::load_or_create(&folder.join("labelhook.key")).expect("a key can be made")),
        clock: start.clock,
        guard: Guard::new(vec![loopback], Vec::new()),
        shaper: Arc::new(Shaper::default()),
        window: Window::default(),
        retention_days: retention::DAYS,
    });
    let app = opened.await.expect("a database opens");
    let key = api_key::bootstrap(&app, Some(KEY.to_owned()));
    key.await.expect("an empty database takes its first key");
    let config = server::Config {
        graphiql: start.graphiql,
        rate_limit: start.rate_limit,
        init_timeout: start.init_timeout.unwrap_or(server::Config::default().init_timeout),
        ..server::Config::default()
    };
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let running = Arc::clone(&app);
    let task = match start.paused {
        false => tokio::spawn(async move {
            labelhook_api::serve(running, listener, config, stop)
                .await
                .expect("the service stops in order");
        }),
        true => tokio::spawn(async move {
            let schema = labelhook_api::graphql::build(Arc::clone(&running));
            let server = server::Server::new(Arc::clone(&running), schema, &config);
            let sockets = server.sockets.clone();
            let closing = sockets.clone();
            let http = axum::serve(listener, server::router(server)).with_graceful_shutdown(async move {
                stop.cancelled_owned().await;
                closing.close();
            });
            http.await.expect("serving loopback does not fail");
            sockets.open.wait().await;
            running.db.close().await;
        }),
    };
    (app, address, task)
}
