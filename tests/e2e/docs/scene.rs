//! The environment of a page's examples: a service, a receiver, and the ids for the variables of the examples.

use std::collections::HashMap;

use harness::{Client, Home, KEY, Service, Socket, TestReceiver, deadline};
use serde_json::{Map, Value, json};

use crate::desk::{Desk, merge, text};

/// A service with a receiver, and the ids that are known.
pub struct Scene {
    /// The client of the service that examples call: the scene's own service, or the last that an example started.
    pub client: Client,
    /// The receiver that stands for `127.0.0.1:3000` in examples, until one of them starts a receiver.
    pub receiver: TestReceiver,
    known: HashMap<String, String>,
    _service: Service,
    _home: Home,
}

impl Scene {
    /// Starts a service and a receiver.
    pub async fn new() -> Self {
        let home = Home::new().await;
        let service = Service::start(&home).await;
        Self {
            client: service.client.clone(),
            receiver: TestReceiver::start().await,
            known: HashMap::new(),
            _service: service,
            _home: home,
        }
    }

    /// Runs a query or a mutation and returns its answer. Panics if it has errors.
    pub async fn ask(&mut self, document: &str) -> Value {
        let variables = self.variables(document).await;
        let data = self.client.query(document, variables).await;
        self.remember(&data);
        json!({ "data": data })
    }

    /// Starts a subscription and waits until the server has read it. Panics if the server refuses it.
    pub async fn subscribe(&mut self, document: &str) {
        let variables = self.variables(document).await;
        let mut socket = Socket::greeted(self.client.endpoint(), KEY).await;
        socket.subscribe("1", document, variables).await;
        socket.say(json!({"type": "ping"})).await;
        loop {
            let message = socket.hear().await;
            assert_ne!(message["type"], "error", "{document}\n{message:#}");
            assert!(message["payload"].get("errors").is_none(), "{document}\n{message:#}");
            if message["type"] == "pong" {
                return;
            }
        }
    }

    /// Registers a webhook with this filter, or saves a workflow with this condition. Panics if it is refused.
    pub async fn accept(&mut self, of: &str, expression: &str) {
        if of == "event" {
            let url = self.receiver.url("hook");
            let mut data = json!({"url": url, "secret": "s", "topics": {"set": ["LABEL_CREATED"]}});
            merge(&mut data, json!({ "filter": expression }));
            crate::desk::create_webhook(&self.client, data).await;
            return;
        }
        let save = "mutation($project: ID!, $condition: String!) {saveWorkflow(where: {id: $project}, data: {stages: [
            {name: \"Start\", type: START, edges: [{output: NEXT, to: \"Which?\"}]}
            {name: \"Which?\", type: LOGIC, edges: [
                {output: MATCHED, to: \"Done\", condition: $condition} {output: ELSE, to: \"Done\"}]}
            {name: \"Done\", type: COMPLETE}]}) {version}}";
        let desk = Desk::set(&self.client).await;
        let variables = json!({"project": desk.project, "condition": expression});
        self.client.query(save, variables).await;
    }

    /// Waits until the newest notification is delivered, and returns its request.
    pub async fn delivered(&self) -> Value {
        let ask = "{notifications(first: 1) {nodes {status attempts {request {url headers body}}}}}";
        let newest = async || self.client.query(ask, json!({})).await["notifications"]["nodes"][0].take();
        deadline::until("the newest notification is delivered", || async {
            newest().await["status"] == "SUCCEEDED"
        })
        .await;
        newest().await["attempts"][0]["request"].take()
    }

    /// Returns a value for each variable that a document declares: the known one, or that of a new object if one is
    /// required.
    async fn variables(&mut self, document: &str) -> Value {
        let mut variables = Map::new();
        for (name, is_required) in declared(document) {
            if is_required && !self.known.contains_key(&name) {
                let made = self.make(&name).await;
                self.known.insert(name.clone(), made);
            }
            if let Some(value) = self.known.get(&name) {
                variables.insert(name, json!(value));
            }
        }
        Value::Object(variables)
    }

    /// Creates an object that no example has created, and returns its id.
    async fn make(&mut self, name: &str) -> String {
        match name {
            "project" => Desk::set(&self.client).await.project,
            "webhook" => {
                let topics = json!({"set": crate::desk::TOPICS});
                let data = json!({"url": self.receiver.url("hook"), "secret": "s", "topics": topics});
                crate::desk::create_webhook(&self.client, data).await
            }
            "notification" => {
                Desk::set(&self.client).await.submit("{}").await;
                self.delivered().await;
                let found = self.client.query("{notifications {nodes {id}}}", json!({})).await;
                text(&found["notifications"]["nodes"][0]["id"])
            }
            "listener" => {
                let make = "mutation {createListener(data: {url: \"http://127.0.0.1:9/\"}) {webhook {id}}}";
                text(&self.client.query(make, json!({})).await["createListener"]["webhook"]["id"])
            }
            "replay" => {
                let start = "mutation {startReplay(data: {where: {}}) {id}}";
                text(&self.client.query(start, json!({})).await["startReplay"]["id"])
            }
            "task" => self.task().await,
            _ => panic!("no example before has made ${name}"),
        }
    }

    /// Creates a task in the project and returns its id.
    async fn task(&self) -> String {
        let make = "mutation($project: ID!) {createDataset(data: {name: \"Drone\", projects: {connect: {id: $project}}}) {id}}";
        let made = self.client.query(make, json!({"project": self.known["project"]})).await;
        let make = "mutation($dataset: ID!) {createDataRow(data: {rowData: \"tree.jpg\", dataset: {connect: {id: $dataset}}}) {id}}";
        let dataset = &made["createDataset"]["id"];
        self.client.query(make, json!({ "dataset": dataset })).await;
        text(&self.client.query("{tasks {nodes {id}}}", json!({})).await["tasks"]["nodes"][0]["id"])
    }

    /// Keeps the ids of the objects that a mutation has created, by the name of the noun.
    fn remember(&mut self, data: &Value) {
        for (field, value) in data.as_object().into_iter().flatten() {
            let noun = match &**field {
                "startReplay" => "Replay",
                field => field.strip_prefix("create").unwrap_or_default(),
            };
            let id = value["id"].as_str().or_else(|| value["webhook"]["id"].as_str());
            if let (false, Some(id)) = (noun.is_empty(), id) {
                self.known.insert(noun.to_lowercase(), id.to_owned());
            }
            let stages = value["stages"].as_array().into_iter().flatten();
            for stage in stages.filter(|stage| stage["name"] == "Hook") {
                self.known.insert("stage".to_owned(), text(&stage["id"]));
            }
        }
    }
}

/// Returns the variables that a document declares, and whether each is required.
fn declared(document: &str) -> Vec<(String, bool)> {
    let words = document.split('$').skip(1);
    words
        .filter_map(|word| {
            let (name, rest) = word.split_once(':')?;
            let kind = rest.split([',', ')', '=']).next()?.trim();
            let is_name = name.chars().all(char::is_alphanumeric) && kind.starts_with(char::is_uppercase);
            is_name.then(|| (name.to_owned(), kind.ends_with('!')))
        })
        .collect()
}
