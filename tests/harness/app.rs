//! The service in the test's own process, on its own port and database: what `main` starts, with a clock that the test
//! may control.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use entity::Role;
use labelhook_api::config::{Networks, Settings, Storage};
use labelhook_api::gateway::{routes, state};
use labelhook_core::dispatcher;
use labelhook_core::secret::Keyring;
use labelhook_core::{
    App, Clock, Config, api_key,
    background::{deletions, heartbeat, listeners, postponed_matches, replays, workflow_jobs},
    filter,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::client::Client;
use crate::deadline::within;
use crate::home::Home;

/// The organization of every [`TestApp`]'s first owner.
pub const ORGANIZATION: &str = "Default organization";

/// The first owner's key of every [`TestApp`].
pub const KEY: &str = "lh_test_0123456789abcdef0123456789abcdef";

/// Limits that no filter reaches, even on a busy machine.
const PATIENT: filter::Limits = filter::Limits {
    evaluation: Duration::from_secs(300),
    in_transaction: Duration::from_secs(300),
    postponed: Duration::from_secs(300),
    compilation: Duration::from_secs(300),
    queue: Duration::from_secs(300),
};

/// A running service; it stops when dropped.
pub struct TestApp {
    /// A client with the first owner's key.
    pub client: Client,
    /// The core of the service, for what no client can see or do.
    pub app: Arc<App>,
    address: SocketAddr,
    home: Arc<Home>,
    task: JoinHandle<()>,
    stop: DropGuard,
}

/// The settings that a test may choose for a [`TestApp`].
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The system's clock, unless the test controls its own.
    pub clock: Clock,
    /// Starts no dispatcher: nothing is sent except by [`TestApp::deliver`].
    pub paused: bool,
    /// The setting for GraphiQL, if not the default.
    pub graphiql: Option<bool>,
    /// The requests per minute and key, if not the default; 0 is no limit.
    pub rate_limit: Option<u32>,
    /// The time within which a socket must authenticate, if not the default.
    pub init_timeout: Option<Duration>,
    /// The number of sockets and event streams per key, if not the default.
    pub sockets_per_key: Option<usize>,
    /// The time for which a client may not read, if not the default. Has no effect on a paused service.
    pub write_timeout: Option<Duration>,
    /// The time for which the client of a socket may be silent, if not the default.
    pub silence: Option<Duration>,
}

impl TestApp {
    /// Starts the service with the default settings, except that deliveries to loopback are allowed.
    pub async fn start() -> Self {
        Self::with(Start::default()).await
    }

    /// Starts the service over a new database.
    pub async fn with(start: Start) -> Self {
        Self::over(Arc::new(Home::new().await), start).await
    }

    /// Stops the service and starts it again over the same database.
    pub async fn restarted(self, start: Start) -> Self {
        let Self {
            client,
            app,
            home,
            task,
            stop,
            ..
        } = self;
        drop((client, app, stop));
        within(|| "the service stops".to_owned(), task)
            .await
            .expect("the service does not panic");
        Self::over(home, start).await
    }

    async fn over(home: Arc<Home>, start: Start) -> Self {
        let stop = CancellationToken::new();
        let (app, address, task) = launch(&home, start, stop.clone()).await;
        let client = Client::new(&format!("http://{address}"), Some(KEY));
        Self {
            client,
            app,
            address,
            home,
            task,
            stop: stop.drop_guard(),
        }
    }

    /// Sends an operation with the first owner's key and returns its `data`. Panics if it has errors.
    pub async fn query(&self, text: &str, variables: serde_json::Value) -> serde_json::Value {
        self.client.query(text, variables).await
    }

    /// Returns a client with a new key of this role, in an organization that is created if it is new.
    pub async fn as_role(&self, organization: &str, role: Role) -> Client {
        let made = api_key::issue(&self.app, organization.to_owned(), role, None).await;
        self.client.with_key(&made.expect("a key can be made").key)
    }

    /// Runs the due deletions, jobs, deliveries and replays of a paused service until nothing is due.
    pub async fn deliver(&self) {
        deletions::run_until_idle(&self.app)
            .await
            .expect("the database answers");
        workflow_jobs::run_until_idle(&self.app)
            .await
            .expect("the database answers");
        listeners::run_until_idle(&self.app)
            .await
            .expect("the database answers");
        postponed_matches::run_until_idle(&self.app)
            .await
            .expect("the database answers");
        while {
            dispatcher::run_until_idle(&self.app)
                .await
                .expect("the database answers");
            replays::run_until_idle(&self.app).await.expect("the database answers")
        } {}
    }

    /// Returns `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns everything in the database, byte by byte.
    pub async fn stored(&self) -> Vec<u8> {
        self.home.stored().await
    }
}

/// Assembles and starts the service; no other test code knows how. The task ends when the service has stopped.
async fn launch(home: &Home, start: Start, stop: CancellationToken) -> (Arc<App>, SocketAddr, JoinHandle<()>) {
    let settings = settings(home, &start);
    let keyring = Keyring::load_or_create(&home.path().join("labelhook.key")).expect("a key can be made");
    let opened = App::open(Config {
        clock: start.clock,
        filters: PATIENT,
        ..settings.core_with(keyring)
    });
    let app = opened.await.expect("a database opens");
    let key = api_key::bootstrap(&app, Some(KEY.to_owned()));
    key.await.expect("an empty database takes its first key");
    let usual = settings.server();
    let config = state::Config {
        init_timeout: start.init_timeout.unwrap_or(usual.init_timeout),
        write_timeout: start.write_timeout.unwrap_or(usual.write_timeout),
        idle_timeout: start.silence.unwrap_or(usual.idle_timeout),
        ..usual
    };
    let listener = TcpListener::bind(settings.listen)
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
            let schemas = labelhook_api::graphql::build(&running);
            let server = state::Server::new(Arc::clone(&running), schemas, &config);
            let sockets = server.sockets.clone();
            let closing = sockets.clone();
            let http = axum::serve(listener, routes::router(server)).with_graceful_shutdown(async move {
                stop.cancelled_owned().await;
                closing.close();
            });
            http.await.expect("serving loopback does not fail");
            sockets.open.wait().await;
            heartbeat::leave(&running).await;
            running.db.close().await;
        }),
    };
    (app, address, task)
}

/// Returns the default settings, except for what a test needs: a free port, its own database, receivers on loopback.
fn settings(home: &Home, start: &Start) -> Settings {
    let usual = Settings::default();
    Settings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        storage: Storage {
            database_url: home.url().to_owned(),
            ..usual.storage
        },
        egress_allow: Networks(vec!["127.0.0.0/8".parse().expect("a network")]),
        // A paused service sends no heartbeats: its node lives as long as its test.
        node_timeout: if start.paused { 86_400 } else { usual.node_timeout },
        graphiql: start.graphiql,
        rate_limit: start.rate_limit.unwrap_or(usual.rate_limit),
        sockets_per_key: start.sockets_per_key.unwrap_or(usual.sockets_per_key),
        ..usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_the_tests_start_has_the_defaults_of_the_binary() {
        let (ours, binarys) = (settings(&Home::new().await, &Start::default()), Settings::default());
        let expected = Settings {
            listen: ours.listen,
            storage: Storage {
                database_url: ours.storage.database_url.clone(),
                ..binarys.storage
            },
            egress_allow: ours.egress_allow.clone(),
            ..binarys
        };
        assert_eq!(format!("{ours:?}"), format!("{expected:?}"));
    }
}
