//! Data rows become tasks, however they are attached, once each; and tasks go with what they are of.

use super::support::Flow;
use crate::support::World;
use entity::{TaskStatus, stage as stages, task as tasks, workflow as workflows};
use labelhook_core::{
    background::{deletions, workflow_jobs},
    batch, data_row, dataset, project, workflow,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

/// A dataset that is connected to nothing, with so many data rows.
async fn loose(world: &World, count: usize) -> (String, Vec<String>) {
    let new = dataset::New {
        name: "Loose".into(),
        ..dataset::New::default()
    };
    let id = dataset::create(&world.app, &world.owner, new)
        .await
        .unwrap()
        .id
        .to_string();
    let row = data_row::New {
        row_data: "https://example.com/tree.jpg".into(),
        ..data_row::New::default()
    };
    let rows = data_row::create_many(&world.app, &world.owner, &id, vec![row; count])
        .await
        .unwrap();
    (id, rows.iter().map(|row| row.id.to_string()).collect())
}

async fn connect(flow: &Flow<'_>, dataset: &str, connected: bool) {
    let id = Some(dataset.to_owned());
    let patch = match connected {
        true => project::Patch {
            connect: id,
            ..project::Patch::default()
        },
        false => project::Patch {
            disconnect: id,
            ..project::Patch::default()
        },
    };
    let (app, owner) = (&flow.world.app, &flow.world.owner);
    project::update(app, owner, &flow.project_id.to_string(), patch)
        .await
        .unwrap();
}

async fn batched(flow: &Flow<'_>, rows: Vec<String>) {
    let new = batch::New {
        name: "First".into(),
        project: flow.project_id.to_string(),
        data_rows: rows,
    };
    batch::create(&flow.world.app, &flow.world.owner, new).await.unwrap();
}

async fn live(flow: &Flow<'_>) -> u64 {
    let query = tasks::Entity::find().filter(tasks::Column::ProjectId.eq(flow.project_id));
    let query = query.filter(tasks::Column::Deleted.eq(false));
    query.count(flow.world.app.db.read()).await.unwrap()
}

#[tokio::test]
async fn new_data_rows_are_tasks_of_every_project_that_has_their_dataset() {
    let world = World::new().await;
    let (one, other) = (Flow::plain(&world).await, Flow::plain(&world).await);
    connect(&other, &one.dataset, true).await;
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    one.tasks(700).await;
    assert_eq!(live(&one).await, 700, "by the time the call answers");
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    assert_eq!((live(&one).await, live(&other).await), (700, 700));
    let place = one.place(&one.all().await[0]).await;
    assert_eq!(place, ("Label".into(), TaskStatus::Ready));
}

#[tokio::test]
async fn a_connected_dataset_is_taken_in_by_steps_that_survive_a_restart() {
    let world = World::new().await;
    let project_id = Flow::plain(&world).await.project_id;
    let (dataset, _) = loose(&world, 450).await;
    let flow = Flow {
        world: &world,
        project_id,
        dataset: dataset.clone(),
    };
    connect(&flow, &dataset, true).await;
    assert_eq!(live(&flow).await, 0);
    let app = world.app.clone();
    let working = tokio::spawn(async move { workflow_jobs::run_until_idle(&app).await });
    while live(&flow).await == 0 {
        tokio::task::yield_now().await;
    }
    working.abort();
    working.await.ok();
    let world = world.restart().await;
    let flow = Flow {
        world: &world,
        project_id,
        dataset,
    };
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    assert_eq!(live(&flow).await, 450);
    let rows = world.number("SELECT count(DISTINCT data_row_id) FROM task").await;
    assert_eq!(rows, 450);
    let visits = world.number("SELECT count(*) FROM stage_visit").await;
    assert_eq!(visits, 450, "each entered once");
}

#[tokio::test]
async fn a_data_row_that_comes_in_two_ways_is_one_task() {
    let world = World::new().await;
    let flow = Flow::plain(&world).await;
    let (dataset, rows) = loose(&world, 30).await;
    batched(&flow, rows[..10].to_vec()).await;
    assert_eq!(live(&flow).await, 10);
    connect(&flow, &dataset, true).await;
    batched(&flow, [&rows[5..15], &rows[5..15]].concat()).await;
    assert_eq!(live(&flow).await, 15);
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    assert_eq!(live(&flow).await, 30);
    connect(&flow, &dataset, false).await;
    connect(&flow, &dataset, true).await;
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    assert_eq!(
        live(&flow).await,
        30,
        "disconnecting keeps tasks, and connecting again finds them"
    );
}

#[tokio::test]
async fn tasks_go_with_their_data_rows_and_datasets() {
    let world = World::new().await;
    let flow = Flow::plain(&world).await;
    let all = flow.tasks(250).await;
    let ids: Vec<String> = all[..2].iter().map(|task| task.data_row_id.to_string()).collect();
    data_row::delete(&world.app, &world.owner, &ids).await.unwrap();
    assert_eq!(live(&flow).await, 248);
    let id = flow.stage("Label").await;
    assert_eq!(workflow::counts(&world.app, &[id]).await.unwrap()[&id].tasks, 248);
    let gone = dataset::Patch {
        deleted: true,
        ..dataset::Patch::default()
    };
    dataset::update(&world.app, &world.owner, &flow.dataset, gone)
        .await
        .unwrap();
    deletions::run_until_idle(&world.app).await.unwrap();
    assert_eq!(live(&flow).await, 0);
    assert_eq!(flow.found(Flow::only(&all.iter().collect::<Vec<_>>()[..5])).await, []);
}

#[tokio::test]
async fn a_project_from_before_there_were_workflows_gets_one_and_its_tasks() {
    let world = World::new().await;
    let flow = Flow::plain(&world).await;
    let (dataset, rows) = loose(&world, 3).await;
    batched(&flow, rows[..1].to_vec()).await;
    connect(&flow, &flow.dataset, true).await;
    flow.tasks(2).await;
    let project_id = flow.project_id;
    world
        .write(|txn| {
            Box::pin(async move {
                tasks::Entity::delete_many().exec(txn.conn()).await?;
                stages::Entity::delete_many().exec(txn.conn()).await?;
                workflows::Entity::delete_many().exec(txn.conn()).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    let world = world.restart().await;
    let flow = Flow {
        world: &world,
        project_id,
        dataset,
    };
    assert_eq!(flow.workflow().await.stages.len(), 3);
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    assert_eq!(live(&flow).await, 3, "of the dataset and of the batch");
}

#[tokio::test]
async fn a_deleted_project_takes_nothing_in_any_more() {
    let world = World::new().await;
    let flow = Flow::plain(&world).await;
    let (dataset, _) = loose(&world, 3).await;
    connect(&flow, &dataset, true).await;
    let gone = project::Patch {
        deleted: true,
        ..project::Patch::default()
    };
    project::update(&world.app, &world.owner, &flow.project_id.to_string(), gone)
        .await
        .unwrap();
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    flow.tasks(2).await;
    assert_eq!(live(&flow).await, 0);
}
