//! What a key that is limited to projects may steer: the deliveries of webhooks it sees, and no others.

use crate::support::{World, limited};
use entity::NotificationStatus::Sending;
use labelhook_core::{Error, notification};

#[tokio::test]
async fn a_limited_key_does_not_steer_the_deliveries_of_an_organization_wide_webhook() {
    let world = World::new().await;
    world.webhook("http://127.0.0.1:9/").await;
    let label = world.annotated().await;
    world.publish(&label).await;
    let id = world.notification().await.id.to_string();
    let key = limited(&world.owner, [label.project.id]);
    for refused in [
        notification::cancel(&world.app, &key, &id).await,
        notification::redeliver(&world.app, &key, &id).await,
    ] {
        assert!(
            matches!(refused, Err(Error::NotFound { noun: "webhook", .. })),
            "{refused:?}"
        );
    }
    assert_eq!(world.notification().await.status, Sending);
}
