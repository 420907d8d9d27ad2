//! The objects that the writers change, the webhooks, and the audit of the service's records.

use std::collections::{HashMap, HashSet};

use harness::{Client, Received, TestReceiver};
use serde_json::{Value, json};

use super::book::TOPICS;

const CREATE_WEBHOOK: &str = "mutation($project: WhereUniqueInput, $topics: [WebhookTopic!]!, $url: String!) {
    createWebhook(data: {project: $project, topics: {set: $topics}, url: $url, secret: \"a secret\",
        retryPolicy: {maxAttempts: 50, delaysMs: [20, 50, 100], jitter: 0.5}}) {id}}";

const NOTIFICATIONS: &str = "query($webhook: ID!, $after: String) {
    notifications(where: {webhookIds: [$webhook]}, first: 100, after: $after) {
        nodes {id status event {id} attempts {response {status}}} pageInfo {hasNextPage endCursor}}}";

/// Two projects with data rows, and webhooks of three kinds with different subscriptions.
#[derive(Debug)]
pub struct Scene {
    pub projects: Vec<Project>,
    pub webhooks: Vec<Webhook>,
}

#[derive(Debug)]
pub struct Project {
    pub id: String,
    pub data_rows: Vec<String>,
}

#[derive(Debug)]
pub struct Webhook {
    id: String,
    /// The path of its URL, which identifies its requests.
    path: String,
    /// The index of its project, or none for all projects.
    project: Option<usize>,
    topics: Vec<&'static str>,
}

impl Scene {
    /// Creates everything through the API, with this many webhooks of each kind.
    pub async fn set(client: &Client, receiver: &TestReceiver, each: usize) -> Self {
        let projects = vec![
            Project::create(client, "first").await,
            Project::create(client, "second").await,
        ];
        let plan = [
            ("wide", None, &TOPICS[..]),
            ("made", Some(0), &TOPICS[..1]),
            ("rest", Some(1), &TOPICS[1..]),
        ];
        let mut webhooks = Vec::new();
        for ((kind, project, topics), number) in plan.into_iter().flat_map(|kind| (0..each).map(move |n| (kind, n))) {
            let path = format!("{kind}-{number}");
            let connected = project.map(|index: usize| json!({"id": projects[index].id}));
            let variables = json!({"project": connected, "topics": topics, "url": receiver.url(&path)});
            let made = client.query(CREATE_WEBHOOK, variables).await;
            webhooks.push(Webhook {
                id: text(&made["createWebhook"]["id"]),
                path,
                project,
                topics: topics.to_vec(),
            });
        }
        Self { projects, webhooks }
    }

    /// Returns the paths of the webhooks that subscribe to this topic in this project.
    pub fn wanted_by(&self, topic: &str, project: usize) -> impl Iterator<Item = &str> {
        let wants = move |webhook: &&Webhook| {
            webhook.topics.contains(&topic) && webhook.project.is_none_or(|index| index == project)
        };
        self.webhooks.iter().filter(wants).map(|webhook| &*webhook.path)
    }
}

impl Project {
    async fn create(client: &Client, name: &str) -> Self {
        let make = "mutation($name: String!) {
            createProject(data: {name: $name}) {id} createDataset(data: {name: $name}) {id}}";
        let made = client.query(make, json!({"name": name})).await;
        let dataset = &made["createDataset"]["id"];
        let mut data_rows = Vec::new();
        for number in 0..5 {
            let make = "mutation($dataset: ID!, $row: String!) {
                createDataRow(data: {rowData: $row, externalId: $row, dataset: {connect: {id: $dataset}}}) {id}}";
            let row = client
                .query(make, json!({"dataset": dataset, "row": format!("{name}-{number}")}))
                .await;
            data_rows.push(text(&row["createDataRow"]["id"]));
        }
        Self {
            id: text(&made["createProject"]["id"]),
            data_rows,
        }
    }
}

/// Asserts that the service has recorded one notification for each event of a webhook, succeeded, with a response of
/// 200. Returns the number of recorded attempts, which is at most that of the requests.
pub async fn audit_records(client: &Client, webhook: &Webhook, received: &[Received]) -> usize {
    let (mut recorded, mut attempts) = (HashMap::new(), 0);
    let mut after = Value::Null;
    loop {
        let page = client
            .query(NOTIFICATIONS, json!({"webhook": webhook.id, "after": after}))
            .await;
        for node in page["notifications"]["nodes"].as_array().expect("a list") {
            assert_eq!(node["status"], "SUCCEEDED", "{node:#}");
            let answered = node["attempts"].as_array().expect("a list").iter();
            attempts += answered.len();
            assert!(
                answered
                    .map(|attempt| &attempt["response"]["status"])
                    .any(|status| *status == 200),
                "{node:#}"
            );
            let twice = recorded.insert(text(&node["event"]["id"]), text(&node["id"]));
            assert_eq!(twice, None, "one notification an event");
        }
        after = page["notifications"]["pageInfo"]["endCursor"].clone();
        if page["notifications"]["pageInfo"]["hasNextPage"] != true {
            break;
        }
    }
    let heard = received
        .iter()
        .filter(|one| one.path.trim_start_matches('/') == webhook.path);
    let sent = heard.clone().count();
    assert!(attempts <= sent, "{attempts} attempts are recorded of {sent}");
    let heard: HashSet<_> = heard
        .map(|one| {
            (
                one.header("webhook-id").to_owned(),
                one.header("x-labelbox-id").to_owned(),
            )
        })
        .collect();
    assert_eq!(
        heard,
        recorded.into_iter().collect(),
        "what was heard is what is recorded"
    );
    attempts
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}
