//! Tests of workflows over the API: saving one ([`drawing`]) and its refusal ([`refusals`]), the passage of a task
//! ([`passage`], [`taking`], [`logic`]), the requests to its receiver ([`requests`]) and their records ([`log`]),
//! failures ([`failure`], [`rerun`]) and edges ([`edges`]), rights ([`rights`]) and visibility ([`tenancy`]), and the
//! export beside the webhook's body ([`export`], [`sample`]). [`crash`] kills the process.

mod crash;
mod drawing;
mod edges;
mod export;
mod failure;
mod log;
mod logic;
mod passage;
mod refusals;
mod requests;
mod rerun;
mod rights;
mod sample;
mod taking;
mod tenancy;

use std::time::Duration;

use entity::Timestamp;
use harness::{Client, Received, Start, TestApp, TestReceiver};
use labelhook_core::Clock;
use serde_json::{Value, json};

use crate::desk::{SECRET, merge, text};

/// The start of the tests in virtual time: 2027-01-15, 08:00 UTC.
const START: Timestamp = Timestamp(1_800_000_000_000_000);

const SAVE: &str = "mutation($project: ID!, $data: WorkflowInput!) {
    saveWorkflow(where: {id: $project}, data: $data) {version stages {id name}}}";
const SUBMIT: &str = "mutation($id: ID!, $data: TaskAnswerInput!) {submitTask(where: {id: $id}, data: $data) {id}}";
const REVIEW: &str = "mutation($id: ID!, $data: TaskReviewInput!) {reviewTask(where: {id: $id}, data: $data) {id}}";
const ASSIGN: &str =
    "mutation($where: TaskWhereInput!, $data: AssignInput!) {assignTasks(where: $where, data: $data) {count}}";
const REQUEUE: &str =
    "mutation($where: TaskWhereInput!, $data: RequeueInput!) {requeueTasks(where: $where, data: $data) {count}}";
const RERUN: &str = "mutation($id: ID!) {rerunStage(where: {id: $id}) {id total done status stage {name}}}";

/// A label for tests that do not depend on its content.
const LABEL: &str = r#"{"tools":[{"title":"Tree"}],"classifications":[{"title":"Croissànt","answer":"yes"}]}"#;

/// A project whose dataset feeds its workflow.
#[derive(Clone, Debug)]
struct Floor {
    client: Client,
    project: String,
    dataset: String,
}

impl Floor {
    async fn set(client: &Client) -> Self {
        Self::with(client, json!({"name": "Trees"})).await
    }

    /// Creates one whose project has these inputs.
    async fn with(client: &Client, project: Value) -> Self {
        let make = "mutation($data: ProjectCreateInput!) {createProject(data: $data) {id}}";
        let made = client.query(make, json!({ "data": project })).await;
        let project = text(&made["createProject"]["id"]);
        let make = "mutation($project: ID!) {
            createDataset(data: {name: \"Drone\", projects: {connect: {id: $project}}}) {id}}";
        let made = client.query(make, json!({ "project": project })).await;
        Self {
            client: client.clone(),
            project,
            dataset: text(&made["createDataset"]["id"]),
        }
    }

    /// Saves the workflow. Returns the new version with its stages.
    async fn draw(&self, data: Value) -> Value {
        let variables = json!({"project": self.project, "data": data});
        self.client.query(SAVE, variables).await["saveWorkflow"].take()
    }

    /// Returns the id of a stage by its name.
    async fn stage(&self, name: &str) -> String {
        let show = "query($id: ID!) {project(where: {id: $id}) {workflow {stages {id name}}}}";
        let shown = self.client.query(show, json!({"id": self.project})).await;
        let stages = shown["project"]["workflow"]["stages"].as_array().expect("a list");
        let found = stages.iter().find(|stage| stage["name"] == name);
        text(&found.unwrap_or_else(|| panic!("no stage {name} in {shown}"))["id"])
    }

    /// Creates a data row and returns the id of its task.
    async fn task(&self, external_id: &str) -> String {
        self.task_of(json!({"rowData": "https://example.com/tree.jpg", "externalId": external_id}))
            .await
    }

    /// Creates a data row with these inputs and returns the id of its task.
    async fn task_of(&self, mut data: Value) -> String {
        merge(&mut data, json!({"dataset": {"connect": {"id": self.dataset}}}));
        let make = "mutation($data: DataRowCreateInput!) {createDataRow(data: $data) {id}}";
        let row = self.client.query(make, json!({ "data": data })).await;
        let find =
            "query($row: ID!, $project: ID!) {tasks(where: {dataRowIds: [$row], projectIds: [$project]}) {nodes {id}}}";
        let variables = json!({"row": row["createDataRow"]["id"], "project": self.project});
        text(&self.client.query(find, variables).await["tasks"]["nodes"][0]["id"])
    }

    /// Puts the data row of a task into a new batch. Returns the batch's id.
    async fn batch(&self, task: &str, name: &str) -> String {
        let show = "query($id: ID!) {task(where: {id: $id}) {dataRow {id}}}";
        let row = self.client.query(show, json!({ "id": task })).await["task"]["dataRow"]["id"].take();
        let make = "mutation($name: String!, $project: ID!, $row: ID!) {
            createBatch(data: {name: $name, project: {connect: {id: $project}}, dataRows: [$row]}) {id}}";
        let variables = json!({"name": name, "project": self.project, "row": row});
        text(&self.client.query(make, variables).await["createBatch"]["id"])
    }

    /// Submits [`LABEL`] for a task.
    async fn submit(&self, task: &str) {
        self.client
            .query(
                SUBMIT,
                json!({"id": task, "data": {"label": LABEL, "durationMs": 3_549}}),
            )
            .await;
    }

    /// Returns the place of a task as `Stage STATUS`.
    async fn place(&self, task: &str) -> String {
        let show = "query($id: ID!) {task(where: {id: $id}) {status stage {name}}}";
        let shown = &self.client.query(show, json!({ "id": task })).await["task"];
        format!("{} {}", text(&shown["stage"]["name"]), text(&shown["status"]))
    }
}

/// A service in virtual time, a receiver, and a floor.
struct Scene {
    app: TestApp,
    clock: Clock,
    receiver: TestReceiver,
    floor: Floor,
}

impl Scene {
    async fn set() -> Self {
        Self::by(Clock::mock(START)).await
    }

    /// Uses the system's clock, for libraries that read it.
    async fn in_real_time() -> Self {
        Self::by(Clock::default()).await
    }

    async fn by(clock: Clock) -> Self {
        let start = Start {
            clock: clock.clone(),
            paused: true,
            ..Start::default()
        };
        let app = TestApp::with(start).await;
        let floor = Floor::set(&app.client).await;
        Self {
            app,
            clock,
            receiver: TestReceiver::start().await,
            floor,
        }
    }

    /// Saves START, LABEL, WEBHOOK to the receiver, COMPLETE, with these further settings of the webhook. Returns the
    /// id of the webhook stage.
    async fn draw_hook(&self, more: Value) -> String {
        self.floor.draw(labelled_then_sent(hook(&self.receiver, more))).await;
        self.floor.stage("Hook").await
    }

    /// Delivers what is due now. Returns everything that arrived so far.
    async fn deliver(&self) -> Vec<Received> {
        self.app.deliver().await;
        self.receiver.received()
    }

    /// Moves the clock and delivers what is due then. Returns everything that arrived so far.
    async fn later(&self, by: Duration) -> Vec<Received> {
        self.clock.advance(by);
        self.deliver().await
    }
}

/// Returns a stage with these edges, each given as `OUTPUT name`.
fn stage(name: &str, kind: &str, edges: &[&str]) -> Value {
    let edges: Vec<Value> = edges.iter().map(|edge| self::edge(edge)).collect();
    json!({"name": name, "type": kind, "edges": edges})
}

fn edge(words: &str) -> Value {
    let (output, to) = words.split_once(' ').expect("an output and a name");
    json!({"output": output, "to": to})
}

/// Returns the settings of a webhook stage, signed with [`SECRET`].
fn hook(receiver: &TestReceiver, more: Value) -> Value {
    let mut webhook = json!({"url": receiver.url("hook"), "authType": "SECRET", "secret": SECRET});
    merge(&mut webhook, more);
    webhook
}

/// Returns a stage of type WEBHOOK with the name `Hook`.
fn hook_stage(webhook: Value, edges: &[&str]) -> Value {
    let mut stage = stage("Hook", "WEBHOOK", edges);
    merge(&mut stage, json!({ "webhook": webhook }));
    stage
}

/// START, LABEL, WEBHOOK, COMPLETE.
fn labelled_then_sent(webhook: Value) -> Value {
    json!({"stages": [
        stage("Start", "START", &["NEXT Label"]),
        stage("Label", "LABEL", &["NEXT Hook"]),
        hook_stage(webhook, &["SUCCEEDED Done"]),
        stage("Done", "COMPLETE", &[]),
    ]})
}
