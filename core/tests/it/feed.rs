//! The live feed without a transport: places, rights, listeners that do not listen, and what a restart keeps.

use crate::{
    support::{World, invalid},
    workflow::support::{Flow, labelled_then_sent},
};
use entity::{EventId, Role, event, notification};
use labelhook_core::{
    Error,
    event::{Change, Filter},
    live::{self, Ended, Place, Subscription},
    notification::Filter as Notifications,
    task,
};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, ModelTrait, Set, TransactionTrait};
use std::{collections::HashSet, time::Duration};

type Events = Subscription<event::Model>;

fn place(row: &event::Model) -> Option<Place> {
    Some(Place {
        sequence: row.sequence,
        id: row.id.0,
    })
}

async fn events(world: &World, after: Option<Place>) -> Events {
    live::events(&world.app, &world.owner, Filter::default(), after)
        .await
        .unwrap()
}

async fn next(events: &mut Events) -> EventId {
    let waited = tokio::time::timeout(Duration::from_secs(60), events.next()).await;
    waited.unwrap().unwrap().id
}

/// Publishes so many events in one commit.
async fn publish(world: &World, data: labelhook_core::event::Data, count: usize) -> Vec<EventId> {
    let organization_id = world.organization_id;
    let unit = world.write(move |txn| {
        Box::pin(async move {
            let mut ids = Vec::with_capacity(count);
            for _ in 0..count {
                let row = labelhook_core::event::publish(txn, organization_id, &data, Change::Created).await?;
                ids.push(row.id);
            }
            Ok(ids)
        })
    });
    unit.await.unwrap()
}

#[tokio::test]
async fn what_had_happened_is_past_although_somebody_is_still_writing() {
    if !servers::Database::is_postgres() {
        return;
    }
    let world = World::new().await;
    let change = world.annotated().await;
    let db = sea_orm::Database::connect(world.config().database_url).await.unwrap();
    let open = db.begin().await.unwrap();
    open.execute_unprepared("SELECT pg_current_xact_id()").await.unwrap();
    world.publish(&change).await;
    let mut feed = events(&world, None).await;
    let second = world.publish(&change).await;
    open.rollback().await.unwrap();
    let third = world.publish(&change).await;
    assert_eq!([next(&mut feed).await, next(&mut feed).await], [second.id, third.id]);
}

#[tokio::test]
async fn a_listener_that_does_not_listen_is_told_and_can_come_back() {
    let world = World::new().await;
    let change = world.annotated().await;
    let first = world.publish(&change).await;
    let (mut slow, mut quick) = (events(&world, None).await, events(&world, None).await);
    let mut published = Vec::new();
    for _ in 0..70 {
        let ids = publish(&world, change.data(), 64).await;
        for id in &ids {
            assert_eq!(next(&mut quick).await, *id);
        }
        published.extend(ids);
    }
    assert!(matches!(slow.next().await, Err(Ended::TooSlow)));
    let mut back = events(&world, place(&first)).await;
    for id in &published {
        assert_eq!(next(&mut back).await, *id);
    }
    let newest = world.publish(&change).await;
    assert_eq!(next(&mut back).await, newest.id);
}

#[tokio::test]
async fn places_are_checked() {
    let world = World::new().await;
    let change = world.annotated().await;
    let (first, second) = (world.publish(&change).await, world.publish(&change).await);
    let refused = async |place| {
        let found = live::events(&world.app, &world.owner, Filter::default(), place).await;
        invalid(found.err().unwrap()).1
    };
    let made_up = Place {
        sequence: second.sequence + 1,
        id: second.id.0,
    };
    assert_eq!(refused(Some(made_up)).await, "is not a place in this feed");
    let unknown = Place {
        sequence: second.sequence,
        id: EventId::new().0,
    };
    assert_eq!(refused(Some(unknown)).await, "is not a place in this feed");
    let (gone, since) = (place(&first), second.created_at.micros());
    world
        .write(move |txn| Box::pin(async move { Ok(first.delete(txn.conn()).await.map(drop)?) }))
        .await
        .unwrap();
    assert_eq!(
        refused(gone).await,
        format!("is older than what is kept: the log goes back to {since}")
    );
}

#[tokio::test]
async fn a_role_that_may_not_see_events_may_not_listen_to_them() {
    let world = World::new().await;
    let worker = world.actor(Role::Worker).await;
    let found = live::events(&world.app, &worker, Filter::default(), None).await;
    assert!(matches!(found.err(), Some(Error::Forbidden(_))));
    let found = live::notifications(&world.app, &worker, Notifications::default(), None).await;
    assert!(matches!(found.err(), Some(Error::Forbidden(_))));
    assert!(live::tasks(&world.app, &worker, task::Filter::default()).is_ok());
}

#[tokio::test]
async fn numbers_grow_over_a_restart_past_notifications_too() {
    let world = World::new().await;
    world.webhook("http://127.0.0.1:9/hook").await;
    let change = world.annotated().await;
    world.publish(&change).await;
    let ahead = world.clock.now().plus(Duration::from_secs(86_400)).0;
    let row = world.notification().await;
    world
        .write(move |txn| {
            Box::pin(async move {
                let mut row = row.into_active_model();
                row.sequence = Set(ahead);
                Ok(row.update(txn.conn()).await.map(drop)?)
            })
        })
        .await
        .unwrap();
    let world = world.restart().await;
    assert!(world.publish(&change).await.sequence > ahead);
    let rows = notification::Entity::find().all(world.app.db.read()).await.unwrap();
    let numbers: HashSet<i64> = rows.iter().map(|row| row.sequence).collect();
    assert_eq!(numbers.len(), rows.len());
}

#[tokio::test]
async fn a_task_is_told_as_it_moves() {
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent("http://127.0.0.1:9/hook")).await;
    let filter = task::Filter {
        project_ids: Some(vec![flow.project_id]),
        ..task::Filter::default()
    };
    let mut told = live::tasks(&world.app, &world.owner, filter).unwrap();
    let made = flow.task().await;
    let change = tokio::time::timeout(Duration::from_secs(60), told.next()).await;
    assert_eq!(change.unwrap().unwrap().row, made);
    flow.submit(&made).await.unwrap();
    let change = tokio::time::timeout(Duration::from_secs(60), told.next()).await;
    assert_eq!(change.unwrap().unwrap().row, flow.now(&made).await);
}
