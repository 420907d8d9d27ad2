//! Projects, datasets, data rows and batches.

use crate::{
    nouns::world::{all, not_found, refused},
    support::World,
};
use entity::{DatasetId, Role};
use labelhook_core::{
    Error, batch, data_row, dataset,
    list::{Filter, Operator, Order, Page, Query, Value},
    project,
};

fn named(name: &str) -> project::New {
    project::New {
        name: name.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_bad_field_is_named_and_changes_nothing() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let long = "x".repeat(257);
    for name in ["", "  ", "a\nb", &long] {
        refused(project::create(&world.app, &owner, named(name)).await, "name");
    }
    let broken = project::New {
        ontology: Some("{".into()),
        ..named("P")
    };
    refused(project::create(&world.app, &owner, broken).await, "ontology");
    assert_eq!(
        project::list(&world.app, &owner, project::Scope::All, all())
            .await
            .expect("list"),
        []
    );
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_leaves_the_rest() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let new = project::New {
        description: Some("old".into()),
        ontology: Some(r#"{"tools":[]}"#.into()),
        ..named("P")
    };
    let made = project::create(&world.app, &owner, new).await.expect("made");
    world.pass();
    let patch = project::Patch {
        description: Some(None),
        ..Default::default()
    };
    let changed = project::update(&world.app, &owner, &made.id.to_string(), patch).await;
    let changed = changed.expect("changed");
    assert_eq!((changed.name.as_str(), changed.description.as_deref()), ("P", None));
    assert_eq!(changed.ontology, made.ontology);
    assert!(changed.updated_at > made.updated_at);
}

#[tokio::test]
async fn lists_filter_order_and_page() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    for name in ["b", "a", "c"] {
        world.pass();
        project::create(&world.app, &owner, named(name)).await.expect("made");
    }
    let names = |query| async {
        let rows = project::list(&world.app, &owner, project::Scope::All, query)
            .await
            .expect("list");
        rows.into_iter().map(|row| row.name).collect::<Vec<_>>()
    };
    assert_eq!(names(all()).await, ["b", "a", "c"]);
    let by_name = Order {
        field: project::Field::Name,
        descending: true,
    };
    let page = Page { skip: 1, first: 1 };
    let query = Query {
        order: Some(by_name),
        page,
        ..all()
    };
    assert_eq!(names(query).await, ["b"]);
    let text = |text: &str| Value::Text(text.into());
    let not_a = Filter::is(project::Field::Name, Operator::Not, text("a"));
    let at_least_b = Filter::is(project::Field::Name, Operator::Gte, text("b"));
    let both = Filter::And(vec![not_a, Filter::And(vec![at_least_b])]);
    assert_eq!(names(Query { filter: both, ..all() }).await, ["b", "c"]);
    let none = Filter::is(project::Field::Id, Operator::Eq, Value::id("not an id"));
    assert_eq!(names(Query { filter: none, ..all() }).await, [""; 0]);
}

#[tokio::test]
async fn a_deleted_project_is_hidden_unless_it_is_asked_for() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let made = world.project(&owner).await;
    let id = made.id.to_string();
    let patch = project::Patch {
        deleted: true,
        ..Default::default()
    };
    project::update(&world.app, &owner, &id, patch.clone())
        .await
        .expect("deleted");
    not_found(project::get(&world.app, &owner, &id).await, "project");
    not_found(project::update(&world.app, &owner, &id, patch).await, "project");
    assert_eq!(
        project::list(&world.app, &owner, project::Scope::All, all())
            .await
            .expect("list"),
        []
    );
    let deleted = Filter::is(project::Field::Deleted, Operator::Eq, Value::Bool(true));
    let query = Query {
        filter: deleted,
        ..all()
    };
    assert_eq!(
        project::list(&world.app, &owner, project::Scope::All, query)
            .await
            .expect("list")
            .len(),
        1
    );
    let new = dataset::New {
        name: "D".into(),
        project: Some(id),
        ..Default::default()
    };
    refused(dataset::create(&world.app, &owner, new).await, "projects");
    assert!(world.topics().await.is_empty());
}

#[tokio::test]
async fn lists_show_nothing_of_another_organization() {
    let world = World::new().await;
    let (owner, stranger) = (
        world.member_of("Ours", Role::Owner).await,
        world.member_of("Theirs", Role::Owner).await,
    );
    let (_, set, _) = world.scene(&owner).await;
    let app = &world.app;
    assert_eq!(
        project::list(app, &stranger, project::Scope::All, all())
            .await
            .expect("list"),
        []
    );
    assert_eq!(
        dataset::list(app, &stranger, dataset::Scope::All, all())
            .await
            .expect("list"),
        []
    );
    assert_eq!(data_row::list(app, &stranger, set.id, all()).await.expect("list"), []);
}

#[tokio::test]
async fn a_global_key_is_unique_in_its_organization() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (_, set, _) = world.scene(&owner).await;
    let keyed = |key: &str| data_row::New {
        row_data: "text".into(),
        global_key: Some(key.into()),
        ..Default::default()
    };
    let id = set.id.to_string();
    data_row::create(&world.app, &owner, &id, keyed("k"))
        .await
        .expect("first");
    let second = data_row::create(&world.app, &owner, &id, keyed("k")).await;
    assert!(matches!(second, Err(Error::Conflict(_))), "{second:?}");
    let twice = vec![keyed("l"), keyed("l")];
    refused(
        data_row::create_many(&world.app, &owner, &id, twice).await,
        "dataRows.1.globalKey",
    );
    let stranger = world.member_of("Theirs", Role::Owner).await;
    let (_, theirs, _) = world.scene(&stranger).await;
    data_row::create(&world.app, &stranger, &theirs.id.to_string(), keyed("k"))
        .await
        .expect("the other organization's own");
}

#[tokio::test]
async fn data_rows_are_made_all_or_none() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (_, set, _) = world.scene(&owner).await;
    let id = set.id.to_string();
    let row = |text: &str| data_row::New {
        row_data: text.into(),
        ..Default::default()
    };
    refused(
        data_row::create_many(&world.app, &owner, &id, vec![row("a"), row("")]).await,
        "dataRows.1.rowData",
    );
    refused(data_row::create_many(&world.app, &owner, &id, vec![]).await, "dataRows");
    refused(
        data_row::create_many(&world.app, &owner, &id, vec![row("a"); 1001]).await,
        "dataRows",
    );
    let made = data_row::create_many(&world.app, &owner, &id, vec![row("a"); 1000]).await;
    assert_eq!(made.expect("made").len(), 1000);
    let counts = dataset::row_counts(&world.app, &[set.id]).await.expect("counts");
    assert_eq!(counts[&set.id], 1001);
    let nowhere = DatasetId::new().to_string();
    not_found(
        data_row::create(&world.app, &owner, &nowhere, row("a")).await,
        "dataset",
    );
}

#[tokio::test]
async fn a_project_counts_the_rows_of_its_datasets_and_batches_once() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (made, set, row) = world.scene(&owner).await;
    let other = world.project(&owner).await;
    let elsewhere = world.dataset(&owner, &other).await;
    let loose = world.data_row(&owner, &elsewhere).await;
    let new = batch::New {
        name: "B".into(),
        project: made.id.to_string(),
        data_rows: vec![row.id.to_string(), loose.id.to_string(), loose.id.to_string()],
    };
    batch::create(&world.app, &owner, new).await.expect("a batch");
    world.data_row(&owner, &set).await;
    let counts = project::data_row_counts(&world.app, &[made.id, other.id])
        .await
        .expect("counts");
    assert_eq!((counts[&made.id], counts[&other.id]), (3, 1));
}

#[tokio::test]
async fn a_dataset_lists_the_projects_it_is_connected_to() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (made, set, _) = world.scene(&owner).await;
    let elsewhere = world.project(&owner).await;
    let other = world.dataset(&owner, &elsewhere).await;
    for (set, expected) in [(set, &made), (other, &elsewhere)] {
        let listed = project::list(&world.app, &owner, project::Scope::Dataset(set.id), all()).await;
        assert_eq!(listed.expect("list"), std::slice::from_ref(expected));
    }
}
