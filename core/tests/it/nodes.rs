//! Several nodes over one PostgreSQL database: who sends, who takes over, and what a node does that others took for
//! dead.

use crate::support::{Receiver, World};
use entity::{NotificationStatus::*, WebhookId, WebhookStatus};
use labelhook_core::{App, background::heartbeat, dispatcher, node, webhook};
use sea_orm::ConnectionTrait;
use servers::Postgres;
use std::{collections::HashSet, sync::Arc};

/// Two nodes that know of each other, or nothing where there is no PostgreSQL.
async fn two() -> Option<(World, Arc<App>)> {
    Postgres::shared().await?;
    let world = World::on_postgres().await;
    let other = App::open(world.config()).await.unwrap();
    heartbeat::step(&world.app).await.unwrap();
    Some((world, other))
}

async fn deliver(nodes: [&Arc<App>; 2]) {
    for app in nodes {
        dispatcher::run_until_idle(app).await.unwrap();
    }
}

/// So many webhooks that each node has some.
async fn webhooks(world: &World, receiver: &Receiver) -> Vec<WebhookId> {
    let mut ids = Vec::new();
    for _ in 0..16 {
        ids.push(world.webhook(&receiver.url()).await.id);
    }
    ids
}

#[tokio::test]
async fn each_webhook_is_sent_to_by_one_node_whoever_takes_the_request() {
    let Some((world, other)) = two().await else { return };
    let receiver = Receiver::ok().await;
    let ids = webhooks(&world, &receiver).await;
    let mine = ids.iter().filter(|id| world.app.nodes.owns(**id)).count();
    let theirs = ids.iter().filter(|id| other.nodes.owns(**id)).count();
    assert_eq!(mine + theirs, 16);
    assert!(mine > 0 && theirs > 0, "{mine} and {theirs}");
    let label = world.annotated().await;
    world.publish(&label).await;
    assert_eq!(
        world.status_count(Sending).await,
        mine,
        "the others are left to the other node"
    );
    deliver([&world.app, &other]).await;
    assert_eq!(world.status_count(Succeeded).await, 16);
    assert_eq!(receiver.requests().len(), 16);
}

#[tokio::test]
async fn what_a_dead_node_held_is_sent_by_the_living() {
    let Some((world, other)) = two().await else { return };
    let receiver = Receiver::ok().await;
    webhooks(&world, &receiver).await;
    let label = world.annotated().await;
    world.publish(&label).await;
    bury(&world, &world.app, &other).await;
    deliver([&other, &other]).await;
    assert_eq!(world.status_count(Succeeded).await, 16);
    assert_eq!(receiver.requests().len(), 16);
    assert!(!world.app.nodes.owns(WebhookId::new()) || world.app.nodes.id() != other.nodes.id());
}

#[tokio::test]
async fn a_node_that_was_taken_for_dead_drops_what_it_held_and_comes_back_under_a_new_id() {
    let Some((world, other)) = two().await else { return };
    let receiver = Receiver::ok().await;
    webhooks(&world, &receiver).await;
    let label = world.annotated().await;
    world.publish(&label).await;
    let before = world.app.nodes.id();
    bury(&world, &world.app, &other).await;
    heartbeat::step(&world.app).await.unwrap();
    assert_ne!(world.app.nodes.id(), before);
    assert!(world.app.dispatcher.is_idle(), "others have it now");
    for app in [&world.app, &other, &world.app] {
        heartbeat::step(app).await.unwrap();
    }
    deliver([&world.app, &other]).await;
    world.publish(&label).await;
    deliver([&world.app, &other]).await;
    assert_eq!(world.status_count(Succeeded).await, 32);
    assert_eq!(receiver.requests().len(), 32, "nothing was sent twice");
}

#[tokio::test]
async fn a_node_whose_heartbeat_is_late_sends_nothing() {
    let Some(_) = Postgres::shared().await else { return };
    let world = World::on_postgres().await;
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    let late = App::open(labelhook_core::Config {
        node: node::Config {
            lease: std::time::Duration::ZERO,
            ..node::Config::default()
        },
        ..world.config()
    })
    .await
    .unwrap();
    assert!(!late.nodes.is_alive());
    let label = world.annotated().await;
    crate::support::publish(
        &late,
        world.organization_id,
        label.data(),
        labelhook_core::event::Change::Created,
    )
    .await
    .unwrap();
    dispatcher::run_until_idle(&late).await.unwrap();
    assert!(receiver.requests().is_empty());
    world.deliver().await;
    assert_eq!(receiver.requests().len(), 1, "whoever is alive sends it");
}

#[tokio::test]
async fn a_claim_that_nobody_was_told_of_is_given_back() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    world.publish(&label).await;
    world.deliver().await;
    let sql = format!(
        "UPDATE notification SET status = 1, node_id = {}",
        world.literal(world.app.nodes.id().0)
    );
    world
        .write(move |txn| Box::pin(async move { Ok(txn.conn().execute_unprepared(&sql).await.map(drop)?) }))
        .await
        .unwrap();
    assert_eq!(world.status_count(Sending).await, 1);
    let mut suspects = HashSet::new();
    dispatcher::release_orphaned_claims(&world.app, &mut suspects)
        .await
        .unwrap();
    assert_eq!(world.status_count(Sending).await, 1, "it may be on its way into memory");
    dispatcher::release_orphaned_claims(&world.app, &mut suspects)
        .await
        .unwrap();
    world.deliver().await;
    assert_eq!(world.status_count(Succeeded).await, 1);
    assert_eq!(receiver.requests().len(), 2);
}

#[tokio::test]
async fn a_webhook_that_another_node_registered_is_matched_at_once() {
    let Some((world, other)) = two().await else { return };
    let receiver = Receiver::ok().await;
    let label = world.annotated().await;
    let publish = || {
        crate::support::publish(
            &other,
            world.organization_id,
            label.data(),
            labelhook_core::event::Change::Created,
        )
    };
    publish().await.unwrap();
    let known = world.webhook(&receiver.url()).await;
    publish().await.unwrap();
    let off = webhook::Patch {
        status: Some(WebhookStatus::Inactive),
        ..webhook::Patch::default()
    };
    webhook::update(&world.app, &world.owner, &known.id.to_string(), off)
        .await
        .unwrap();
    publish().await.unwrap();
    assert_eq!(
        world.notifications().await.len(),
        1,
        "no hint has gone from one to the other"
    );
}

/// A node is not heard of, and the other finds out.
async fn bury(world: &World, dead: &App, living: &App) {
    let sql = format!("UPDATE node SET seen_at = 0 WHERE id = '{}'", dead.nodes.id());
    world
        .write(move |txn| Box::pin(async move { Ok(txn.conn().execute_unprepared(&sql).await.map(drop)?) }))
        .await
        .unwrap();
    for _ in 0..8 {
        heartbeat::step(living).await.unwrap();
    }
}
