//! `labelhook listen`: registers a webhook for as long as the command runs and posts its deliveries to a local server.
//! No public address is needed: deliveries arrive over the API's WebSocket ([`super::socket`]), and responses are
//! returned the same way.
//!
//! After a lost connection the command reconnects and keeps the same webhook. Deliveries that waited then arrive; those
//! that were received and not answered are retried by the webhook's retry policy.

mod forward;
mod session;

use super::{
    client::{Client, Fault},
    serve::on_signal,
    socket::{Lost, Socket},
    topic,
};
use crate::config::Remote;
use anyhow::{Context, bail};
use clap::Args;
use forward::Forward;
use serde_json::{Value, json};
use session::{End, Session};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

const CREATE: &str = "mutation($data: ListenerCreateInput!) {
    createListener(data: $data) {signingSecret webhook {id topics project {id name}}}}";
const REMOVE: &str = "mutation($id: ID!) {removeListener(where: {id: $id}) {id}}";

/// The first and the longest delay between two attempts to reconnect.
const RECONNECT_DELAYS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
/// A connection that lasted this long resets the delay to the first one.
const STABLE_AFTER: Duration = Duration::from_secs(10);
/// The timeout of the webhook's removal at the end.
const REMOVE_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Args, Debug)]
pub struct Listen {
    /// The URL that deliveries are posted to: a server that this machine can reach.
    #[arg(long, value_name = "URL")]
    forward_to: String,
    /// The topics to subscribe to, separated by commas. All topics of labels, reviews and tasks if omitted.
    #[arg(long, value_delimiter = ',', value_parser = topic::parser(), ignore_case = true)]
    topics: Vec<String>,
    /// The id of the project whose events are delivered. Those of the whole organization if omitted.
    #[arg(long)]
    project: Option<String>,
    /// The format of the bodies and of the signature header.
    #[arg(long, value_parser = ["LABELBOX", "ANGO", "V7"], default_value = "LABELBOX", ignore_case = true)]
    payload_format: String,
    /// A CEL expression over events: only events for which it is true are delivered.
    #[arg(long)]
    filter: Option<String>,
    /// The secret that signs the deliveries. Generated and printed if omitted.
    #[arg(long, env = "LABELHOOK_SECRET", hide_env_values = true)]
    secret: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

impl Listen {
    pub async fn run(self) -> anyhow::Result<()> {
        let stop = on_signal()?;
        let forward = Forward::to(&self.forward_to)?;
        let client = Client::new(&self.remote)?;
        let mut socket = Socket::connect(&self.remote).await??;
        let made = client.ask(CREATE, self.wanted(self.secret.as_deref())).await?;
        let mut webhook = Webhook::read(&made)?;
        self.introduce(&webhook, &made);
        let (mut wait, mut is_first) = (RECONNECT_DELAYS.0, true);
        loop {
            let began = Instant::now();
            let end = Session::new(&mut socket, &forward, &webhook.id).run(&stop).await;
            match end {
                End::Stopped => return leave(&client, &webhook).await,
                End::Refused(fault) if is_gone(&fault) && !is_first && began.elapsed() < REMOVE_TIMEOUT => {
                    println!("the webhook was removed meanwhile; making another with the same secret");
                    let wanted = self.wanted(self.secret.as_deref().or(Some(&webhook.secret)));
                    let made = client.ask(CREATE, wanted).await?;
                    webhook = Webhook::read(&made)?;
                    self.introduce(&webhook, &made);
                    continue;
                }
                End::Refused(fault) => bail!("{fault}"),
                End::Lost(why @ Lost::Refused(_)) => bail!("{why}"),
                End::Lost(why) => println!("the connection is lost ({why}); coming back"),
            }
            if began.elapsed() > STABLE_AFTER {
                wait = RECONNECT_DELAYS.0;
            }
            socket = match self.come_back(&stop, &mut wait).await? {
                Some(socket) => socket,
                None => return leave(&client, &webhook).await,
            };
            is_first = false;
            println!("connected again");
        }
    }

    fn wanted(&self, secret: Option<&str>) -> Value {
        let topics: Vec<String> = self.topics.iter().map(|topic| topic.to_uppercase()).collect();
        let data = json!({
            "url": self.forward_to,
            "topics": (!topics.is_empty()).then_some(topics),
            "project": self.project.as_ref().map(|id| json!({ "id": id })),
            "payloadFormat": self.payload_format.to_uppercase(),
            "filter": self.filter,
            "secret": secret,
        });
        json!({ "data": data })
    }

    /// Prints the project, the topics and the webhook that the command listens with.
    fn introduce(&self, webhook: &Webhook, made: &Value) {
        let shown = &made["createListener"]["webhook"];
        let topics = shown["topics"].as_array().into_iter().flatten();
        let topics: Vec<&str> = topics.filter_map(Value::as_str).collect();
        let of = match shown["project"]["name"].as_str() {
            Some(name) => format!("the project {name}"),
            None => "the whole organization".to_owned(),
        };
        println!("listening to {of} at {}", self.remote.server);
        println!("forward to  {}", self.forward_to);
        println!("topics      {}", topics.join(", "));
        println!("webhook     {}, removed when this ends", webhook.id);
        println!("secret      {}\n", webhook.secret);
    }

    /// Reconnects until the server is reachable. Returns none if the user stops the command first.
    async fn come_back(&self, stop: &CancellationToken, wait: &mut Duration) -> anyhow::Result<Option<Socket>> {
        loop {
            if timeout(*wait, stop.cancelled()).await.is_ok() {
                return Ok(None);
            }
            *wait = (*wait * 2).min(RECONNECT_DELAYS.1);
            let Some(connected) = stop.run_until_cancelled(Socket::connect(&self.remote)).await else {
                return Ok(None);
            };
            match connected? {
                Ok(socket) => return Ok(Some(socket)),
                Err(why @ Lost::Refused(_)) => bail!("{why}"),
                Err(why) => tracing::debug!(%why, "the server is not there"),
            }
        }
    }
}

/// Removes the webhook. If that fails, the server removes it later.
async fn leave(client: &Client, webhook: &Webhook) -> anyhow::Result<()> {
    match timeout(REMOVE_TIMEOUT, client.ask(REMOVE, json!({ "id": webhook.id }))).await {
        Ok(Ok(_)) => println!("removed the webhook {}", webhook.id),
        _ => println!("the webhook could not be removed now; the server does it in five minutes"),
    }
    Ok(())
}

/// The webhook of this run.
struct Webhook {
    id: String,
    secret: String,
}

impl Webhook {
    fn read(made: &Value) -> anyhow::Result<Self> {
        let made = &made["createListener"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let id = text(&made["webhook"]["id"]).context("the API answered no webhook")?;
        let secret = text(&made["signingSecret"]).context("the API answered no secret")?;
        Ok(Self { id, secret })
    }
}

fn is_gone(fault: &Fault) -> bool {
    matches!(&*fault.code, "RESOURCE_NOT_FOUND" | "OPERATION_NOT_ALLOWED")
}
