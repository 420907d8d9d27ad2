//! An annotator's desk: a project, a dataset and a data row, made through the API, and what an annotator does there.
//! Every step panics when the API refuses it.

use harness::{Client, TestReceiver};
use serde_json::{Value, json};

/// The secret of every webhook that a test does not give another.
pub const SECRET: &str = "example_secret";

/// A project with a data row to label.
#[derive(Clone, Debug)]
pub struct Desk {
    pub client: Client,
    pub project: String,
    pub dataset: String,
    pub row: String,
}

impl Desk {
    /// Makes everything through the API.
    pub async fn set(client: &Client) -> Self {
        let make = "mutation {createProject(data: {name: \"Trees\"}) {id} createDataset(data: {name: \"Drone\"}) {id}}";
        let made = client.query(make, json!({})).await;
        let desk = Self {
            client: client.clone(),
            project: text(&made["createProject"]["id"]),
            dataset: text(&made["createDataset"]["id"]),
            row: String::new(),
        };
        Self {
            row: desk.row("tree.jpg").await,
            ..desk
        }
    }

    /// One more data row, known by this external id.
    pub async fn row(&self, external_id: &str) -> String {
        let make = "mutation($dataset: ID!, $external: String!) {createDataRow(data: {
            rowData: \"https://example.com/tree.jpg\", externalId: $external, dataset: {connect: {id: $dataset}}}) {id}}";
        self.made(make, json!({"dataset": self.dataset, "external": external_id}))
            .await
    }

    /// Registers a webhook for the project; `more` are further inputs.
    pub async fn webhook(&self, url: &str, topics: &[&str], more: Value) -> String {
        let mut data =
            json!({"project": {"id": self.project}, "url": url, "topics": {"set": topics}, "secret": SECRET});
        merge(&mut data, more);
        create_webhook(&self.client, data).await
    }

    /// Registers a webhook for everything that this receiver should hear of.
    pub async fn listener(&self, receiver: &TestReceiver, more: Value) -> String {
        self.webhook(&receiver.url("hook"), &TOPICS, more).await
    }

    /// Submits a label of the desk's data row.
    pub async fn submit(&self, label: &str) -> String {
        self.submit_of(&self.row, label).await
    }

    /// Submits a label of this data row.
    pub async fn submit_of(&self, row: &str, label: &str) -> String {
        let make = "mutation($row: ID!, $label: String!, $project: ID!) {createLabel(data: {
            dataRow: {connect: {id: $row}}, label: $label, secondsToLabel: 9.581, project: {connect: {id: $project}}}) {id}}";
        self.made(make, json!({"row": row, "label": label, "project": self.project}))
            .await
    }

    /// Saves a label.
    pub async fn save(&self, id: &str, label: &str) {
        let change = "mutation($id: ID!, $label: String!) {updateLabel(where: {id: $id}, data: {label: $label}) {id}}";
        self.made(change, json!({"id": id, "label": label})).await;
    }

    /// Deletes a label.
    pub async fn delete(&self, id: &str) {
        let delete = "mutation($id: ID!) {deleteLabels(labelIds: [$id]) {id}}";
        self.client.query(delete, json!({"id": id})).await;
    }

    /// Submits a review of a label.
    pub async fn review(&self, label: &str, score: f64) -> String {
        let make = "mutation($label: ID!, $score: Float!, $project: ID!) {createReview(data: {
            score: $score, label: {connect: {id: $label}}, project: {connect: {id: $project}}}) {id}}";
        self.made(make, json!({"label": label, "score": score, "project": self.project}))
            .await
    }

    /// Changes a review.
    pub async fn change_review(&self, id: &str, data: Value) {
        let change = "mutation($id: ID!, $data: ReviewUpdateInput!) {updateReview(where: {id: $id}, data: $data) {id}}";
        self.made(change, json!({"id": id, "data": data})).await;
    }

    /// The id of what a mutation made or changed.
    async fn made(&self, mutation: &str, variables: Value) -> String {
        let data = self.client.query(mutation, variables).await;
        let field = data.as_object().and_then(|data| data.values().next());
        text(&field.expect("a mutation has a field")["id"])
    }
}

/// The topics that labels and reviews cause.
pub const TOPICS: [&str; 5] = [
    "LABEL_CREATED",
    "LABEL_UPDATED",
    "LABEL_DELETED",
    "REVIEW_CREATED",
    "REVIEW_UPDATED",
];

/// Registers a webhook; gives its id.
pub async fn create_webhook(client: &Client, data: Value) -> String {
    let make = "mutation($data: WebhookCreateInput!) {createWebhook(data: $data) {id}}";
    text(&client.query(make, json!({ "data": data })).await["createWebhook"]["id"])
}

/// Changes a webhook.
pub async fn update_webhook(client: &Client, id: &str, data: Value) {
    let change = "mutation($id: ID!, $data: WebhookUpdateInput!) {updateWebhook(where: {id: $id}, data: $data) {id}}";
    client.query(change, json!({"id": id, "data": data})).await;
}

/// Puts the fields of `more` over those of `data`; a null takes a field away.
pub fn merge(data: &mut Value, more: Value) {
    let fields = data.as_object_mut().expect("an input is an object");
    for (name, value) in more.as_object().cloned().unwrap_or_default() {
        match value.is_null() {
            true => fields.shift_remove(&name),
            false => fields.insert(name, value),
        };
    }
}

/// A JSON text; panics when it is something else.
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

/// The ids of a list.
pub fn ids(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap_or_else(|| panic!("not a list: {list}"));
    list.iter().map(|item| item["id"].as_str().expect("an id")).collect()
}
