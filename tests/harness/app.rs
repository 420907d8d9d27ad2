//! The service in the test's own process, on a port of its own and over a database of its own: what `main` starts, with
//! the time in the test's hands if it wants it.

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
    background::{deletions, heartbeat, listeners, replays, workflow_jobs},
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

/// Time limits of filters that no machine reaches, however busy it is.
const PATIENT: filter::Limits = filter::Limits {
    evaluation: Duration::from_secs(300),
    compilation: Duration::from_secs(300),
    queue: Duration::from_secs(300),
};

/// A running service; it stops when dropped.
pub struct TestApp {
    /// Asks with the first owner's key.
    pub client: Client,
    /// The service's own insides, for what no client can see or do.
    pub app: Arc<App>,
    address: SocketAddr,
    home: Arc<Home>,
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
    /// Whether browsers get GraphiQL, when not as everybody's do.
    pub graphiql: Option<bool>,
    /// Requests a minute and key, when not as many as for everybody; 0 is no limit.
    pub rate_limit: Option<u32>,
    /// How long a socket may take to say who it is, when not as long as for everybody.
    pub init_timeout: Option<Duration>,
    /// Sockets and event streams of one key, when not as many as for everybody.
    pub sockets_per_key: Option<usize>,
    /// How long a client may read nothing, when not as long as for everybody. Not for a paused service.
    pub write_timeout: Option<Duration>,
    /// How long a client of a socket may say nothing, when not as long as for everybody.
    pub silence: Option<Duration>,
}

impl TestApp {
    /// Starts the service as it is for everybody, but for loopback being allowed.
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
        deletions::run_until_idle(&self.app)
            .await
            .expect("the database answers");
        workflow_jobs::run_until_idle(&self.app)
            .await
            .expect("the database answers");
        listeners::run_until_idle(&self.app)
            .await
            .expect("the database answers");
        while {
            dispatcher::run_until_idle(&self.app)
                .await
                .expect("the database answers");
            replays::run_until_idle(&self.app).await.expect("the database answers")
        } {}
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that is in the database, byte by byte.
    pub async fn stored(&self) -> Vec<u8> {
        self.home.stored().await
    }
}

/// Everything that knows how the service is put together. The task ends when the service has stopped.
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

/// The settings of everybody, but for what a test needs: a free port, its own database, receivers on loopback.
fn settings(home: &Home, start: &Start) -> Settings {
    let usual = Settings::default();
    Settings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        storage: Storage {
            database_url: home.url().to_owned(),
            ..usual.storage
        },
        egress_allow: Networks(vec!["127.0.0.0/8".parse().expect("a network")]),
        // Nobody beats for a paused one: it lives as long as its test.
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
