//! A task goes its way: START, LABEL, WEBHOOK, REVIEW, COMPLETE, as a labeler, a receiver and a reviewer move it.

use std::time::Duration;

use entity::Role;
use harness::{Client, ORGANIZATION, TestReceiver};
use serde_json::{Value, json};

use super::{LABEL, REVIEW, SUBMIT, Scene, hook, hook_stage, stage};
use crate::desk::{SECRET, text};

pub const SAVE_TASK: &str = "mutation($id: ID!, $data: TaskAnswerInput!) {
    saveTask(where: {id: $id}, data: $data) {id status draft label {id}}}";
const SHOW: &str = "query($id: ID!) {task(where: {id: $id}) {status statusReason externalId draft stage {name}
    assignee {id} label {id label secondsToLabel} dataRow {externalId} project {id}
    stageHistory {stage {name} enteredAt completedAt durationMs idleMs blurMs completedBy {email} submittedBy {email} skipped}
    notifications {nodes {id status logLine responseCode stage {name} task {id}}}}}";

/// START, LABEL, WEBHOOK, REVIEW, COMPLETE; what is rejected is labelled again.
pub fn reviewed(receiver: &TestReceiver, more: Value) -> Value {
    json!({"stages": [
        stage("Start", "START", &["NEXT Label"]),
        stage("Label", "LABEL", &["NEXT Hook"]),
        hook_stage(hook(receiver, more), &["SUCCEEDED Review"]),
        stage("Review", "REVIEW", &["APPROVED Done", "REJECTED Label"]),
        stage("Done", "COMPLETE", &[]),
    ]})
}

pub async fn shown(scene: &Scene, task: &str) -> Value {
    scene.app.query(SHOW, json!({ "id": task })).await["task"].take()
}

async fn email(client: &Client) -> String {
    text(&client.query("{user {email}}", json!({})).await["user"]["email"])
}

#[tokio::test]
async fn a_task_goes_from_start_to_complete() {
    let scene = Scene::set().await;
    scene.floor.draw(reviewed(&scene.receiver, json!({}))).await;
    let labeler = scene.app.as_role(ORGANIZATION, Role::Worker).await;
    let reviewer = scene.app.as_role(ORGANIZATION, Role::User).await;
    let task = scene.floor.task("tree.jpg").await;
    assert_eq!(scene.floor.place(&task).await, "Label READY");

    scene.clock.advance(Duration::from_secs(1));
    let data = json!({"label": "{\"tools\":[]}", "durationMs": 1_500, "idleMs": 200, "blurMs": 100});
    let saved = labeler.query(SAVE_TASK, json!({"id": task, "data": data})).await["saveTask"].take();
    let expected = json!({"id": task, "status": "IN_PROGRESS", "draft": "{\"tools\":[]}", "label": null});
    assert_eq!(saved, expected, "it stays, and nothing is submitted yet");
    scene.clock.advance(Duration::from_secs(1));
    let data =
        json!({"label": LABEL, "durationMs": 2_049, "stage": {"connect": {"id": scene.floor.stage("Label").await}}});
    labeler.query(SUBMIT, json!({"id": task, "data": data})).await;
    assert_eq!(scene.floor.place(&task).await, "Hook WAITING");
    let waiting = shown(&scene, &task).await;
    assert_eq!(
        (&waiting["draft"], &waiting["label"]["label"]),
        (&Value::Null, &json!(LABEL))
    );
    assert_eq!(waiting["label"]["secondsToLabel"], 3.549);
    let first = &waiting["notifications"]["nodes"][0];
    assert_eq!(
        first["logLine"],
        format!("[2027-01-15T08:00:02.000Z][{}] tree.jpg", text(&first["status"])),
        "before there is an answer it has its own status"
    );
    assert!(["PENDING", "SENDING"].contains(&text(&first["status"]).as_str()));

    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.deliver().await.len(), 1);
    assert_eq!(scene.floor.place(&task).await, "Review READY");
    scene.clock.advance(Duration::from_secs(1));
    reviewer
        .query(REVIEW, json!({"id": task, "data": {"outcome": "APPROVED"}}))
        .await;
    assert_eq!(scene.floor.place(&task).await, "Done DONE");

    let done = shown(&scene, &task).await;
    let moment = |second: u32| json!(format!("2027-01-15T08:00:0{second}.000000Z"));
    let visit = |name: &str, entered: u32, completed: u32, work: [i64; 3], by: Option<&str>, submitted: bool| {
        let person = by.map(|email| json!({ "email": email }));
        json!({"stage": {"name": name}, "enteredAt": moment(entered), "completedAt": moment(completed),
            "durationMs": work[0], "idleMs": work[1], "blurMs": work[2], "completedBy": person,
            "submittedBy": person.clone().filter(|_| submitted), "skipped": false})
    };
    let (labeler, reviewer) = (email(&labeler).await, email(&reviewer).await);
    let expected = json!([
        visit("Start", 0, 0, [0; 3], None, false),
        visit("Label", 0, 2, [3_549, 200, 100], Some(&labeler), true),
        visit("Hook", 2, 3, [0; 3], None, false),
        visit("Review", 3, 4, [0; 3], Some(&reviewer), true),
    ]);
    assert_eq!(done["stageHistory"], expected);
    assert_eq!(
        (&done["externalId"], &done["project"]["id"]),
        (&json!("tree.jpg"), &json!(scene.floor.project))
    );
    let sent = json!({"id": done["notifications"]["nodes"][0]["id"], "status": "SUCCEEDED", "responseCode": 200,
        "logLine": "[2027-01-15T08:00:03.000Z][200] tree.jpg", "stage": {"name": "Hook"}, "task": {"id": task}});
    assert_eq!(done["notifications"]["nodes"], json!([sent]));
}

#[tokio::test]
async fn a_task_that_is_rejected_is_labelled_again_and_fires_again() {
    let scene = Scene::set().await;
    scene.floor.draw(reviewed(&scene.receiver, json!({}))).await;
    let topics = ["LABEL_CREATED", "LABEL_UPDATED", "REVIEW_CREATED"];
    let wide = json!({"url": scene.receiver.url("topics"), "secret": SECRET, "topics": {"set": topics}});
    crate::desk::create_webhook(&scene.app.client, wide).await;
    let task = scene.floor.task("tree.jpg").await;
    let review = async |outcome: &str, score: Option<f64>| {
        let data = json!({"outcome": outcome, "score": score});
        scene.app.query(REVIEW, json!({"id": task, "data": data})).await;
    };
    scene.floor.submit(&task).await;
    scene.deliver().await;
    review("REJECTED", None).await;
    assert_eq!(scene.floor.place(&task).await, "Label READY");
    scene.deliver().await;
    scene.floor.submit(&task).await;
    scene.deliver().await;
    review("APPROVED", Some(0.5)).await;
    let received = scene.deliver().await;
    assert_eq!(scene.floor.place(&task).await, "Done DONE");

    let told: Vec<_> = received.iter().filter(|one| one.path == "/topics").collect();
    let topics: Vec<_> = told.iter().map(|one| one.header("x-labelbox-event")).collect();
    assert_eq!(
        topics,
        ["LABEL_CREATED", "REVIEW_CREATED", "LABEL_UPDATED", "REVIEW_CREATED"]
    );
    let scores: Vec<_> = [1, 3].map(|place| told[place].json()["score"].clone()).into();
    assert_eq!(scores, [json!(-1.0), json!(0.5)]);
    let sent: Vec<_> = received
        .iter()
        .filter(|one| one.path == "/hook")
        .map(|one| one.json())
        .collect();
    let histories: Vec<_> = sent
        .iter()
        .map(|body| body["task"]["stageHistory"].as_array().map(Vec::len))
        .collect();
    assert_eq!(histories, [Some(2), Some(5)], "once for each time it came in");
    assert!(sent.iter().all(|body| body["task"]["taskId"] == task));
    assert_eq!(sent[1]["task"]["totalDuration"], 2 * 3_549);
}
