//! Several real `labelhook serve` processes over one PostgreSQL server of a test's own, which they reach through a
//! [`Line`] that can be cut. One cluster runs at a time: each needs the machine for itself.

use std::ffi::{OsStr, OsString};
use std::process::ExitStatus;

use tokio::sync::{Mutex, MutexGuard};

use crate::app::KEY;
use crate::client::Client;
use crate::line::Line;
use crate::process::{Process, binary};
use crate::programs::{Nats, Postgres, Session};

static TURN: Mutex<()> = Mutex::const_new(());

/// The nodes' master key, 32 bytes in base64.
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The database of the server that the nodes share.
const DATABASE: &str = "postgres";
/// Seconds after which a silent node counts as dead.
pub const TIMEOUT: u64 = 2;

/// The servers that the nodes of a test share.
pub struct Cluster {
    /// The server of their database.
    pub postgres: Postgres,
    /// The proxy through which they reach it.
    pub line: Line,
    /// The server that carries their hints, if it is not that of the database.
    pub nats: Option<Nats>,
    _turn: MutexGuard<'static, ()>,
}

/// One process of a cluster.
#[derive(Debug)]
pub struct Node {
    /// A client of this node with the first owner's key.
    pub client: Client,
    process: Process,
}

impl Cluster {
    /// Prepares an empty database and starts no node. Returns none, with a message, if PostgreSQL is missing.
    pub async fn prepare() -> Option<Self> {
        Self::with(&[]).await
    }

    /// The same with further settings of the server.
    pub async fn with(settings: &[&str]) -> Option<Self> {
        let turn = TURN.lock().await;
        // Built before any clock of a test runs.
        binary();
        let postgres = Postgres::start_with(settings).await?;
        let line = Line::to(postgres.port()).await;
        Some(Self {
            postgres,
            line,
            nats: None,
            _turn: turn,
        })
    }

    /// The same with hints over a NATS server. Returns none, with a message, if there is no such server.
    pub async fn with_nats() -> Option<Self> {
        let nats = Nats::start().await?;
        let cluster = Self::prepare().await?;
        Some(Self {
            nats: Some(nats),
            ..cluster
        })
    }

    /// Starts a node with all roles.
    pub async fn node(&self, name: &str) -> Node {
        Node::of(self.launch(name, "all", &[])).await
    }

    /// Starts this many nodes at once.
    pub async fn nodes(&self, count: usize) -> Vec<Node> {
        let names = (1..=count).map(|number| format!("node-{number}"));
        let processes: Vec<_> = names.map(|name| self.launch(&name, "all", &[])).collect();
        let mut nodes = Vec::with_capacity(count);
        for process in processes {
            nodes.push(Node::of(process).await);
        }
        nodes
    }

    /// Starts a process without waiting for it.
    pub fn launch(&self, name: &str, role: &str, more: &[(&str, OsString)]) -> Process {
        let server = self.postgres.url(DATABASE);
        let (own, line) = (format!(":{}/", self.postgres.port()), format!(":{}/", self.line.port()));
        let mut settings = vec![
            ("LABELHOOK_DATABASE_URL", OsString::from(server.replace(&own, &line))),
            ("LABELHOOK_BOOTSTRAP_KEY", KEY.into()),
            ("LABELHOOK_MASTER_KEY", MASTER_KEY.into()),
            // The writers send as fast as the nodes accept.
            ("LABELHOOK_RATE_LIMIT", "0".into()),
            ("LABELHOOK_NODE_TIMEOUT", TIMEOUT.to_string().into()),
            ("LABELHOOK_LOG", "warn".into()),
        ];
        settings.extend(self.nats.iter().map(|nats| ("LABELHOOK_BUS", nats.url().into())));
        settings.extend(more.iter().cloned());
        let environment: Vec<(&str, &OsStr)> = settings.iter().map(|(name, value)| (*name, &**value)).collect();
        let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--egress-allow", "127.0.0.0/8"];
        arguments.extend(["--role", role, "--node-name", name]);
        Process::start(binary(), &arguments, &environment)
    }

    /// Returns a connection to the database that bypasses the proxy.
    pub async fn session(&self) -> Session {
        let session = self.postgres.session(DATABASE).await;
        session.expect("a server that runs takes a connection")
    }
}

impl Node {
    /// Returns the node of a process, once it listens.
    pub async fn of(process: Process) -> Self {
        Self {
            client: process.client(KEY).await,
            process,
        }
    }

    /// Sends SIGSTOP: the process stands still until [`Node::resume`].
    pub fn pause(&self) {
        self.process.signal("STOP");
    }

    /// Sends SIGCONT.
    pub fn resume(&self) {
        self.process.signal("CONT");
    }

    /// Sends SIGKILL and waits until the process is gone.
    pub fn kill(mut self) {
        self.process.kill();
    }

    /// Sends SIGTERM and waits until the process has drained and ended.
    pub async fn terminate(self) -> ExitStatus {
        self.process.terminate().await
    }

    /// Waits for a line of output that contains `text`, and returns it.
    pub async fn says(&self, text: &str) -> String {
        self.process.line_with(text).await
    }

    /// Returns its output so far.
    pub fn said(&self) -> String {
        self.process.said().join("\n")
    }

    /// Returns the status code of one of its pages for operators, or 0 if there is no response.
    pub async fn status(&self, path: &str) -> u16 {
        let answer = self.client.get(path).await;
        answer.map_or(0, |(status, _)| status.as_u16())
    }
}
