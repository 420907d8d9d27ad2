//! Users, keys, and keys that are limited to projects.

use crate::{
    nouns::world::{all, new_label, not_found, refused},
    support::World,
};
use entity::{ProjectId, Role};
use labelhook_core::{Error, api_key, auth::Actor, data_row, dataset, label, project, user};
use std::time::Duration;

fn person(email: &str, role: Role) -> user::New {
    user::New {
        email: email.into(),
        name: "Somebody".into(),
        role,
    }
}

/// The actor through a key that is limited to these projects.
pub async fn limited(world: &World, actor: &Actor, projects: &[ProjectId]) -> Actor {
    let new = api_key::New {
        name: "limited".into(),
        user_id: None,
        projects: Some(projects.iter().map(ToString::to_string).collect()),
        expires_at: None,
    };
    let made = api_key::create(&world.app, actor, new).await.expect("a key");
    api_key::authenticate(&world.app, &made.key).await.expect("an actor")
}

#[tokio::test]
async fn the_second_user_with_the_same_email_is_a_conflict() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let made = user::create(&world.app, &owner, person("Ann@Example.com", Role::User)).await;
    assert_eq!(made.expect("made").email, "ann@example.com");
    let again = user::create(&world.app, &owner, person("ann@example.com", Role::User)).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
}

#[tokio::test]
async fn a_disabled_users_key_is_refused_at_once() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let made = user::create(&world.app, &owner, person("ann@example.com", Role::User)).await;
    let made = made.expect("made");
    let new = api_key::New {
        name: "hers".into(),
        user_id: Some(made.id.to_string()),
        projects: None,
        expires_at: None,
    };
    let key = api_key::create(&world.app, &owner, new).await.expect("a key").key;
    api_key::authenticate(&world.app, &key).await.expect("an actor");
    let patch = user::Patch {
        disabled: Some(true),
        ..Default::default()
    };
    user::update(&world.app, &owner, &made.id.to_string(), patch)
        .await
        .expect("disabled");
    let refused = api_key::authenticate(&world.app, &key).await;
    assert!(matches!(refused, Err(Error::Unauthenticated(_))), "{refused:?}");
}

#[tokio::test]
async fn nobody_gives_a_role_above_their_own() {
    let world = World::new().await;
    let admin = world.member_of("Ours", Role::Admin).await;
    let manager = world.member_of("Ours", Role::WorkforceManager).await;
    let forbidden = |result| matches!(result, Err(Error::Forbidden(_)));
    assert!(forbidden(
        user::create(&world.app, &admin, person("a@b.c", Role::Owner)).await
    ));
    assert!(forbidden(
        user::create(&world.app, &manager, person("a@b.c", Role::Admin)).await
    ));
    let patch = user::Patch {
        role: Some(Role::Owner),
        ..Default::default()
    };
    let own = user::update(&world.app, &admin, &admin.user_id.to_string(), patch).await;
    assert!(forbidden(own));
}

#[tokio::test]
async fn a_limited_key_sees_its_projects_and_no_more() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let (ours, set, row) = world.scene(&owner).await;
    let (other, other_set, other_row) = world.scene(&owner).await;
    let narrow = limited(&world, &owner, &[ours.id]).await;
    let app = &world.app;
    assert_eq!(
        project::list(app, &narrow, project::Scope::All, all())
            .await
            .expect("list"),
        std::slice::from_ref(&ours)
    );
    let sets = dataset::list(app, &narrow, dataset::Scope::All, all()).await;
    assert_eq!(sets.expect("list"), std::slice::from_ref(&set));
    not_found(project::get(app, &narrow, &other.id.to_string()).await, "project");
    not_found(dataset::get(app, &narrow, &other_set.id.to_string()).await, "dataset");
    not_found(data_row::get(app, &narrow, &other_row.id.to_string()).await, "dataRow");
    label::create(app, &narrow, new_label(&ours, &row))
        .await
        .expect("a label");
    not_found(
        label::create(app, &narrow, new_label(&ours, &other_row)).await,
        "dataRow",
    );
    not_found(label::create(app, &narrow, new_label(&other, &row)).await, "project");
    let removal = dataset::Patch {
        deleted: true,
        ..Default::default()
    };
    let removed = dataset::update(app, &narrow, &set.id.to_string(), removal).await;
    assert!(matches!(removed, Err(Error::Forbidden(_))), "{removed:?}");
}

#[tokio::test]
async fn a_limited_key_sees_and_revokes_only_its_own_users_keys() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let admin = world.member_of("Ours", Role::Admin).await;
    let made = world.project(&owner).await;
    let narrow = limited(&world, &owner, &[made.id]).await;
    let keys = api_key::list(&world.app, &narrow, all::<()>().page)
        .await
        .expect("list");
    assert!(keys.iter().all(|key| key.user_id == owner.user_id));
    let revoked = api_key::revoke(&world.app, &narrow, &admin.key_id.to_string()).await;
    assert!(matches!(revoked, Err(Error::Forbidden(_))), "{revoked:?}");
}

#[tokio::test]
async fn a_key_ends_none_that_reaches_further_than_itself() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let admin = world.member_of("Ours", Role::Admin).await;
    let (one, other) = (world.project(&owner).await, world.project(&owner).await);
    let narrow = limited(&world, &owner, &[one.id]).await;
    let same = limited(&world, &owner, &[one.id]).await;
    let wide = limited(&world, &owner, &[one.id, other.id]).await;
    let revoke = async |actor: &Actor, key: &Actor| {
        let revoked = api_key::revoke(&world.app, actor, &key.key_id.to_string()).await;
        !matches!(revoked.map(|row| row.revoked_at), Err(Error::Forbidden(_)))
    };
    assert!(!revoke(&narrow, &owner).await, "the same user's unlimited key");
    assert!(!revoke(&narrow, &wide).await);
    assert!(!revoke(&admin, &owner).await, "an owner's key");
    assert!(!revoke(&admin, &narrow).await, "an owner's limited key");
    assert!(revoke(&narrow, &same).await);
    assert!(revoke(&wide, &narrow).await);
    assert!(revoke(&owner, &admin).await);
}

#[tokio::test]
async fn a_key_that_expires_makes_none_that_outlives_it_for_anybody() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let admin = world.member_of("Ours", Role::Admin).await;
    let new = |user: Option<&Actor>, days: Option<u64>| api_key::New {
        name: "a key".into(),
        user_id: user.map(|user| user.user_id.to_string()),
        projects: None,
        expires_at: days.map(|days| world.clock.now().plus(Duration::from_hours(24 * days))),
    };
    for actor in [&owner, &admin] {
        let short = api_key::create(&world.app, actor, new(None, Some(1))).await;
        let short = short.expect("a key").key;
        let short = api_key::authenticate(&world.app, &short).await.expect("an actor");
        for (user, days) in [(None, None), (Some(&admin), None), (Some(&admin), Some(2))] {
            refused(api_key::create(&world.app, &short, new(user, days)).await, "expiresAt");
        }
        let made = api_key::create(&world.app, &short, new(None, Some(1))).await;
        assert!(made.is_ok(), "{made:?}");
    }
}

#[tokio::test]
async fn keys_and_their_projects_are_bounded() {
    let world = World::new().await;
    let owner = world.member_of("Ours", Role::Owner).await;
    let project = world.project(&owner).await.id.to_string();
    let new = |projects: usize| api_key::New {
        name: "a key".into(),
        user_id: None,
        projects: Some(vec![project.clone(); projects]),
        expires_at: None,
    };
    let create = async |projects| api_key::create(&world.app, &owner, new(projects)).await;
    refused(create(api_key::MAX_PROJECTS + 1).await, "projects");
    // The owner has one already, with which the test asks.
    for _ in 1..api_key::MAX_KEYS {
        create(1).await.expect("a key");
    }
    let last = create(1).await;
    assert!(matches!(last, Err(Error::NotAllowed(_))), "{last:?}");
    let keys = api_key::list(&world.app, &owner, all::<()>().page).await.expect("keys");
    let revoked = api_key::revoke(&world.app, &owner, &keys[1].id.to_string()).await;
    assert!(revoked.is_ok());
    create(1).await.expect("a key in the place of the revoked one");
}
