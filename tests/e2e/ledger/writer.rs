//! A task that keeps changing labels and reviews and records the accepted changes. It works on labels of its own, so
//! that no other writer makes its changes fail, and drops a label when the outcome of a change is not known.

use std::sync::Arc;
use std::time::Duration;

use harness::{Client, Rng};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;

use super::book::{Book, Mark};
use super::scene::Scene;

const CREATE_LABEL: &str = "mutation($row: ID!, $label: String!, $project: ID!) {
    createLabel(data: {dataRow: {connect: {id: $row}}, label: $label, secondsToLabel: 1.5,
        project: {connect: {id: $project}}}) {id}}";
const UPDATE_LABEL: &str =
    "mutation($id: ID!, $label: String!) {updateLabel(where: {id: $id}, data: {label: $label}) {id}}";
const DELETE_LABEL: &str = "mutation($id: ID!) {deleteLabels(labelIds: [$id]) {id}}";
const CREATE_REVIEW: &str = "mutation($id: ID!, $project: ID!) {
    createReview(data: {score: 1, label: {connect: {id: $id}}, project: {connect: {id: $project}}}) {id}}";
const UPDATE_REVIEW: &str =
    "mutation($id: ID!, $score: Float!) {updateReview(where: {id: $id}, data: {score: $score}) {id}}";

struct Label {
    id: String,
    project: usize,
    review: Option<String>,
}

struct Writer {
    scene: Arc<Scene>,
    book: Arc<Book>,
    rng: Rng,
    labels: Vec<Label>,
}

/// The delay after a change that failed, unless the list of services changes earlier.
const AGAIN: Duration = Duration::from_millis(50);

/// Writes through any of the services until there are none. If one does not accept a change, tries another one or waits
/// for the list to change.
pub async fn run(mut services: watch::Receiver<Vec<Client>>, scene: Arc<Scene>, book: Arc<Book>, rng: Rng) {
    let mut writer = Writer {
        scene,
        book,
        rng,
        labels: Vec::new(),
    };
    loop {
        let clients = services.borrow_and_update().clone();
        if clients.is_empty() {
            return;
        }
        let client = &clients[writer.rng.below(clients.len())];
        if writer.change(client).await.is_none() {
            // A timeout has the same effect as a change of the list.
            timeout(AGAIN, services.changed()).await.ok();
        }
    }
}

impl Writer {
    /// Makes one change of a random kind. Returns `None` if it was not accepted.
    async fn change(&mut self, client: &Client) -> Option<()> {
        if self.labels.len() < 3 || self.rng.once_in(3) {
            return self.create(client).await;
        }
        // Taken out: it is put back only when the outcome of the change is known.
        let index = self.rng.below(self.labels.len());
        let mut label = self.labels.swap_remove(index);
        match self.rng.below(4) {
            0 => return self.delete(client, label).await,
            1 => self.update(client, &label).await?,
            _ => self.review(client, &mut label).await?,
        }
        self.labels.push(label);
        Some(())
    }

    async fn create(&mut self, client: &Client) -> Option<()> {
        let scene = Arc::clone(&self.scene);
        let index = self.rng.below(scene.projects.len());
        let project = &scene.projects[index];
        let row = &project.data_rows[self.rng.below(project.data_rows.len())];
        let mark = self.mark("LABEL_CREATED");
        let variables = json!({"row": row, "label": mark.mark, "project": project.id});
        let made = self.answered(client, CREATE_LABEL, variables, Some(&mark)).await?;
        self.labels.push(Label {
            id: id(&made["createLabel"]),
            project: index,
            review: None,
        });
        self.book.accepted(mark, index);
        Some(())
    }

    async fn update(&mut self, client: &Client, label: &Label) -> Option<()> {
        let mark = self.mark("LABEL_UPDATED");
        let variables = json!({"id": label.id, "label": mark.mark});
        self.answered(client, UPDATE_LABEL, variables, Some(&mark)).await?;
        self.book.accepted(mark, label.project);
        Some(())
    }

    async fn delete(&mut self, client: &Client, label: Label) -> Option<()> {
        self.answered(client, DELETE_LABEL, json!({"id": label.id}), None)
            .await?;
        self.book.accepted(
            Mark {
                topic: "LABEL_DELETED",
                mark: label.id,
            },
            label.project,
        );
        Some(())
    }

    async fn review(&mut self, client: &Client, label: &mut Label) -> Option<()> {
        let Some(review) = &label.review else {
            let project = &self.scene.projects[label.project].id;
            let variables = json!({"id": label.id, "project": project});
            let made = self.answered(client, CREATE_REVIEW, variables, None).await?;
            let review = id(&made["createReview"]);
            self.book.accepted(
                Mark {
                    topic: "REVIEW_CREATED",
                    mark: review.clone(),
                },
                label.project,
            );
            label.review = Some(review);
            return Some(());
        };
        let score = f64::from(u32::try_from(self.rng.below(1 << 30)).expect("30 bits fit"));
        self.answered(client, UPDATE_REVIEW, json!({"id": review, "score": score}), None)
            .await?;
        self.book.accepted(
            Mark {
                topic: "REVIEW_UPDATED",
                mark: score.to_string(),
            },
            label.project,
        );
        Some(())
    }

    /// A mark that is chosen before the change is sent.
    fn mark(&mut self, topic: &'static str) -> Mark {
        let mark = Mark {
            topic,
            mark: json!({"mark": self.rng.below(usize::MAX)}).to_string(),
        };
        self.book.trying(&mark);
        mark
    }

    /// Returns `data`, or `None` if no response arrived or the error says to try again. Panics at any other error.
    async fn answered(&self, client: &Client, text: &str, variables: Value, mark: Option<&Mark>) -> Option<Value> {
        let Ok(mut answer) = client.try_answer(text, variables).await else {
            self.book.unanswered();
            return None;
        };
        match answer.code() {
            None => Some(answer.body["data"].take()),
            Some("SERVICE_UNAVAILABLE") => {
                self.book.refused(mark, &answer);
                None
            }
            Some(_) => panic!("{text}: {:#}", answer.body),
        }
    }
}

fn id(value: &Value) -> String {
    value["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id in {value}"))
        .to_owned()
}
