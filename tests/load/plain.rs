//! Bare HTTP handlers, without GraphQL and authentication, to measure the cost of these. A process takes the same JSON
//! and commits in groups as the service does. The handler `rows` writes nothing but the rows; `verb` calls the same
//! verb of core as the resolver.

use crate::{
    rows::{Store, Submitted},
    server::KEY,
    this_program,
};
use anyhow::Context;
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use entity::LabelId;
use labelhook_api::graphql::payload::Shaper;
use labelhook_core::{App, api_key, auth::Actor, data_row, dataset, label, project, secret::Keyring};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
    sync::Arc,
};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

/// The most labels in a group and in the queue, as in the service's writer.
const GROUP: usize = 256;
const QUEUE: usize = 1024;

/// Runs a handler in its own process: `rows` or `verb`, with its database in this folder.
pub async fn run(kind: &str, folder: &str) -> anyhow::Result<()> {
    let folder = Path::new(folder);
    let (router, project, row) = match kind {
        "rows" => rows(Store::open(folder).await?),
        _ => verb(folder).await?,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{} {project} {row}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

type Answer = Result<Json<Value>, (StatusCode, String)>;

fn answer(id: LabelId) -> Answer {
    Ok(Json(json!({"data": {"createLabel": {"id": id}}})))
}

fn fault(fault: impl ToString) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, fault.to_string())
}

type Unit = (Submitted, oneshot::Sender<LabelId>);

fn rows(store: Store) -> (Router, String, String) {
    let (units, queue) = mpsc::channel::<Unit>(QUEUE);
    tokio::spawn(write(store, queue));
    let take = |State(units): State<mpsc::Sender<Unit>>, Json(submitted): Json<Submitted>| async move {
        let (reply, written) = oneshot::channel();
        units.send((submitted, reply)).await.map_err(fault)?;
        answer(written.await.map_err(fault)?)
    };
    let router = Router::new().route("/label", post(take)).with_state(units);
    (
        router,
        entity::ProjectId::new().to_string(),
        entity::DataRowId::new().to_string(),
    )
}

/// Commits the queued labels in groups. Those that arrive during a commit are the next group.
async fn write(store: Store, mut queue: mpsc::Receiver<Unit>) {
    let mut group = Vec::with_capacity(GROUP);
    while queue.recv_many(&mut group, GROUP).await > 0 {
        let (submitted, reply): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        match store.submit(&submitted).await {
            Ok(ids) => ids.into_iter().zip(reply).for_each(|(id, reply)| {
                reply.send(id).ok();
            }),
            Err(error) => eprintln!("a group was not written: {error:#}"),
        }
    }
}

async fn verb(folder: &Path) -> anyhow::Result<(Router, String, String)> {
    let config = labelhook_core::Config::new(
        format!("sqlite://{}?mode=rwc", folder.join("verb.db").display()),
        Arc::new(Keyring::generate()),
        Arc::new(Shaper::default()),
    );
    let app = App::open(config).await?;
    api_key::bootstrap(&app, Some(KEY.to_owned())).await?;
    let actor = api_key::authenticate(&app, KEY).await?;
    let (project, row) = desk(&app, &actor).await?;
    let take = |State((app, actor)): State<(Arc<App>, Actor)>, Json(submitted): Json<Borrowed>| async move {
        let new = label::New {
            project: submitted.project,
            data_row: submitted.data_row,
            label: submitted.label,
            seconds_to_label: submitted.seconds_to_label,
            label_type: None,
        };
        answer(label::create(&app, &actor, new).await.map_err(fault)?.id)
    };
    let router = Router::new().route("/label", post(take)).with_state((app, actor));
    Ok((router, project, row))
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Borrowed {
    data_row: String,
    project: String,
    label: String,
    seconds_to_label: f64,
}

async fn desk(app: &App, actor: &Actor) -> anyhow::Result<(String, String)> {
    let new = project::New {
        name: "bench".into(),
        ..project::New::default()
    };
    let project = project::create(app, actor, new).await?;
    let new = dataset::New {
        name: "bench".into(),
        ..dataset::New::default()
    };
    let dataset = dataset::create(app, actor, new).await?;
    let new = data_row::New {
        row_data: "https://example.com/1.jpg".into(),
        external_id: Some("1.jpg".into()),
        ..data_row::New::default()
    };
    let row = data_row::create(app, actor, &dataset.id.to_string(), new).await?;
    Ok((project.id.to_string(), row.id.to_string()))
}

/// The process of a handler, as the bench sees it.
pub struct Process {
    child: Child,
    address: String,
    pub project: String,
    pub row: String,
    _folder: TempDir,
}

impl Process {
    pub fn start(kind: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut child = this_program("--plain")?
            .arg(kind)
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let mut word = || words.next().context("the bare handler did not start");
        Ok(Self {
            child,
            address: word()?,
            project: word()?,
            row: word()?,
            _folder: folder,
        })
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}/label", self.address)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
