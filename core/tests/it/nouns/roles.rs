//! Tests of every verb for every role: allowed or forbidden, in one table.

use crate::{
    nouns::world::{all, new_label},
    support::World,
};
use entity::{
    Role, data_row as data_rows, dataset as datasets, label as labels, project as projects, review as reviews,
};
use labelhook_core::{
    Error, Result, api_key, auth::Actor, batch, data_row, dataset, label, organization, project, review, user,
};

const ROLES: [Role; 5] = [
    Role::Owner,
    Role::Admin,
    Role::WorkforceManager,
    Role::User,
    Role::Worker,
];

/// The rows that a verb is tried on, made by an owner. Every attempt gets its own.
struct Stage {
    project: projects::Model,
    dataset: datasets::Model,
    row: data_rows::Model,
    label: labels::Model,
    review: reviews::Model,
}

impl Stage {
    async fn new(world: &World, owner: &Actor) -> Self {
        let (project, dataset, row) = world.scene(owner).await;
        let label = world.label(owner, &project, &row).await;
        let new = review::New {
            label: label.id.to_string(),
            project: None,
            score: 1.0,
        };
        let review = review::create(&world.app, owner, new).await.expect("a review");
        Self {
            project,
            dataset,
            row,
            label,
            review,
        }
    }
}

async fn attempt(verb: &str, world: &World, actor: &Actor, stage: &Stage) -> Result<()> {
    let app = &world.app;
    let (project, dataset) = (stage.project.id.to_string(), stage.dataset.id.to_string());
    let (row, label) = (stage.row.id.to_string(), stage.label.id.to_string());
    let review = stage.review.id.to_string();
    match verb {
        "organization::get" => organization::get(app, actor).await.map(drop),
        "user::get" => user::get(app, actor, &actor.user_id.to_string()).await.map(drop),
        "user::list" => user::list(app, actor, all()).await.map(drop),
        "user::create" => {
            let new = user::New {
                email: format!("{row}@example.com"),
                name: "N".into(),
                role: Role::Worker,
            };
            user::create(app, actor, new).await.map(drop)
        }
        "user::update" => {
            let worker = world.member_of("Ours", Role::Worker).await;
            let patch = user::Patch {
                name: Some("N".into()),
                ..Default::default()
            };
            user::update(app, actor, &worker.user_id.to_string(), patch)
                .await
                .map(drop)
        }
        "api_key::create" => api_key::create(app, actor, key(None)).await.map(drop),
        "api_key::create for others" => {
            let other = match actor.role {
                Role::Worker => Role::User,
                _ => Role::Worker,
            };
            let other = world.member_of("Ours", other).await;
            let new = key(Some(other.user_id.to_string()));
            api_key::create(app, actor, new).await.map(drop)
        }
        "api_key::list" => api_key::list(app, actor, all::<()>().page).await.map(drop),
        "api_key::revoke others'" => {
            let other = match actor.role {
                Role::Worker => Role::User,
                _ => Role::Worker,
            };
            let other = world.member_of("Ours", other).await;
            api_key::revoke(app, actor, &other.key_id.to_string()).await.map(drop)
        }
        "api_key::revoke an owner's" => {
            let owner = world.member_of("Ours", Role::Owner).await;
            api_key::revoke(app, actor, &owner.key_id.to_string()).await.map(drop)
        }
        "project::get" => project::get(app, actor, &project).await.map(drop),
        "project::list" => project::list(app, actor, project::Scope::All, all()).await.map(drop),
        "project::create" => {
            let new = project::New {
                name: "P".into(),
                ..Default::default()
            };
            project::create(app, actor, new).await.map(drop)
        }
        "project::update" => {
            let patch = project::Patch {
                name: Some("P".into()),
                ..Default::default()
            };
            project::update(app, actor, &project, patch).await.map(drop)
        }
        "dataset::get" => dataset::get(app, actor, &dataset).await.map(drop),
        "dataset::list" => dataset::list(app, actor, dataset::Scope::All, all()).await.map(drop),
        "dataset::create" => {
            let new = dataset::New {
                name: "D".into(),
                ..Default::default()
            };
            dataset::create(app, actor, new).await.map(drop)
        }
        "dataset::update" => dataset::update(app, actor, &dataset, dataset::Patch::default())
            .await
            .map(drop),
        "data_row::get" => data_row::get(app, actor, &row).await.map(drop),
        "data_row::list" => data_row::list(app, actor, stage.dataset.id, all()).await.map(drop),
        "data_row::create" => data_row::create(app, actor, &dataset, text()).await.map(drop),
        "data_row::create_many" => data_row::create_many(app, actor, &dataset, vec![text()])
            .await
            .map(drop),
        "data_row::delete" => data_row::delete(app, actor, &[row]).await.map(drop),
        "batch::create" => {
            let new = batch::New {
                name: "B".into(),
                project,
                data_rows: vec![row],
            };
            batch::create(app, actor, new).await.map(drop)
        }
        "label::get" => label::get(app, actor, &label).await.map(drop),
        "label::list" => label::list(app, actor, label::Scope::Project(stage.project.id), all())
            .await
            .map(drop),
        "label::create" => label::create(app, actor, new_label(&stage.project, &stage.row))
            .await
            .map(drop),
        "label::create_many" => label::create_many(app, actor, vec![new_label(&stage.project, &stage.row)])
            .await
            .map(drop),
        "label::update" => label::update(app, actor, &label, label::Patch::default())
            .await
            .map(drop),
        "label::delete" => label::delete(app, actor, &[label]).await.map(drop),
        "review::get" => review::get(app, actor, &review).await.map(drop),
        "review::list" => review::list(app, actor, review::Scope::Label(stage.label.id), all())
            .await
            .map(drop),
        "review::create" => {
            let new = review::New {
                label,
                project: None,
                score: 1.0,
            };
            review::create(app, actor, new).await.map(drop)
        }
        "review::update" => review::update(app, actor, &review, review::Patch::default())
            .await
            .map(drop),
        other => panic!("{other} is not a verb"),
    }
}

fn text() -> data_row::New {
    data_row::New {
        row_data: "text".into(),
        ..Default::default()
    }
}

fn key(user_id: Option<String>) -> api_key::New {
    api_key::New {
        name: "K".into(),
        user_id,
        projects: None,
        expires_at: None,
    }
}

/// The verbs, each with a letter per role in the order of [`ROLES`]: `x` is allowed, `-` is forbidden.
const TABLE: [(&str, &str); 34] = [
    ("organization::get", "xxxxx"),
    ("user::get", "xxxxx"),
    ("user::list", "xxxxx"),
    ("user::create", "xxx--"),
    ("user::update", "xxx--"),
    ("api_key::create", "xxxxx"),
    ("api_key::create for others", "xx---"),
    ("api_key::list", "xxxxx"),
    ("api_key::revoke others'", "xx---"),
    ("api_key::revoke an owner's", "x----"),
    ("project::get", "xxxxx"),
    ("project::list", "xxxxx"),
    ("project::create", "xxxx-"),
    ("project::update", "xxxx-"),
    ("dataset::get", "xxxxx"),
    ("dataset::list", "xxxxx"),
    ("dataset::create", "xxxx-"),
    ("dataset::update", "xxxx-"),
    ("data_row::get", "xxxxx"),
    ("data_row::list", "xxxxx"),
    ("data_row::create", "xxxx-"),
    ("data_row::create_many", "xxxx-"),
    ("data_row::delete", "xxxx-"),
    ("batch::create", "xxxx-"),
    ("label::get", "xxxxx"),
    ("label::list", "xxxxx"),
    ("label::create", "xxxxx"),
    ("label::create_many", "xxxxx"),
    ("label::update", "xxxxx"),
    ("label::delete", "xxxxx"),
    ("review::get", "xxxxx"),
    ("review::list", "xxxxx"),
    ("review::create", "xxxxx"),
    ("review::update", "xxxxx"),
];

#[tokio::test]
async fn each_verb_is_open_to_the_roles_of_its_row() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    for (place, role) in ROLES.into_iter().enumerate() {
        let actor = world.member_of("Ours", role).await;
        for (verb, row) in TABLE {
            let stage = Stage::new(&world, &owner).await;
            let result = attempt(verb, &world, &actor, &stage).await;
            match row.as_bytes()[place] {
                b'x' => assert!(result.is_ok(), "{role:?} {verb}: {result:?}"),
                _ => assert!(
                    matches!(result, Err(Error::Forbidden(_))),
                    "{role:?} {verb}: {result:?}"
                ),
            }
        }
    }
}
