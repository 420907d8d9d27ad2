//! API keys: who comes with one, and from when it is refused.

use crate::support::{World, invalid};
use entity::{ApiKeyId, Role, Timestamp};
use labelhook_core::{
    Error,
    api_key::{self, Created, New},
    auth::Actor,
    user,
};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

async fn make(world: &World, actor: &Actor, expires_at: Option<Timestamp>) -> Result<Created, Error> {
    let new = New {
        name: "for a test".into(),
        user_id: None,
        projects: None,
        expires_at,
    };
    api_key::create(&world.app, actor, new).await
}

#[tokio::test]
async fn a_key_says_who_comes_and_an_unknown_one_is_refused() {
    let world = World::new().await;
    let worker = world.actor(Role::Worker).await;
    let made = make(&world, &worker, None).await.unwrap();
    let actor = api_key::authenticate(&world.app, &made.key).await.unwrap();
    assert_eq!(
        (actor.user_id, actor.role, actor.key_id),
        (worker.user_id, Role::Worker, made.row.id)
    );
    assert_eq!(actor.organization_id, world.organization_id);
    for unknown in ["", "lh_", &made.key[..made.key.len() - 1], &made.key.to_uppercase()] {
        let refused = api_key::authenticate(&world.app, unknown).await;
        assert!(matches!(refused, Err(Error::Unauthenticated(_))), "{unknown}");
    }
}

#[tokio::test]
async fn a_key_is_refused_from_the_moment_it_expires() {
    let world = World::new().await;
    let now = world.clock.now();
    let made = make(&world, &world.owner, Some(now.plus(HOUR))).await.unwrap();
    api_key::authenticate(&world.app, &made.key).await.unwrap();
    world.clock.advance(HOUR);
    let refused = api_key::authenticate(&world.app, &made.key).await;
    assert!(matches!(refused, Err(Error::Unauthenticated(_))));
    for past in [now, world.clock.now()] {
        let refused = make(&world, &world.owner, Some(past)).await.unwrap_err();
        assert_eq!(invalid(refused), ("expiresAt".into(), "must be in the future".into()));
    }
}

#[tokio::test]
async fn a_key_that_expires_makes_none_that_outlives_it_even_if_its_user_manages_keys() {
    let world = World::new().await;
    let end = world.clock.now().plus(HOUR);
    let later = Some(end.plus(Duration::from_millis(1)));
    let through_expiring = async |role| {
        let user = world.actor(role).await;
        let made = make(&world, &user, Some(end)).await.unwrap();
        api_key::authenticate(&world.app, &made.key).await.unwrap()
    };
    for role in [Role::Worker, Role::Admin] {
        let user = through_expiring(role).await;
        for outliving in [None, later] {
            let (field, reason) = invalid(make(&world, &user, outliving).await.unwrap_err());
            assert_eq!(field, "expiresAt");
            assert!(reason.contains("2026-01-31T10:30:00.000Z"), "{reason}");
        }
        let made = make(&world, &user, Some(end)).await.unwrap();
        assert_eq!(made.row.expires_at, Some(end));
    }
}

#[tokio::test]
async fn no_key_is_made_for_a_disabled_user() {
    let world = World::new().await;
    let worker = world.actor(Role::Worker).await;
    let disable = user::Patch {
        disabled: Some(true),
        ..user::Patch::default()
    };
    let id = worker.user_id.to_string();
    user::update(&world.app, &world.owner, &id, disable).await.unwrap();
    let new = New {
        name: "for a test".into(),
        user_id: Some(id),
        projects: None,
        expires_at: None,
    };
    let refused = api_key::create(&world.app, &world.owner, new).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_and_keeps_its_moment() {
    let world = World::new().await;
    let made = make(&world, &world.owner, None).await.unwrap();
    api_key::authenticate(&world.app, &made.key).await.unwrap();
    let id = made.row.id.to_string();
    let revoked = api_key::revoke(&world.app, &world.owner, &id).await.unwrap();
    assert_eq!(revoked.revoked_at, Some(world.clock.now()));
    let refused = api_key::authenticate(&world.app, &made.key).await;
    assert!(matches!(refused, Err(Error::Unauthenticated(_))));
    world.clock.advance(HOUR);
    assert_eq!(api_key::revoke(&world.app, &world.owner, &id).await.unwrap(), revoked);
    assert_eq!(api_key::revoke_any(&world.app, &id).await.unwrap(), revoked);
}

#[tokio::test]
async fn only_who_manages_keys_touches_those_of_others() {
    let world = World::new().await;
    let (worker, other) = (world.actor(Role::Worker).await, world.actor(Role::Worker).await);
    let made = make(&world, &other, None).await.unwrap();
    let id = made.row.id.to_string();
    let refused = api_key::revoke(&world.app, &worker, &id).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    let refused = api_key::revoke(&world.app, &worker, &ApiKeyId::new().to_string()).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })));
    let mut foreign = world.owner.clone();
    foreign.organization_id = entity::OrganizationId::new();
    let refused = api_key::revoke(&world.app, &foreign, &id).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })));
    api_key::authenticate(&world.app, &made.key).await.unwrap();
}

#[tokio::test]
async fn an_empty_database_gets_one_owner_and_one_key() {
    let world = World::new().await;
    let given = "k".repeat(api_key::BOOTSTRAP_LENGTH);
    assert_eq!(
        api_key::bootstrap(&world.app, Some(given)).await.unwrap(),
        None,
        "it is not empty"
    );
    let short = api_key::bootstrap(&world.app, Some("short".into())).await.unwrap_err();
    assert_eq!(invalid(short).0, "bootstrapKey");
}
