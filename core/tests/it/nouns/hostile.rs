//! Inputs that are legal one by one and made to do harm: ids in several spellings, annotations as large as may be.

use crate::{nouns::world::new_label, support::World};
use entity::{Role, WebhookTopic};
use labelhook_core::{
    Error,
    background::deletions,
    data_row,
    label::{self, MAX_DELETED_BYTES, MAX_LABEL_BYTES},
};

#[tokio::test]
async fn a_label_named_in_two_spellings_is_deleted_once() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (project, _, row) = world.scene(&owner).await;
    let id = world.label(&owner, &project, &row).await.id.0;
    let spellings = [
        id.hyphenated().to_string(),
        id.simple().to_string(),
        id.urn().to_string(),
        id.to_string().to_uppercase(),
    ];
    let deleted = label::delete(&world.app, &owner, &spellings).await.expect("deleted");
    assert_eq!(deleted.len(), 1);
    assert_eq!(
        world.topics().await,
        [WebhookTopic::LabelCreated, WebhookTopic::LabelDeleted]
    );
}

#[tokio::test]
async fn large_labels_are_deleted_in_steps_of_bounded_bytes() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (project, _, row) = world.scene(&owner).await;
    let count = MAX_DELETED_BYTES / MAX_LABEL_BYTES + 3;
    let mut ids = Vec::new();
    for _ in 0..count {
        let new = label::New {
            label: "x".repeat(MAX_LABEL_BYTES),
            ..new_label(&project, &row)
        };
        ids.push(
            label::create(&world.app, &owner, new)
                .await
                .expect("a label")
                .id
                .to_string(),
        );
    }
    match label::delete(&world.app, &owner, &ids).await {
        Err(Error::Invalid { field, .. }) => assert_eq!(field, "labelIds"),
        other => panic!("{other:?}"),
    }
    data_row::delete(&world.app, &owner, &[row.id.to_string()])
        .await
        .expect("deleted");
    deletions::run_until_idle(&world.app).await.expect("done");
    let topics = world.topics().await;
    let told = topics.iter().filter(|topic| **topic == WebhookTopic::LabelDeleted);
    assert_eq!(told.count(), count);
}
