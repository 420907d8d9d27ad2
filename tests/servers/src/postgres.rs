//! A throwaway PostgreSQL: one server per test process and one database per test, made from a template that has the
//! tables.

use crate::{
    child::{Child, as_user},
    port::free_port,
    programs::{found, skip, variable},
    session::Session,
};
use migration::MigratorTrait;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};
use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// The prefix of the names of all our databases. The id of the process follows, and then a number or a word.
const PREFIX: &str = "labelhook_test_";
/// The time limit of the server's start.
const START_TIMEOUT: Duration = Duration::from_secs(180);

static SHARED: OnceCell<Option<Postgres>> = OnceCell::const_new();

/// A server that tests share, or one of a test's own.
pub struct Postgres {
    admin: String,
    program: PathBuf,
    user: Option<&'static str>,
    port: u16,
    settings: Vec<String>,
    // Dropped before its folder, which it writes to.
    child: Mutex<Option<Child>>,
    folder: Option<TempDir>,
    made: AtomicU32,
    dropped: Mutex<Vec<String>>,
}

impl Postgres {
    /// Returns the server of this process, or none, with a message, if PostgreSQL is not installed.
    pub async fn shared() -> Option<&'static Self> {
        SHARED.get_or_init(Self::ready).await.as_ref()
    }

    /// Returns the server of this process, if one was asked for.
    pub(crate) fn started() -> Option<&'static Self> {
        SHARED.get()?.as_ref()
    }

    async fn ready() -> Option<Self> {
        let server = match variable("TEST_DATABASE_URL") {
            Some(url) => {
                let server = Self::given(url.to_string_lossy().into_owned());
                server
                    .sweep()
                    .await
                    .expect("databases of tests that are over are removed");
                server
            }
            None => Self::start().await?,
        };
        server.make_template().await.expect("a template database is made");
        Some(server)
    }

    fn given(admin: String) -> Self {
        Self {
            admin,
            folder: None,
            program: PathBuf::new(),
            user: None,
            port: 0,
            settings: Vec::new(),
            child: Mutex::default(),
            made: AtomicU32::new(0),
            dropped: Mutex::default(),
        }
    }

    /// Starts a new, empty server, as fast as possible: its data need not survive a crash of the machine.
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// The same with more settings, such as `max_connections=40`.
    pub async fn start_with(settings: &[&str]) -> Option<Self> {
        let (Some(initdb), Some(program)) = (found("initdb"), found("postgres")) else {
            return skip("PostgreSQL (initdb, postgres)");
        };
        let folder = tempfile::Builder::new()
            .prefix("labelhook-pg")
            .tempdir()
            .expect("a folder");
        let is_root = fs::metadata(folder.path()).expect("it is there").uid() == 0;
        let user = is_root.then_some("postgres");
        if is_root {
            give_away(folder.path());
        }
        let data = folder.path().join("data");
        let mut command = as_user(user, initdb);
        command.args([
            "--no-sync",
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "-D",
        ]);
        let output = command.arg(&data).current_dir("/").output().expect("initdb runs");
        assert!(
            output.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let port = free_port();
        let server = Self {
            admin: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            folder: Some(folder),
            program,
            user,
            port,
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
            child: Mutex::default(),
            made: AtomicU32::new(0),
            dropped: Mutex::default(),
        };
        server.run().await;
        Some(server)
    }

    /// Starts the server over its data. It must not be running.
    pub async fn run(&self) {
        let folder = self.folder().to_owned();
        let settings = [
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", folder.display()),
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "max_connections=400".to_owned(),
            "shared_buffers=128MB".to_owned(),
            "max_wal_size=2GB".to_owned(),
            "log_min_messages=warning".to_owned(),
            // The name of the database: see [`crate::Database::plans`].
            "log_line_prefix=%d ".to_owned(),
        ];
        let mut line = vec![
            self.program.clone().into_os_string(),
            "-D".into(),
            folder.join("data").into(),
        ];
        let settings = settings.into_iter().chain(self.settings.iter().cloned());
        line.extend(settings.flat_map(|setting| ["-c".into(), setting.into()]));
        let child = Child::start(&folder, self.user, line).expect("postgres starts");
        *self.child.lock().expect("held for a store only") = Some(child);
        self.answers().await;
    }

    /// Stops the server as its operator would: it aborts what runs, and shuts down in order.
    pub fn stop(&self) {
        self.child.lock().expect("held for a take only").take();
    }

    /// Stops the server at once, without a shutdown: it recovers from its log when it runs again.
    pub fn crash(&self) {
        let pid = self.pid().to_string();
        let quit = ["-c", "kill -QUIT \"$0\"", &pid];
        let quit = Command::new("sh").args(quit).status().expect("there is a shell");
        assert!(quit.success(), "the server runs");
        self.stop();
    }

    /// Returns a connection of the test's own to a database.
    pub async fn session(&self, name: &str) -> Result<Session, DbErr> {
        connect(&self.url(name)).await.map(Session::new)
    }

    /// Returns the process id of our own server.
    pub fn pid(&self) -> u32 {
        let pid = fs::read_to_string(self.folder().join("pid")).expect("a server that runs has a pid");
        pid.trim().parse().expect("a pid is a number")
    }

    /// Returns the port that it listens on, on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "waits for a program of others, which tells nobody when it is ready"
    )]
    async fn answers(&self) {
        let begun = Instant::now();
        loop {
            match self.connect().await {
                Ok(conn) => break conn.close().await.unwrap_or_default(),
                Err(error) if begun.elapsed() > START_TIMEOUT => panic!("postgres does not answer: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn folder(&self) -> &Path {
        self.folder.as_ref().expect("only our own server is started").path()
    }

    async fn connect(&self) -> Result<DatabaseConnection, DbErr> {
        connect(&self.admin).await
    }

    async fn make_template(&self) -> Result<(), DbErr> {
        let admin = self.connect().await?;
        let name = template();
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
        admin.close().await?;
        let template = connect(&self.url(&name)).await?;
        migration::Migrator::up(&template, None).await?;
        template.close().await
    }

    /// Removes the databases of ended processes, on a server that outlives them.
    async fn sweep(&self) -> Result<(), DbErr> {
        let admin = self.connect().await?;
        let names = format!("SELECT datname::text FROM pg_database WHERE datname LIKE '{PREFIX}%'");
        for row in admin
            .query_all_raw(Statement::from_string(DbBackend::Postgres, names))
            .await?
        {
            let name: String = row.try_get_by_index(0)?;
            let process = name[PREFIX.len()..].split('_').next().unwrap_or_default();
            if !Path::new("/proc").join(process).exists() {
                admin
                    .execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                    .await?;
            }
        }
        admin.close().await
    }

    /// Creates a database with the tables for a test. Returns its name. Removes the databases of tests that are over.
    pub async fn database(&self) -> String {
        self.make_from(&template()).await
    }

    /// Does the same, without any tables.
    pub(crate) async fn empty_database(&self) -> String {
        self.make_from("template0").await
    }

    async fn make_from(&self, template: &str) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}_{number}", std::process::id());
        let old = std::mem::take(&mut *self.dropped.lock().expect("held for a take only"));
        let admin = self.connect().await.expect("the server answers");
        for name in old {
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            admin.execute_unprepared(&drop).await.expect("a database is removed");
        }
        let make = format!("CREATE DATABASE {name} TEMPLATE {template}");
        admin.execute_unprepared(&make).await.expect("a database is made");
        admin.close().await.ok();
        name
    }

    /// Marks the database as no longer needed.
    pub(crate) fn forget(&self, name: String) {
        self.dropped.lock().expect("held for a push only").push(name);
    }

    /// Returns whether the server's log can be read: not if `TEST_DATABASE_URL` names the server.
    pub(crate) fn logs() -> bool {
        variable("TEST_DATABASE_URL").is_none()
    }

    /// Returns the server's log.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(self.folder().join("log")).expect("a server that was started has a log");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns the URL of a database of this server.
    pub fn url(&self, name: &str) -> String {
        let (server, _) = self.admin.rsplit_once('/').expect("a URL names a database");
        format!("{server}/{name}")
    }
}

pub(crate) async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .sqlx_logging(false)
        .connect_timeout(START_TIMEOUT);
    Database::connect(options).await
}

fn template() -> String {
    format!("{PREFIX}{}_template", std::process::id())
}

fn give_away(folder: &Path) {
    let line = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = line.lines().find_map(|line| line.strip_prefix("postgres:x:"));
    let uid = entry.and_then(|entry| entry.split(':').next()?.parse().ok());
    chown(
        folder,
        Some(uid.expect("a user named postgres, whom the server runs as")),
        None,
    )
    .expect("root may");
    fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("root may");
}
