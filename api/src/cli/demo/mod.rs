//! `labelhook demo`: runs the server on a database of its own, a receiver on loopback that verifies every signature,
//! and sample work through the API. Each line that it prints is a delivery that arrived.

mod receiver;
mod story;

use super::{client::Client, serve::on_signal};
use crate::{
    config::{Networks, Ports, Remote, Settings, Storage},
    serve,
};
use anyhow::{Context, ensure};
use clap::Args;
use labelhook_core::{App, api_key};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// The time in which the first deliveries must arrive.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Args, Debug)]
pub struct Demo {
    /// The address of the API.
    #[arg(long, env = "LABELHOOK_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// End after the first round of deliveries. Fails if one did not arrive or its signature was wrong.
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub async fn run(self) -> anyhow::Result<()> {
        let shutdown = on_signal()?;
        let folder = Folder::make()?;
        let settings = settings(self.listen, &folder.0);
        let app = App::open(settings.core()?)
            .await
            .context("the database cannot be opened")?;
        let key = api_key::bootstrap(&app, None)
            .await?
            .context("the demonstration's database is not empty")?;
        let (listener, fallen_back) = listen(self.listen, self.once).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(serve(app, listener, settings.server(), shutdown.clone()));
        if fallen_back {
            println!("{} is in use, so the API took another port", self.listen);
        }
        println!("API       http://{address}/graphql  (GraphiQL in a browser)");
        println!("key       {key}");
        let told = tell(&shutdown, &client(address, key)?, self.once).await;
        shutdown.cancel();
        join(server).await?;
        told
    }
}

async fn tell(shutdown: &CancellationToken, client: &Client, once: bool) -> anyhow::Result<()> {
    let mut receiver = receiver::start(shutdown.clone()).await?;
    println!("receiver  {}\n", receiver.url("labels"));
    let expected = story::begin(client, &receiver).await?;
    let arrived = timeout(DELIVERY_TIMEOUT, receiver.print(expected));
    let arrived = tokio::select! {
        arrived = arrived => arrived.context("not every delivery arrived in time")?,
        () = shutdown.cancelled() => return Ok(()),
    };
    ensure!(
        arrived.forged == 0,
        "{} deliveries had a wrong signature",
        arrived.forged
    );
    let recorded = story::recorded(client).await?;
    println!("\n{expected} requests arrived, all signatures fit; {recorded} notifications are on record");
    if once {
        return Ok(());
    }
    println!("a label is submitted every few seconds; Ctrl-C ends the demonstration\n");
    tokio::select! {
        done = story::go_on(client) => done,
        () = async { receiver.print_for_ever().await } => Ok(()),
        () = shutdown.cancelled() => Ok(()),
    }
}

/// Binds the usual port, or any free one if it is taken: a new user should see deliveries, not an error.
async fn listen(address: SocketAddr, any: bool) -> anyhow::Result<(TcpListener, bool)> {
    let wanted = if any { SocketAddr::new(address.ip(), 0) } else { address };
    match TcpListener::bind(wanted).await {
        Ok(listener) => Ok((listener, false)),
        Err(_) => Ok((TcpListener::bind(SocketAddr::new(address.ip(), 0)).await?, true)),
    }
}

/// Returns a client for the server of the demonstration, over HTTP like any other.
fn client(address: SocketAddr, api_key: String) -> anyhow::Result<Client> {
    Client::new(&Remote {
        server: format!("http://{address}"),
        api_key,
    })
}

fn settings(listen: SocketAddr, folder: &Path) -> Settings {
    Settings {
        listen,
        storage: Storage {
            database_url: format!("sqlite://{}?mode=rwc", folder.join("demo.db").display()),
            master_key: None,
        },
        egress_allow: Networks(vec![
            "127.0.0.0/8".parse().expect("a CIDR"),
            "::1/128".parse().expect("a CIDR"),
        ]),
        egress_deny: Networks::default(),
        egress_ports: Ports::default(),
        rate_limit: 0,
        ..Settings::default()
    }
}

async fn join(server: JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    server.await.context("the server panicked")?
}

/// A folder that is removed when the demonstration ends.
struct Folder(PathBuf);

impl Folder {
    fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("labelhook-demo-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
