//! Runs the examples of one page in order: each kind of block in its own way.

use std::path::Path;
use std::process::{Command, Stdio};

use harness::programs::{self, Database, Postgres};
use harness::{Client, KEY, Process, deadline};
use serde_json::{Map, Value, json};

use super::blocks::{Block, Page};
use super::compare::assert_alike;
use super::scene::Scene;
use super::shell::Shell;

/// The addresses of the service and of the receiver in examples.
const SERVICE: &str = "127.0.0.1:8080";
const RECEIVER: &str = "127.0.0.1:3000";
/// The database that the examples copy to.
const COPY_TO: &str = "postgres://labelhook:…@db/labelhook";

/// A page that is being run.
pub struct Story {
    page: Page,
    scene: Scene,
    shell: Shell,
    receiver: String,
    running: Vec<(String, Process)>,
    answer: String,
}

impl Story {
    /// Runs every example of a page. Stops with a message at the first that needs a program which the machine lacks.
    pub async fn of(page: Page) {
        let blocks: Vec<Block> = page.blocks().into_iter().filter(Block::is_run).collect();
        let Some(shell) = Shell::new().filter(|_| !blocks.is_empty()) else {
            return;
        };
        let scene = Scene::new().await;
        let mut story = Self {
            page,
            receiver: scene.receiver.address().to_string(),
            scene,
            shell,
            running: Vec::new(),
            answer: String::new(),
        };
        for block in blocks {
            if story.run(&block).await.is_none() {
                return;
            }
        }
    }

    async fn run(&mut self, block: &Block) -> Option<()> {
        let text = self.here(&block.text);
        match (&*block.kind, &*block.more) {
            ("sh", "background") => self.start(text).await?,
            ("sh", "stopped") => self.while_stopped(block, &text).await?,
            ("sh", _) => self.answer = self.sh(block, &text).await?,
            ("graphql", _) if text.starts_with("subscription") => self.scene.subscribe(&text).await,
            ("graphql", _) => self.answer = self.scene.ask(&text).await.to_string(),
            ("json", _) => assert_alike(&block.place, &json_of(block, &text), &json_of(block, &self.answer)),
            ("http", _) => self.http(block, &text).await,
            ("cel", of) => self.scene.accept(of, &text).await,
            ("python", _) => self.python(block).await?,
            ("sql", _) => sql(block, &text).await,
            (kind, more) => panic!("{}: nobody runs `{kind} {more}`", block.place),
        }
        Some(())
    }

    /// Returns an example with the addresses and the key of this run.
    fn here(&self, text: &str) -> String {
        text.replace(SERVICE, address(&self.scene.client))
            .replace(RECEIVER, &self.receiver)
            .replace("localhost:3000", &self.receiver)
            .replace("PORT=3000", "PORT=0")
            .replace("lh_…", KEY)
    }

    /// Starts a process that runs until the page is over. From then on, examples refer to its address.
    async fn start(&mut self, script: String) -> Option<()> {
        let server = format!("http://{}", address(&self.scene.client));
        let process = self.shell.start(&script, &server)?;
        let url = process.address().await;
        if script.contains("PORT=") {
            self.receiver = url.trim_start_matches("http://").to_owned();
        } else if !script.contains("listen") {
            self.scene.client = Client::new(&url, Some(key_in(&script).unwrap_or(KEY)));
        }
        self.running.push((script, process));
        Some(())
    }

    /// Runs a block while the background processes of the page are stopped, and starts them again.
    async fn while_stopped(&mut self, block: &Block, script: &str) -> Option<()> {
        let stopped = std::mem::take(&mut self.running);
        let mut scripts = Vec::new();
        for (script, process) in stopped {
            assert!(process.terminate().await.success(), "{script} ends well");
            scripts.push(script);
        }
        self.answer = self.sh(block, script).await?;
        for script in scripts {
            self.start(script).await?;
        }
        Some(())
    }

    async fn sh(&self, block: &Block, script: &str) -> Option<String> {
        let server = format!("http://{}", address(&self.scene.client));
        if !script.contains(COPY_TO) {
            return self.shell.run(&block.place, script, &server).await;
        }
        let Some(database) = Database::empty().await else {
            return Some(String::new());
        };
        let script = script.replace(COPY_TO, database.url());
        self.shell.run(&block.place, &script, &server).await
    }

    /// Compares a documented request with the newest delivery, except for what differs between runs.
    async fn http(&self, block: &Block, text: &str) {
        let found = self.scene.delivered().await;
        let (head, body) = text.split_once("\n\n").expect("a head and a body");
        let (line, headers) = head.split_once('\n').expect("a line and headers");
        let path = line.split(' ').nth(1).expect("a path");
        assert!(
            found["url"].as_str().is_some_and(|url| url.ends_with(path)),
            "{found:#}"
        );
        let headers = headers.lines().filter_map(|line| line.split_once(": "));
        let headers: Map<String, Value> = headers.map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let mut sent = found["headers"].clone();
        for name in ["host", "content-length"] {
            sent.as_object_mut().expect("headers are an object").shift_remove(name);
        }
        assert_alike(&block.place, &Value::Object(headers), &sent);
        let sent = found["body"].as_str().expect("a body is text");
        assert_alike(&block.place, &json_of(block, body), &json_of(block, sent));
    }

    /// Runs all Python examples of the page as one script, at the place of the first.
    async fn python(&self, block: &Block) -> Option<()> {
        let blocks: Vec<Block> = self
            .page
            .blocks()
            .into_iter()
            .filter(|block| block.kind == "python")
            .collect();
        if blocks[0].place != block.place {
            return Some(());
        }
        let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/requirements-7.txt");
        let python = programs::python(&list)?;
        let script: Vec<&str> = blocks.iter().map(|block| &*block.text).collect();
        let mut command = Command::new(python);
        command
            .args(["-c", &self.here(&script.join("\n"))])
            .env("LABELHOOK_API_KEY", KEY)
            .stdin(Stdio::null());
        let running = tokio::task::spawn_blocking(move || command.output().expect("python starts"));
        let output = deadline::within(|| format!("{} ends", block.place), running).await;
        let output = output.expect("it does not panic");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {}\n{said}", block.place, output.status);
        Some(())
    }
}

/// Runs statements on a PostgreSQL database with the tables. Does nothing if PostgreSQL is missing.
async fn sql(block: &Block, statements: &str) {
    let Some(server) = Postgres::shared().await else {
        return;
    };
    let session = server
        .session(&server.database().await)
        .await
        .expect("the server answers");
    let ran = session.run(statements).await;
    assert!(ran.is_ok(), "{}: {ran:?}", block.place);
}

fn json_of(block: &Block, text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{}: {error}: {text}", block.place))
}

/// Returns the `127.0.0.1:PORT` of a service.
fn address(client: &Client) -> &str {
    let endpoint = client.endpoint().trim_start_matches("http://");
    endpoint.trim_end_matches("/graphql")
}

/// Returns the API key that a script starts a server with, if there is one.
fn key_in(script: &str) -> Option<&str> {
    script.split(['=', '\n', ' ']).find(|word| word.starts_with("lh_"))
}
