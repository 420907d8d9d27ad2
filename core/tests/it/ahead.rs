//! Looking ahead: labels that arrive together are checked by one look, and each as if it had looked for itself.

use crate::support::{Annotated, World, invalid, limited};
use entity::{BatchId, Role, batch, batch_data_row, event, label as labels, project as projects};
use labelhook_core::{
    Error, Result,
    background::deletions,
    data_row,
    label::{self, New},
    project,
};
use sea_orm::{EntityTrait, IntoActiveModel};

fn new(of: &Annotated, text: &str) -> New {
    New {
        project: of.project.id.to_string(),
        data_row: of.data_row.id.to_string(),
        label: text.into(),
        seconds_to_label: 1.0,
        label_type: None,
    }
}

fn texts(made: &[Result<labels::Model>]) -> Vec<&str> {
    made.iter().flatten().map(|row| row.label.as_str()).collect()
}

/// Puts the data row into a batch.
async fn hold(world: &World, of: &Annotated) {
    let held = batch::Model {
        id: BatchId::new(),
        organization_id: world.organization_id,
        project_id: of.project.id,
        name: "held".into(),
        created_at: of.project.created_at,
    };
    let link = batch_data_row::Model {
        batch_id: held.id,
        data_row_id: of.data_row.id,
        organization_id: world.organization_id,
    };
    let written = world.write(move |txn| {
        Box::pin(async move {
            let made = batch::Entity::insert(held.into_active_model());
            made.exec_without_returning(txn.conn()).await?;
            let made = batch_data_row::Entity::insert(link.into_active_model());
            Ok(made.exec_without_returning(txn.conn()).await?)
        })
    });
    written.await.unwrap();
}

#[tokio::test]
async fn labels_of_many_projects_and_people_are_each_told_with_their_own() {
    let world = World::new().await;
    let (app, owner) = (&world.app, &world.owner);
    let (one, two, worker) = (
        world.annotated().await,
        world.annotated().await,
        world.actor(Role::Owner).await,
    );
    hold(&world, &two).await;
    let (first, second, third) = tokio::join!(
        label::create(app, owner, new(&one, "first")),
        label::create_many(app, &worker, vec![new(&two, "second"), new(&one, "again")]),
        label::create(app, &worker, new(&one, "third")),
    );
    let mut made = second.unwrap();
    made.extend([first.unwrap(), third.unwrap()]);
    let events = event::Entity::find().all(app.db.read()).await.unwrap();
    assert_eq!(events.len(), 4);
    for row in made {
        let told = events
            .iter()
            .find(|event| event.data.contains(&row.id.to_string()))
            .unwrap();
        let data: serde_json::Value = serde_json::from_str(&told.data).unwrap();
        assert_eq!(data["project"]["id"], row.project_id.to_string());
        assert_eq!(data["dataRow"]["id"], row.data_row_id.to_string());
        assert_eq!(data["user"]["id"], row.created_by.unwrap().to_string());
        let batches = usize::from(row.project_id == two.project.id);
        assert_eq!(data["batches"].as_array().unwrap().len(), batches, "{data}");
    }
}

#[tokio::test]
async fn one_that_is_refused_does_not_stop_its_neighbours() {
    let world = World::new().await;
    let app = &world.app;
    let (seen, hidden) = (world.annotated().await, world.annotated().await);
    let foreign = World::new().await.annotated().await;
    let guest = limited(&world.owner, [seen.project.id]);
    let (before, unseen, unknown, after) = tokio::join!(
        label::create(app, &world.owner, new(&hidden, "before")),
        label::create(app, &guest, new(&hidden, "unseen")),
        label::create(app, &world.owner, new(&foreign, "unknown")),
        label::create(app, &world.owner, new(&seen, "after")),
    );
    assert!(matches!(unseen, Err(Error::NotFound { .. })));
    assert!(matches!(unknown, Err(Error::NotFound { .. })));
    assert_eq!(texts(&[before, after]), ["before", "after"]);
    assert_eq!(world.number("SELECT count(*) FROM label").await, 4);
}

#[tokio::test]
async fn what_was_deleted_just_before_is_refused() {
    let world = World::new().await;
    let (app, owner, of) = (&world.app, &world.owner, world.annotated().await);
    label::create(app, owner, new(&of, "before")).await.unwrap();
    data_row::delete(app, owner, &[of.data_row.id.to_string()])
        .await
        .unwrap();
    let (one, two) = tokio::join!(
        label::create(app, owner, new(&of, "one")),
        label::create(app, owner, new(&of, "two"))
    );
    for refused in [one, two] {
        assert_eq!(invalid(refused.unwrap_err()).0, "dataRow");
    }
}

/// There one writer takes what arrives in its order.
#[tokio::test]
async fn what_a_neighbour_deletes_is_refused_to_those_behind_it() {
    if !servers::files() {
        return;
    }
    let world = World::new().await;
    let (app, owner, of) = (&world.app, &world.owner, world.annotated().await);
    let (id, gone) = (
        of.project.id.to_string(),
        project::Patch {
            deleted: true,
            ..Default::default()
        },
    );
    let (before, deleted, after) = tokio::join!(
        label::create(app, owner, new(&of, "before")),
        project::update(app, owner, &id, gone),
        label::create(app, owner, new(&of, "after")),
    );
    before.unwrap();
    assert!(deleted.unwrap().deleted);
    assert_eq!(invalid(after.unwrap_err()).0, "project");
    let row = projects::Entity::find_by_id(of.project.id)
        .one(app.db.read())
        .await
        .unwrap();
    assert!(row.unwrap().deleted);
}

#[tokio::test]
async fn a_label_that_was_made_beside_its_rows_deletion_goes_with_it() {
    let world = World::new().await;
    let (app, owner, of) = (&world.app, &world.owner, world.annotated().await);
    let rows = [of.data_row.id.to_string()];
    let (_, deleted, _) = tokio::join!(
        label::create(app, owner, new(&of, "before")),
        data_row::delete(app, owner, &rows),
        label::create(app, owner, new(&of, "after")),
    );
    deleted.unwrap();
    deletions::run_until_idle(app).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM label WHERE NOT deleted").await, 0);
}
