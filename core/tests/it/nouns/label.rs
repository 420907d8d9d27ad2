//! Labels and reviews: what they are made of, and what they publish.

use crate::{
    nouns::world::{all, new_label, not_found, refused},
    support::World,
};
use entity::{Role, WebhookTopic};
use labelhook_core::{
    Error, batch, data_row, label,
    list::{Filter, Operator, Query, Value},
    project, review,
};

#[tokio::test]
async fn each_change_of_a_label_publishes_its_event() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (made, _, row) = world.scene(&owner).await;
    let first = world.label(&owner, &made, &row).await;
    let data = world.newest().await;
    assert_eq!(data["label"]["id"], first.id.to_string());
    assert_eq!(data["project"]["id"], made.id.to_string());
    assert_eq!(data["dataRow"]["externalId"], "cat");
    assert_eq!(data["user"]["email"], "owner@localhost");
    world.pass();
    let patch = label::Patch {
        label: Some("new".into()),
        ..Default::default()
    };
    let saved = label::update(&world.app, &owner, &first.id.to_string(), patch).await;
    let saved = saved.expect("saved");
    assert_eq!((saved.label.as_str(), saved.seconds_to_label), ("new", 1.5));
    assert_eq!(world.newest().await["label"]["label"], "new");
    let gone = label::delete(&world.app, &owner, &[first.id.to_string()]).await;
    assert!(gone.expect("deleted")[0].deleted);
    assert_eq!(world.newest().await["label"]["deleted"], true);
    assert_eq!(
        world.topics().await,
        [
            WebhookTopic::LabelCreated,
            WebhookTopic::LabelUpdated,
            WebhookTopic::LabelDeleted
        ]
    );
    not_found(label::get(&world.app, &owner, &first.id.to_string()).await, "label");
    let patch = label::Patch::default();
    not_found(
        label::update(&world.app, &owner, &first.id.to_string(), patch).await,
        "label",
    );
}

#[tokio::test]
async fn saving_nothing_publishes_nothing() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (made, _, row) = world.scene(&owner).await;
    let first = world.label(&owner, &made, &row).await;
    let same = label::update(&world.app, &owner, &first.id.to_string(), label::Patch::default()).await;
    assert_eq!(same.expect("saved"), first);
    assert_eq!(world.topics().await, [WebhookTopic::LabelCreated]);
}

#[tokio::test]
async fn any_text_is_a_label_up_to_its_limit() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (made, _, row) = world.scene(&owner).await;
    let with = |text: String| label::New {
        label: text,
        ..new_label(&made, &row)
    };
    for text in ["", "test", "{\"a\": 1}\n", "Übermaß 🐈"] {
        let made = label::create(&world.app, &owner, with(text.into()))
            .await
            .expect("made");
        let read = label::get(&world.app, &owner, &made.id.to_string()).await;
        assert_eq!(read.expect("read").label, text);
    }
    let longest = label::create(&world.app, &owner, with("x".repeat(label::MAX_LABEL_BYTES))).await;
    assert!(longest.is_ok());
    let longer = label::create(&world.app, &owner, with("x".repeat(label::MAX_LABEL_BYTES + 1))).await;
    refused(longer, "label");
    for seconds in [-1.0, f64::NAN, f64::INFINITY] {
        let new = label::New {
            seconds_to_label: seconds,
            ..new_label(&made, &row)
        };
        refused(label::create(&world.app, &owner, new).await, "secondsToLabel");
    }
}

#[tokio::test]
async fn a_label_of_another_organization_is_not_found() {
    let world = World::new().await;
    let (owner, stranger) = (
        world.member_of("Ours", Role::Owner).await,
        world.member_of("Theirs", Role::Owner).await,
    );
    let (made, _, row) = world.scene(&owner).await;
    let first = world.label(&owner, &made, &row).await;
    let (theirs, _, their_row) = world.scene(&stranger).await;
    let (app, id) = (&world.app, first.id.to_string());
    not_found(label::get(app, &stranger, &id).await, "label");
    let patch = label::Patch {
        label: Some("x".into()),
        ..Default::default()
    };
    not_found(label::update(app, &stranger, &id, patch).await, "label");
    not_found(label::delete(app, &stranger, std::slice::from_ref(&id)).await, "label");
    not_found(
        label::create(app, &stranger, new_label(&made, &their_row)).await,
        "project",
    );
    not_found(label::create(app, &stranger, new_label(&theirs, &row)).await, "dataRow");
    let new = review::New {
        label: id,
        ..Default::default()
    };
    not_found(review::create(app, &stranger, new).await, "label");
    assert_eq!(world.topics().await, [WebhookTopic::LabelCreated]);
}

#[tokio::test]
async fn labels_are_made_and_deleted_all_or_none() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (made, _, row) = world.scene(&owner).await;
    let good = new_label(&made, &row);
    let bad = label::New {
        data_row: "unknown".into(),
        ..good.clone()
    };
    let app = &world.app;
    not_found(
        label::create_many(app, &owner, vec![good.clone(), bad]).await,
        "dataRow",
    );
    refused(label::create_many(app, &owner, vec![]).await, "data");
    refused(label::create_many(app, &owner, vec![good.clone(); 1001]).await, "data");
    assert!(world.topics().await.is_empty());
    let rows = label::create_many(app, &owner, vec![good; 3]).await.expect("made");
    let mut ids: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
    ids.push("unknown".into());
    not_found(label::delete(app, &owner, &ids).await, "label");
    refused(label::delete(app, &owner, &[]).await, "labelIds");
    ids[3] = ids[0].clone();
    assert_eq!(label::delete(app, &owner, &ids).await.expect("deleted").len(), 3);
    assert_eq!(world.topics().await.len(), 6);
}

#[tokio::test]
async fn nothing_new_is_made_below_what_is_deleted() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let app = &world.app;
    let (made, set, row) = world.scene(&owner).await;
    let spare = world.data_row(&owner, &set).await;
    data_row::delete(app, &owner, &[row.id.to_string()])
        .await
        .expect("deleted");
    refused(label::create(app, &owner, new_label(&made, &row)).await, "dataRow");
    let patch = labelhook_core::dataset::Patch {
        deleted: true,
        ..Default::default()
    };
    labelhook_core::dataset::update(app, &owner, &set.id.to_string(), patch)
        .await
        .expect("deleted");
    refused(label::create(app, &owner, new_label(&made, &spare)).await, "dataRow");
    not_found(data_row::get(app, &owner, &spare.id.to_string()).await, "dataRow");
    let (made, _, row) = world.scene(&owner).await;
    let first = world.label(&owner, &made, &row).await;
    let patch = project::Patch {
        deleted: true,
        ..Default::default()
    };
    project::update(app, &owner, &made.id.to_string(), patch)
        .await
        .expect("deleted");
    let save = label::Patch {
        label: Some("new".into()),
        ..Default::default()
    };
    let saved = label::update(app, &owner, &first.id.to_string(), save).await;
    assert!(matches!(saved, Err(Error::NotAllowed(_))), "{saved:?}");
    refused(label::create(app, &owner, new_label(&made, &row)).await, "project");
}

#[tokio::test]
async fn a_label_names_the_batches_of_its_project() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (made, _, row) = world.scene(&owner).await;
    let other = world.project(&owner).await;
    for (name, project) in [("ours", &made), ("other", &other)] {
        let new = batch::New {
            name: name.into(),
            project: project.id.to_string(),
            data_rows: vec![row.id.to_string()],
        };
        batch::create(&world.app, &owner, new).await.expect("a batch");
    }
    world.label(&owner, &made, &row).await;
    let batches = &world.newest().await["batches"];
    assert_eq!(batches.as_array().expect("a list").len(), 1);
    assert_eq!(batches[0]["name"], "ours");
}

#[tokio::test]
async fn labels_are_filtered_by_their_dataset_and_annotator() {
    let world = World::new().await;
    let (owner, worker) = (
        world.member_of("Ours", Role::Owner).await,
        world.member_of("Ours", Role::Worker).await,
    );
    let (made, set, row) = world.scene(&owner).await;
    let other = world.dataset(&owner, &made).await;
    let other_row = world.data_row(&owner, &other).await;
    let first = world.label(&owner, &made, &row).await;
    let second = world.label(&worker, &made, &other_row).await;
    let listed = |filter| async {
        let query = Query { filter, ..all() };
        let rows = label::list(&world.app, &owner, label::Scope::Project(made.id), query).await;
        rows.expect("list").into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let of_set = Filter::is(label::Field::Dataset, Operator::In, Value::Id(Some(set.id.0)));
    assert_eq!(listed(of_set).await, [first.id]);
    let by_worker = Filter::is(label::Field::CreatedBy, Operator::Eq, Value::Id(Some(worker.user_id.0)));
    assert_eq!(listed(by_worker).await, [second.id]);
    let none = Filter::Is {
        field: label::Field::Dataset,
        operator: Operator::In,
        values: vec![],
    };
    assert_eq!(listed(none).await, []);
}

#[tokio::test]
async fn each_change_of_a_review_publishes_its_event() {
    let world = World::new().await;
    let (owner, worker) = (
        world.member_of("Ours", Role::Owner).await,
        world.member_of("Ours", Role::Worker).await,
    );
    let (made, _, row) = world.scene(&owner).await;
    let first = world.label(&worker, &made, &row).await;
    let new = |project: &str| review::New {
        label: first.id.to_string(),
        project: Some(project.into()),
        score: -1.0,
    };
    let app = &world.app;
    let other = world.project(&owner).await;
    refused(review::create(app, &owner, new(&other.id.to_string())).await, "project");
    let judged = review::create(app, &owner, new(&made.id.to_string()))
        .await
        .expect("made");
    let data = world.newest().await;
    assert_eq!(data["reviewer"]["email"], "owner@localhost");
    assert_eq!(data["user"]["email"], "worker@localhost");
    let id = judged.id.to_string();
    let score = review::Patch {
        score: Some(1.0),
        deleted: false,
    };
    assert_eq!(
        review::update(app, &owner, &id, score).await.expect("updated").score,
        1.0
    );
    let removal = review::Patch {
        score: None,
        deleted: true,
    };
    review::update(app, &owner, &id, removal).await.expect("removed");
    assert_eq!(world.newest().await["review"]["deleted"], true);
    not_found(review::update(app, &owner, &id, removal).await, "review");
    assert_eq!(
        world.topics().await[1..],
        [
            WebhookTopic::ReviewCreated,
            WebhookTopic::ReviewUpdated,
            WebhookTopic::ReviewUpdated
        ]
    );
}

#[tokio::test]
async fn a_review_is_hidden_with_its_label() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (made, _, row) = world.scene(&owner).await;
    let first = world.label(&owner, &made, &row).await;
    let new = review::New {
        label: first.id.to_string(),
        project: None,
        score: 1.0,
    };
    let judged = review::create(&world.app, &owner, new).await.expect("made");
    let listed = || async {
        let rows = review::list(&world.app, &owner, review::Scope::Project(made.id), all()).await;
        rows.expect("list").len()
    };
    assert_eq!(listed().await, 1);
    label::delete(&world.app, &owner, &[first.id.to_string()])
        .await
        .expect("deleted");
    assert_eq!(listed().await, 0);
    not_found(review::get(&world.app, &owner, &judged.id.to_string()).await, "review");
}

#[tokio::test]
async fn an_error_in_one_unit_leaves_the_others_alone() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (made, _, row) = world.scene(&owner).await;
    let bad = label::New {
        data_row: "unknown".into(),
        ..new_label(&made, &row)
    };
    let (first, second, third) = tokio::join!(
        label::create(&world.app, &owner, new_label(&made, &row)),
        label::create(&world.app, &owner, bad),
        label::create(&world.app, &owner, new_label(&made, &row)),
    );
    assert!(first.is_ok() && third.is_ok());
    assert!(matches!(second, Err(Error::NotFound { .. })));
    assert_eq!(world.topics().await.len(), 2);
}
