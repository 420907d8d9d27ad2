//! `labelhook trigger`: asks a server to send a sample of a topic as a test.

use super::{client::Client, topic};
use crate::config::Remote;
use clap::Args;
use serde_json::{Value, json};

const TRIGGER: &str = "mutation($data: TriggerEventInput!) {
    triggerEvent(data: $data) {id event {id} webhook {id url isListener listening}}}";

#[derive(Args, Debug)]
pub struct Trigger {
    /// The topic to send a sample of. Its data is invented, and its event is marked as a test.
    #[arg(value_parser = topic::parser(), ignore_case = true)]
    topic: String,
    /// The id of the webhook to send it to, subscribed or not. All running listen commands if omitted.
    #[arg(long, conflicts_with = "project")]
    webhook: Option<String>,
    /// The id of a project: send it only to listen commands that receive events of this project.
    #[arg(long)]
    project: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

impl Trigger {
    pub async fn run(self) -> anyhow::Result<()> {
        let one = |id: &Option<String>| id.as_ref().map(|id| json!({ "id": id }));
        let topic = self.topic.to_uppercase();
        let data = json!({
            "topic": topic,
            "webhook": one(&self.webhook),
            "project": one(&self.project),
        });
        let client = Client::new(&self.remote)?;
        let sent = client.ask(TRIGGER, json!({ "data": data })).await?;
        for notification in sent["triggerEvent"].as_array().into_iter().flatten() {
            println!("{}", line(&topic, notification));
        }
        Ok(())
    }
}

fn line(topic: &str, notification: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let webhook = &notification["webhook"];
    let away = webhook["isListener"] == true && webhook["listening"] == false;
    let remark = if away { "  its listener is away: it waits" } else { "" };
    format!(
        "{topic}  notification {}  → {}{remark}",
        text(&notification["id"]),
        text(&webhook["url"])
    )
}
