//! The live feed without a transport: places, rights, listeners that do not listen, and what a restart keeps.

use crate::{
    support::{Receiver, World, invalid, organization},
    workflow::support::{Flow, labelled_then_sent},
};
use entity::{EventId, Role, TaskStatus, event, notification};
use labelhook_core::{
    Error,
    background::{deletions, replays},
    data_row, dataset, dispatcher,
    event::{Change, Filter},
    live::{self, Ended, Position, Subscription},
    notification::Filter as Notifications,
    replay, task,
};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, ModelTrait, Set, TransactionTrait};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

type Events = Subscription<event::Model>;

fn place(row: &event::Model) -> Option<Position> {
    Some(Position {
        sequence: row.sequence,
        id: row.id.0,
    })
}

async fn events(world: &World, after: Option<Position>) -> Events {
    live::events(&world.app, &world.owner, Filter::default(), after)
        .await
        .unwrap()
}

async fn next(events: &mut Events) -> EventId {
    let waited = tokio::time::timeout(Duration::from_secs(180), events.next()).await;
    waited.unwrap().unwrap().id
}

async fn change<T>(told: &mut Subscription<T>) -> Arc<T> {
    let waited = tokio::time::timeout(Duration::from_secs(180), told.next()).await;
    match waited.unwrap() {
        Ok(change) => change,
        Err(why) => panic!("{why:?}"),
    }
}

/// Publishes so many events in one commit.
async fn publish(world: &World, data: labelhook_core::event::Data, count: usize) -> Vec<EventId> {
    let organization_id = world.organization_id;
    let unit = world.write(move |txn| {
        Box::pin(async move {
            let mut ids = Vec::with_capacity(count);
            for _ in 0..count {
                let row = labelhook_core::publish::publish(txn, organization_id, &data, Change::Created).await?;
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
    let made_up = Position {
        sequence: second.sequence + 1,
        id: second.id.0,
    };
    assert_eq!(refused(Some(made_up)).await, "is not a place in this feed");
    let unknown = Position {
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
    assert_eq!(change(&mut told).await.row, made);
    flow.submit(&made).await.unwrap();
    assert_eq!(change(&mut told).await.row, flow.now(&made).await);
}

#[tokio::test]
async fn a_task_that_goes_with_its_data_row_is_told_once_more() {
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent("http://127.0.0.1:9/hook")).await;
    let tasks = flow.tasks(3).await;
    let mut told = live::tasks(&world.app, &world.owner, task::Filter::default()).unwrap();
    let row = tasks[0].data_row_id.to_string();
    data_row::delete(&world.app, &world.owner, &[row]).await.unwrap();
    let gone = change(&mut told).await;
    assert!(gone.row.id == tasks[0].id && gone.row.deleted);
    let rows = [&tasks[1], &tasks[2]].map(|task| task.data_row_id.to_string());
    data_row::delete(&world.app, &world.owner, &rows).await.unwrap();
    let mut rest = HashSet::new();
    for _ in 0..2 {
        let gone = change(&mut told).await;
        assert!(gone.row.deleted);
        rest.insert(gone.row.id);
    }
    assert_eq!(rest, HashSet::from([tasks[1].id, tasks[2].id]));
}

#[tokio::test]
async fn tasks_that_go_with_their_dataset_are_told_once_more() {
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent("http://127.0.0.1:9/hook")).await;
    let tasks = flow.tasks(3).await;
    let mut told = live::tasks(&world.app, &world.owner, task::Filter::default()).unwrap();
    let deleted = dataset::Patch {
        deleted: true,
        ..dataset::Patch::default()
    };
    dataset::update(&world.app, &world.owner, &flow.dataset, deleted)
        .await
        .unwrap();
    deletions::run_until_idle(&world.app).await.unwrap();
    let mut gone = HashSet::new();
    for _ in &tasks {
        let change = change(&mut told).await;
        assert!(change.row.deleted);
        gone.insert(change.row.id);
    }
    assert_eq!(gone, tasks.iter().map(|task| task.id).collect());
}

#[tokio::test]
async fn a_task_that_cannot_be_moved_is_told_as_held() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let flow = Flow::new(&world, labelled_then_sent(&receiver.url())).await;
    let made = flow.task().await;
    flow.submit(&made).await.unwrap();
    let fault = match servers::Database::is_postgres() {
        true => {
            "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a fault of ours'; END $$; \
             CREATE TRIGGER fault BEFORE INSERT ON stage_visit FOR EACH ROW EXECUTE FUNCTION fault()"
        }
        false => "CREATE TRIGGER fault BEFORE INSERT ON stage_visit BEGIN SELECT RAISE(ABORT, 'a fault of ours'); END",
    };
    world
        .write(move |txn| Box::pin(async move { Ok(txn.conn().execute_unprepared(fault).await.map(drop)?) }))
        .await
        .unwrap();
    let mut told = live::tasks(&world.app, &world.owner, task::Filter::default()).unwrap();
    let stop = CancellationToken::new();
    let delivering = tokio::spawn(dispatcher::run(Arc::clone(&world.app), stop.clone()));
    let held = change(&mut told).await.row.clone();
    assert_eq!((held.id, held.status), (made.id, TaskStatus::Held));
    assert_eq!(
        held.status_reason.as_deref(),
        Some("it could not be moved: internal error")
    );
    stop.cancel();
    delivering.await.unwrap();
}

#[tokio::test]
async fn a_replay_is_told_as_it_is_and_as_it_goes_on_until_it_is_over() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world
        .webhook_with(&receiver.url(), |new| new.settings.max_in_flight = Some(2))
        .await;
    let label = world.annotated().await;
    publish(&world, label.data(), 9).await;
    world.deliver().await;
    let start = replay::Start::default();
    let begun = replay::start(&world.app, &world.owner, start).await.unwrap();
    let id = begun.id.to_string();
    let mut told = live::replay(&world.app, &world.owner, &id).await.unwrap();
    assert_eq!(change(&mut told).await.row, begun);
    let mut done = 0;
    while !{
        replays::run_until_idle(&world.app).await.unwrap();
        world.deliver().await;
        let now = change(&mut told).await;
        assert!(now.row.done > done || now.is_over(), "it goes on: {now:?}");
        done = now.row.done;
        now.is_over()
    } {}
    assert_eq!(done, 9);
    let mut late = live::replay(&world.app, &world.owner, &id).await.unwrap();
    assert!(change(&mut late).await.is_over());
    let (_, stranger) = organization(&world.app).await;
    for actor in [&world.actor(Role::Worker).await, &stranger] {
        let refused = live::replay(&world.app, actor, &id).await.err().unwrap();
        assert!(
            matches!(refused, Error::Forbidden(_) | Error::NotFound { .. }),
            "{refused}"
        );
    }
}
