//! The sample work of the demonstration: a project, a dataset, data rows, webhooks, labels and a review, all through
//! the API.

use super::{
    super::client::Client,
    receiver::{Receiver, SECRET},
};
use anyhow::Context;
use serde_json::{Value, json};
use std::time::Duration;

const LABEL_INTERVAL: Duration = Duration::from_secs(3);
const LABEL: &str = r##"{"objects":[{"title":"Tree","value":"tree","color":"#e0ff00","bbox":{"top":40,"left":12,"height":80,"width":64}}],"classifications":[]}"##;

/// Creates the samples and returns the number of requests that will arrive for them.
pub async fn begin(client: &Client, receiver: &Receiver) -> anyhow::Result<usize> {
    let project = made(
        client,
        "mutation { createProject(data: {name: \"Trees\"}) { id } }",
        json!({}),
    )
    .await?;
    register(
        client,
        receiver,
        &project,
        "labels",
        "LABELBOX",
        "LABEL_CREATED LABEL_UPDATED LABEL_DELETED",
    )
    .await?;
    register(client, receiver, &project, "ango", "ANGO", "LABEL_CREATED").await?;
    register(client, receiver, &project, "busy", "LABELBOX", "REVIEW_CREATED").await?;
    let dataset = made(
        client,
        "mutation { createDataset(data: {name: \"Drone images\"}) { id } }",
        json!({}),
    )
    .await?;
    let mut labels = Vec::new();
    for number in 1..=3 {
        labels.push(label(client, &project, &dataset, number).await?);
    }
    let update = "mutation($id: ID!, $label: String!) { updateLabel(where: {id: $id}, data: {label: $label}) { id } }";
    made(client, update, json!({ "id": labels[0], "label": LABEL })).await?;
    let review = "mutation($label: ID!, $project: ID!) { createReview(data: {score: 1.0, \
        label: {connect: {id: $label}}, project: {connect: {id: $project}}}) { id } }";
    made(client, review, json!({ "label": labels[0], "project": project })).await?;
    client
        .ask(
            "mutation($ids: [ID!]!) { deleteLabels(labelIds: $ids) { id } }",
            json!({ "ids": [labels[2]] }),
        )
        .await?;
    // Three labels to two webhooks, an update, a deletion, and a review whose first delivery is refused.
    Ok(3 * 2 + 1 + 1 + 2)
}

/// Submits a label every few seconds.
pub async fn go_on(client: &Client) -> anyhow::Result<()> {
    let found = client.ask("{ projects { id } datasets { id } }", json!({})).await?;
    let (project, dataset) = (id(&found["projects"][0])?, id(&found["datasets"][0])?);
    let mut clock = tokio::time::interval(LABEL_INTERVAL);
    for number in 4.. {
        clock.tick().await;
        label(client, &project, &dataset, number).await?;
    }
    Ok(())
}

/// Returns the number of notifications that the API has on record.
pub async fn recorded(client: &Client) -> anyhow::Result<usize> {
    let found = client
        .ask("{ notifications(first: 100) { nodes { id } } }", json!({}))
        .await?;
    Ok(found["notifications"]["nodes"].as_array().map_or(0, Vec::len))
}

async fn register(
    client: &Client,
    receiver: &Receiver,
    project: &str,
    path: &str,
    format: &str,
    topics: &str,
) -> anyhow::Result<()> {
    let mutation = format!(
        "mutation($project: ID!, $url: String!, $secret: String!) {{ createWebhook(data: {{project: {{id: $project}}, \
         url: $url, secret: $secret, payloadFormat: {format}, topics: {{set: [{topics}]}}, \
         retryPolicy: {{delaysMs: [1000]}}}}) {{ id }} }}"
    );
    let variables = json!({ "project": project, "url": receiver.url(path), "secret": SECRET });
    made(client, &mutation, variables).await.map(drop)
}

async fn label(client: &Client, project: &str, dataset: &str, number: usize) -> anyhow::Result<String> {
    let row = "mutation($dataset: ID!, $url: String!, $name: String!) { createDataRow(data: {rowData: $url, \
        externalId: $name, dataset: {connect: {id: $dataset}}}) { id } }";
    let name = format!("tree-{number}.jpg");
    let url = format!("https://example.com/{name}");
    let row = made(client, row, json!({ "dataset": dataset, "url": url, "name": name })).await?;
    let label = "mutation($row: ID!, $project: ID!, $label: String!) { createLabel(data: {label: $label, \
        secondsToLabel: 9.581, dataRow: {connect: {id: $row}}, project: {connect: {id: $project}}}) { id } }";
    made(client, label, json!({ "row": row, "project": project, "label": LABEL })).await
}

/// Returns the id of the object that a mutation created.
async fn made(client: &Client, mutation: &str, variables: Value) -> anyhow::Result<String> {
    let data = client.ask(mutation, variables).await?;
    id(data
        .as_object()
        .and_then(|data| data.values().next())
        .context("the mutation answered nothing")?)
}

fn id(object: &Value) -> anyhow::Result<String> {
    object["id"]
        .as_str()
        .map(str::to_owned)
        .context("the API answered no id")
}
