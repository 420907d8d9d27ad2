//! Every topic, from every way it is caused, to those who want it and nobody else.

use std::collections::HashSet;

use entity::Role;
use serde_json::json;

use super::{Scene, topics};
use crate::desk::{Desk, SECRET, create_webhook, text, update_webhook};

#[tokio::test]
async fn submit_save_and_delete_are_three_topics() {
    let scene = Scene::set().await;
    scene.desk.listener(&scene.receiver, json!({})).await;
    let label = scene.desk.submit("{\"step\": 1}").await;
    scene.deliver().await;
    scene.desk.save(&label, "{\"step\": 2}").await;
    scene.deliver().await;
    scene.desk.delete(&label).await;
    let received = scene.deliver().await;
    assert_eq!(topics(&received), ["LABEL_CREATED", "LABEL_UPDATED", "LABEL_DELETED"]);
    let bodies: Vec<_> = received.iter().map(|one| one.json()).collect();
    assert!(bodies.iter().all(|body| body["id"] == label));
    let labels: Vec<_> = bodies.iter().map(|body| text(&body["label"])).collect();
    assert_eq!(labels, ["{\"step\": 1}", "{\"step\": 2}", "{\"step\": 2}"]);
    assert_eq!(
        bodies.iter().map(|body| body["deleted"] == true).collect::<Vec<_>>(),
        [false, false, true]
    );
}

#[tokio::test]
async fn a_review_is_created_updated_and_removed() {
    let scene = Scene::set().await;
    let more = json!({"topics": {"set": ["REVIEW_CREATED", "REVIEW_UPDATED"]}});
    scene.desk.listener(&scene.receiver, more).await;
    let label = scene.desk.submit("{}").await;
    let review = scene.desk.review(&label, 1.0).await;
    scene.deliver().await;
    scene.desk.change_review(&review, json!({"score": -1.0})).await;
    scene.deliver().await;
    scene.desk.change_review(&review, json!({"deleted": true})).await;
    let received = scene.deliver().await;
    assert_eq!(
        topics(&received),
        ["REVIEW_CREATED", "REVIEW_UPDATED", "REVIEW_UPDATED"]
    );
    for (one, (score, deleted)) in received.iter().zip([(1.0, false), (-1.0, false), (-1.0, true)]) {
        let body = one.json();
        assert_eq!((&body["id"], &body["label"]["id"]), (&json!(review), &json!(label)));
        assert_eq!((&body["score"], &body["deleted"]), (&json!(score), &json!(deleted)));
        assert_eq!(
            (&body["project"]["id"], &body["label"]["project"]),
            (&json!(scene.desk.project), &json!(null))
        );
    }
}

#[tokio::test]
async fn a_deleted_data_row_deletes_each_of_its_labels() {
    let scene = Scene::set().await;
    scene
        .desk
        .webhook(&scene.receiver.url("hook"), &["LABEL_DELETED"], json!({}))
        .await;
    let labels = [scene.desk.submit("{}").await, scene.desk.submit("{}").await];
    let other = scene.desk.row("other.jpg").await;
    let safe = scene.desk.submit_of(&other, "{}").await;
    let delete = "mutation($id: ID!) {deleteDataRows(where: {dataRowIds: [$id]}) {id}}";
    scene.app.query(delete, json!({"id": scene.desk.row})).await;
    let received = scene.deliver().await;
    assert_eq!(topics(&received), ["LABEL_DELETED", "LABEL_DELETED"]);
    let told: HashSet<_> = received.iter().map(|one| text(&one.json()["id"])).collect();
    assert_eq!(told, labels.into());
    assert!(
        received
            .iter()
            .all(|one| one.json()["dataRow"]["deletedAt"].is_string())
    );
    assert!(!told.contains(&safe));
}

#[tokio::test]
async fn a_deleted_dataset_deletes_the_labels_of_all_its_data_rows() {
    let scene = Scene::set().await;
    scene
        .desk
        .webhook(&scene.receiver.url("hook"), &["LABEL_DELETED"], json!({}))
        .await;
    let other = Desk::set(&scene.app.client).await;
    let safe = other.submit("{}").await;
    let second = scene.desk.row("second.jpg").await;
    let labels = [scene.desk.submit("{}").await, scene.desk.submit_of(&second, "{}").await];
    let delete = "mutation($id: ID!) {updateDataset(where: {id: $id}, data: {deleted: true}) {id}}";
    scene.app.query(delete, json!({"id": scene.desk.dataset})).await;
    let received = scene.deliver().await;
    let told: Vec<_> = received.iter().map(|one| text(&one.json()["id"])).collect();
    assert_eq!(
        (told.len(), told.into_iter().collect::<HashSet<_>>()),
        (2, labels.into())
    );
    assert!(received.iter().all(|one| one.json()["dataset"]["deleted"] == true));
    let left = scene
        .app
        .query("query($id: ID!) {label(where: {id: $id}) {id}}", json!({ "id": safe }))
        .await;
    assert_eq!(left["label"]["id"], safe);
}

#[tokio::test]
async fn what_changes_nothing_tells_nobody() {
    let scene = Scene::set().await;
    scene.desk.listener(&scene.receiver, json!({})).await;
    let label = scene.desk.submit("{}").await;
    let review = scene.desk.review(&label, 1.0).await;
    scene.deliver().await;
    let update = "mutation($id: ID!) {updateLabel(where: {id: $id}, data: {}) {id}}";
    scene.app.query(update, json!({ "id": label })).await;
    scene.desk.change_review(&review, json!({})).await;
    assert_eq!(scene.deliver().await.len(), 2);
}

#[tokio::test]
async fn only_webhooks_that_want_it_are_told() {
    let scene = Scene::set().await;
    let url = |path: &str| scene.receiver.url(path);
    let stranger = scene.app.as_role("Another organization", Role::Owner).await;
    let (other, foreign) = (Desk::set(&scene.app.client).await, Desk::set(&stranger).await);
    let created = ["LABEL_CREATED"];
    scene.desk.webhook(&url("project"), &created, json!({})).await;
    scene
        .desk
        .webhook(&url("wide"), &created, json!({"project": null}))
        .await;
    other.webhook(&url("other-project"), &created, json!({})).await;
    scene
        .desk
        .webhook(&url("other-topic"), &["LABEL_UPDATED"], json!({}))
        .await;
    foreign.webhook(&url("foreign"), &created, json!({})).await;
    let wide = json!({"url": url("foreign-wide"), "secret": SECRET, "topics": {"set": created}});
    create_webhook(&stranger, wide).await;
    for status in ["INACTIVE", "REVOKED"] {
        let id = scene.desk.webhook(&url("switched-off"), &created, json!({})).await;
        update_webhook(&scene.app.client, &id, json!({ "status": status })).await;
    }
    scene.desk.submit("{}").await;
    let received = scene.deliver().await;
    let paths: HashSet<_> = received.iter().map(|one| one.path.as_str()).collect();
    assert_eq!((received.len(), paths), (2, ["/project", "/wide"].into()));
    foreign.submit("{}").await;
    let paths: HashSet<_> = scene.deliver().await.drain(2..).map(|one| one.path).collect();
    assert_eq!(paths, ["/foreign".to_owned(), "/foreign-wide".to_owned()].into());
}

#[tokio::test]
async fn many_labels_of_one_mutation_are_an_event_each_or_none_at_all() {
    let scene = Scene::set().await;
    scene.desk.listener(&scene.receiver, json!({})).await;
    let make = "mutation($data: [LabelCreateInput!]!) {createLabels(data: $data) {id}}";
    let label = |row: &str| json!({"label": "{}", "dataRow": {"connect": {"id": row}}, "project": {"connect": {"id": scene.desk.project}}});
    let good: Vec<_> = (0..150).map(|_| label(&scene.desk.row)).collect();
    let mut spoiled = good.clone();
    spoiled.push(label("no such row"));
    scene
        .app
        .client
        .expect_error(make, json!({ "data": spoiled }), "RESOURCE_NOT_FOUND")
        .await;
    assert!(scene.deliver().await.is_empty(), "none is there");
    let made = scene.app.query(make, json!({ "data": good })).await;
    let made: HashSet<_> = made["createLabels"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|label| text(&label["id"]))
        .collect();
    let told: HashSet<_> = scene
        .deliver()
        .await
        .iter()
        .map(|one| text(&one.json()["id"]))
        .collect();
    assert_eq!((made.len(), told), (150, made));
}
