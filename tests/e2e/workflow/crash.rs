//! Tests of a process that dies between the receiver's 200 and the record: the webhook stage sends again, the task
//! moves once, and nothing is lost. The process is killed at exactly that moment, and at random ones while many tasks
//! drain.

use std::collections::{HashMap, HashSet};

use harness::deadline::until;
use harness::{Answer, Client, Home, Rng, Service, TestReceiver};
use serde_json::{Value, json};

use super::{Floor, SUBMIT, hook, labelled_then_sent};
use crate::desk::{merge, text};

const TASKS: usize = 80;
const KILLS: usize = 5;
const SHOW: &str =
    "query($project: ID!, $after: String) {tasks(where: {projectIds: [$project]}, first: 40, after: $after) {
    nodes {id status stage {name} stageHistory {stage {name}}
        notifications {nodes {status redeliveryOf {id} event {id} attempts {response {status}}}}}
    pageInfo {hasNextPage endCursor}}}";

/// Creates a floor whose webhook stage retries soon and often.
async fn floor(client: &Client, receiver: &TestReceiver, more: Value) -> Floor {
    let floor = Floor::set(client).await;
    let mut settings = json!({"retryPolicy": {"maxAttempts": 50, "delaysMs": [20, 50, 100], "jitter": 0.5}});
    merge(&mut settings, more);
    floor.draw(labelled_then_sent(hook(receiver, settings))).await;
    floor
}

/// Returns the same floor with a client of another process.
fn behind(service: &Service, floor: &Floor) -> Floor {
    Floor {
        client: service.client.clone(),
        ..floor.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_answer_was_not_recorded_fires_again_and_moves_once() {
    let (home, receiver) = (Home::new().await, TestReceiver::start().await);
    let service = Service::start(&home).await;
    let floor = floor(&service.client, &receiver, json!({"timeoutMs": 30_000})).await;
    let task = floor.task("tree.jpg").await;
    // The status has arrived and the response is not complete: no moment is closer to the record.
    receiver.then([Answer::status(200).stalling_body("taken")]);
    floor.submit(&task).await;
    receiver.wait_for(1).await;
    service.kill();

    let service = Service::start(&home).await;
    let floor = behind(&service, &floor);
    let received = receiver.wait_for(2).await;
    until("the task has moved", || async {
        floor.place(&task).await == "Done DONE"
    })
    .await;
    assert_eq!(
        received[0].header("webhook-id"),
        received[1].header("webhook-id"),
        "the same event"
    );
    assert_eq!(received[0].body, received[1].body, "the same bytes");
    audit(&floor, &receiver, &[task]).await;
    assert_eq!(receiver.received().len(), 2);
    assert!(service.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_task_is_lost_or_moved_twice_although_the_process_is_killed() {
    let mut rng = Rng::announced("workflow crash");
    let (home, receiver) = (Home::new().await, TestReceiver::start().await);
    // At most two of ten fail, or the circuit breaker might open and everything wait for half a minute.
    let mut fine = 0;
    receiver.then((0..4 * TASKS).map(|_| {
        fine += 1;
        if fine > 4 && rng.once_in(3) {
            fine = 0;
            Answer::status(503)
        } else {
            Answer::status(200)
        }
    }));
    let mut service = Service::start(&home).await;
    let floor = floor(&service.client, &receiver, json!({"maxInFlight": 4})).await;
    let mut tasks = Vec::new();
    for number in 0..TASKS {
        tasks.push(floor.task(&format!("{number}.jpg")).await);
    }
    let mut open = tasks.iter();
    for round in 1..=KILLS {
        for task in open.by_ref().take(TASKS / KILLS) {
            submit(&service, task).await;
        }
        receiver.wait_for(round * 8 + rng.below(8)).await;
        service.kill();
        service = Service::start(&home).await;
    }
    let floor = behind(&service, &floor);
    until("every task has moved", || async { count(&floor).await == TASKS }).await;
    audit(&floor, &receiver, &tasks).await;
    assert!(service.terminate().await.success());
}

async fn submit(service: &Service, task: &str) {
    service
        .client
        .query(SUBMIT, json!({"id": task, "data": {"label": "{}"}}))
        .await;
}

/// Returns the number of tasks in the stage `Done`.
async fn count(floor: &Floor) -> usize {
    let show = "query($id: ID!) {stage(where: {id: $id}) {taskCount}}";
    let done = floor.stage("Done").await;
    let shown = floor.client.query(show, json!({ "id": done })).await;
    usize::try_from(shown["stage"]["taskCount"].as_u64().expect("a number")).expect("a small one")
}

/// Asserts that every task sent one event, was accepted and passed the stage once, and that nothing else was sent.
async fn audit(floor: &Floor, receiver: &TestReceiver, tasks: &[String]) {
    let mut sent: HashMap<String, HashSet<String>> = HashMap::new();
    for one in receiver.received() {
        let task = text(&one.json()["task"]["taskId"]);
        sent.entry(task)
            .or_default()
            .insert(one.header("webhook-id").to_owned());
    }
    assert_eq!(sent.len(), tasks.len(), "each has fired");
    for task in all(floor).await {
        let id = text(&task["id"]);
        let names: Vec<_> = task["stageHistory"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|visit| text(&visit["stage"]["name"]))
            .collect();
        assert_eq!(names, ["Start", "Label", "Hook"], "{id} moved once");
        assert_eq!(
            (&task["status"], &task["stage"]["name"]),
            (&json!("DONE"), &json!("Done"))
        );
        let notifications = task["notifications"]["nodes"].as_array().expect("a list");
        assert_eq!(notifications.len(), 1, "{task:#}");
        let own = &notifications[0];
        assert_eq!(
            (&own["status"], &own["redeliveryOf"]),
            (&json!("SUCCEEDED"), &Value::Null)
        );
        let answers = own["attempts"].as_array().expect("a list").iter();
        assert_eq!(
            answers.filter(|attempt| attempt["response"]["status"] == 200).count(),
            1,
            "{own:#}"
        );
        assert_eq!(
            sent[&id],
            HashSet::from([text(&own["event"]["id"])]),
            "one entry is one event"
        );
    }
}

async fn all(floor: &Floor) -> Vec<Value> {
    let (mut tasks, mut after) = (Vec::new(), Value::Null);
    loop {
        let mut page = floor
            .client
            .query(SHOW, json!({"project": floor.project, "after": after}))
            .await["tasks"]
            .take();
        tasks.extend(page["nodes"].as_array().expect("a list").iter().cloned());
        if page["pageInfo"]["hasNextPage"] != true {
            return tasks;
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}
