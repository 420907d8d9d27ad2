//! Deletions that run in steps.

use crate::{
    nouns::world::{all, new_label},
    support::World,
};
use entity::{Role, WebhookTopic, deletion as deletions};
use labelhook_core::{background, data_row, dataset, label};
use sea_orm::EntityTrait;
use std::{collections::HashSet, sync::Arc};
use tokio_util::sync::CancellationToken;

const LABELS: usize = background::deletions::BATCH_SIZE as usize + 50;

fn deleted() -> dataset::Patch {
    dataset::Patch {
        deleted: true,
        ..Default::default()
    }
}

async fn is_done(world: &World) -> bool {
    let rows = deletions::Entity::find().all(world.app.db.read()).await.expect("rows");
    !rows.is_empty() && rows.iter().all(|row| row.done_at.is_some())
}

#[tokio::test]
async fn deleting_a_dataset_publishes_one_event_a_label_and_survives_a_restart() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (made, set, row) = world.scene(&owner).await;
    let second_row = world.data_row(&owner, &set).await;
    let elsewhere = world.dataset(&owner, &made).await;
    let safe_row = world.data_row(&owner, &elsewhere).await;
    for row in [&row, &second_row] {
        let new = vec![new_label(&made, row); LABELS];
        label::create_many(&world.app, &owner, new).await.expect("labels");
    }
    let safe = world.label(&owner, &made, &safe_row).await;
    dataset::update(&world.app, &owner, &set.id.to_string(), deleted())
        .await
        .expect("deleted");
    assert_eq!(world.events().await.len(), 2 * LABELS + 1);

    let world = world.restart().await;
    assert!(!is_done(&world).await);
    background::deletions::run_until_idle(&world.app).await.expect("idle");
    assert!(is_done(&world).await);
    let gone: Vec<_> = world.events().await.split_off(2 * LABELS + 1);
    let labels: HashSet<String> = gone
        .iter()
        .map(|event| {
            let data: serde_json::Value = serde_json::from_str(&event.data).expect("JSON");
            assert_eq!(event.topic, WebhookTopic::LabelDeleted);
            assert_eq!(data["label"]["deleted"], true);
            assert_eq!(data["dataset"]["deleted"], true);
            data["label"]["id"].to_string()
        })
        .collect();
    assert_eq!((gone.len(), labels.len()), (2 * LABELS, 2 * LABELS));
    let left = label::list(&world.app, &owner, label::Scope::Project(made.id), all()).await;
    assert_eq!(left.expect("list"), [safe]);
    background::deletions::run_until_idle(&world.app).await.expect("idle");
    assert_eq!(world.events().await.len(), 4 * LABELS + 1);
}

#[tokio::test]
async fn deleting_data_rows_publishes_one_event_a_label() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (made, set, row) = world.scene(&owner).await;
    let bare = world.data_row(&owner, &set).await;
    world.label(&owner, &made, &row).await;
    world.label(&owner, &made, &row).await;
    let ids = [row.id.to_string(), bare.id.to_string()];
    let gone = data_row::delete(&world.app, &owner, &ids).await.expect("deleted");
    assert!(gone.iter().all(|row| row.deleted_at.is_some()));
    background::deletions::run_until_idle(&world.app).await.expect("idle");
    assert_eq!(world.topics().await[2..], [WebhookTopic::LabelDeleted; 2]);
    assert!(world.newest().await["dataRow"]["deletedAt"].is_string());
}

#[tokio::test]
async fn the_task_wakes_for_a_deletion_and_stops_when_told() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (made, set, row) = world.scene(&owner).await;
    world.label(&owner, &made, &row).await;
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(background::deletions::run(Arc::clone(&world.app), shutdown.clone()));
    dataset::update(&world.app, &owner, &set.id.to_string(), deleted())
        .await
        .expect("deleted");
    while !is_done(&world).await {
        tokio::task::yield_now().await;
    }
    shutdown.cancel();
    task.await.expect("the task ends");
    assert_eq!(world.topics().await.len(), 2);
}
