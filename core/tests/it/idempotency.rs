//! Tests that a request with an idempotency key is executed once, whatever happens between its first commit and its
//! answer.

use crate::support::{World, invalid};
use entity::Role;
use labelhook_core::{
    Error,
    auth::Actor,
    background::idempotency_keys,
    idempotency::{self, Begun, Claim, MAX_ANSWER, RESPONSE_TTL, Request, StoredResponse},
    project,
};
use sea_orm::ConnectionTrait;
use std::{sync::Arc, time::Duration};

fn request(key: &str, content: &str) -> Request {
    Request {
        key: key.into(),
        content: content.into(),
    }
}

fn answer(body: impl Into<Vec<u8>>) -> StoredResponse {
    StoredResponse {
        status: 200,
        content_type: "application/json".into(),
        body: body.into(),
    }
}

async fn begin(world: &World, content: &str) -> Begun {
    begin_as(world, &world.owner, content).await
}

async fn begin_as(world: &World, actor: &Actor, content: &str) -> Begun {
    idempotency::begin(&world.app, actor, request("k", content))
        .await
        .unwrap()
}

fn told(begun: &Begun) -> String {
    match begun {
        Begun::New(_) => "new".into(),
        Begun::Known(answer) => format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)),
        Begun::Running => "running".into(),
        Begun::Other => "other".into(),
        Begun::Lost => "lost".into(),
    }
}

/// Repeats the request and returns the outcome in words, such as `running` or `200 BODY`.
async fn repeated(world: &World) -> String {
    told(&begin(world, "a").await)
}

async fn claimed(world: &World) -> Claim {
    match begin(world, "a").await {
        Begun::New(claim) => claim,
        other => panic!("{}", told(&other)),
    }
}

async fn finish(world: &World, claim: Claim, body: impl Into<Vec<u8>>, remember: bool) {
    idempotency::finish(&world.app, claim, answer(body), remember)
        .await
        .unwrap();
}

/// Commits one unit of work within the claimed request, as a mutation does.
async fn commit(world: &World, claim: &Claim) {
    let work = world.write(|txn| {
        Box::pin(async move {
            let sql = "UPDATE organization SET name = name || '!'";
            txn.conn().execute_unprepared(sql).await?;
            Ok(())
        })
    });
    idempotency::within(claim, work).await.unwrap();
}

#[tokio::test]
async fn the_first_answer_is_given_again_for_a_day_and_to_nobody_else() {
    let world = World::new().await;
    let claim = claimed(&world).await;
    commit(&world, &claim).await;
    finish(&world, claim, "first", true).await;
    assert_eq!(repeated(&world).await, "200 first");
    assert_eq!(told(&begin(&world, "b").await), "other");
    let somebody = world.actor(Role::Owner).await;
    assert_eq!(
        told(&begin_as(&world, &somebody, "a").await),
        "new",
        "keys are an API key's own"
    );
    let world = world.restart().await;
    world.clock.advance(RESPONSE_TTL - Duration::from_micros(1));
    assert_eq!(repeated(&world).await, "200 first");
    world.clock.advance(Duration::from_micros(1));
    assert_eq!(told(&begin(&world, "b").await), "new");
}

#[tokio::test]
async fn a_repeat_waits_for_nothing_and_is_told_that_the_first_still_runs() {
    let world = World::new().await;
    let claim = claimed(&world).await;
    assert_eq!(repeated(&world).await, "running");
    commit(&world, &claim).await;
    assert_eq!(repeated(&world).await, "running");
    finish(&world, claim, "first", true).await;
    assert_eq!(repeated(&world).await, "200 first");
}

#[tokio::test]
async fn what_died_before_its_first_commit_runs_again_and_what_died_after_it_does_not() {
    let world = World::new().await;
    drop(claimed(&world).await);
    drop(claimed(&world).await);
    let claim = claimed(&world).await;
    let world = world.restart().await;
    drop(claim);
    let claim = claimed(&world).await;
    commit(&world, &claim).await;
    let world = world.restart().await;
    drop(claim);
    for _ in 0..2 {
        assert_eq!(repeated(&world).await, "lost");
    }
    assert_eq!(world.text("SELECT name FROM organization").await, "Acme!");
    world.clock.advance(RESPONSE_TTL);
    assert_eq!(repeated(&world).await, "new");
}

#[tokio::test]
async fn a_unit_that_fails_leaves_no_mark() {
    let world = World::new().await;
    let claim = claimed(&world).await;
    let work = world.write(|txn| {
        Box::pin(async move {
            txn.conn()
                .execute_unprepared("UPDATE organization SET name = 'no'")
                .await?;
            Err::<(), _>(Error::Conflict("for a test".into()))
        })
    });
    idempotency::within(&claim, work).await.unwrap_err();
    drop(claim);
    assert_eq!(repeated(&world).await, "new");
}

#[tokio::test]
async fn a_fault_is_forgotten_unless_something_was_committed_before_it() {
    let world = World::new().await;
    finish(&world, claimed(&world).await, "fault", false).await;
    let claim = claimed(&world).await;
    commit(&world, &claim).await;
    finish(&world, claim, "half", false).await;
    assert_eq!(repeated(&world).await, "200 half");
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_kept_and_its_request_not_run_again() {
    let world = World::new().await;
    let large = vec![b'x'; MAX_ANSWER + 1];
    finish(&world, claimed(&world).await, large.clone(), true).await;
    let claim = claimed(&world).await;
    commit(&world, &claim).await;
    finish(&world, claim, large, true).await;
    assert_eq!(repeated(&world).await, "lost");
    world.clock.advance(RESPONSE_TTL);
    finish(&world, claimed(&world).await, vec![b'x'; MAX_ANSWER], true).await;
    assert_eq!(repeated(&world).await.len(), "200 ".len() + MAX_ANSWER);
}

#[tokio::test]
async fn old_rows_are_removed_however_many_and_young_ones_stay() {
    let world = World::new().await;
    for number in 0..501 {
        let key = format!("old {number}");
        idempotency::begin(&world.app, &world.owner, request(&key, "a"))
            .await
            .unwrap();
    }
    world.clock.advance(RESPONSE_TTL);
    finish(&world, claimed(&world).await, "young", true).await;
    assert_eq!(world.number("SELECT count(*) FROM idempotency_key").await, 502);
    idempotency_keys::run_until_idle(&world.app).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM idempotency_key").await, 1);
    assert_eq!(repeated(&world).await, "200 young");
}

#[tokio::test]
async fn a_key_is_printable_and_bounded() {
    let world = World::new().await;
    let long = "x".repeat(256);
    for refused in ["", &long, "a\tb", "a\nb", "\u{7f}", "ä"] {
        let error = idempotency::begin(&world.app, &world.owner, request(refused, "a")).await;
        let Err(error) = error else { panic!("{refused}") };
        assert_eq!(invalid(error).0, "Idempotency-Key", "{refused}");
    }
    for fits in ["x", &long[..255], "a b", "\"8e03978e-40d5\"", "~!"] {
        let begun = idempotency::begin(&world.app, &world.owner, request(fits, "a")).await;
        assert_eq!(told(&begun.unwrap()), "new", "{fits}");
    }
}

#[tokio::test]
async fn neither_request_nor_answer_stands_in_plain_in_the_database() {
    let world = World::new().await;
    finish(&world, claimed(&world).await, "an answer with a secret", true).await;
    let stored = world.stored().await;
    use sha2::Digest;
    let digest = sha2::Sha256::digest("a");
    for plain in [&b"an answer with a secret"[..], &digest[..]] {
        assert!(!stored.windows(plain.len()).any(|window| window == plain));
    }
    assert!(
        stored.windows(16).any(|window| window == b"application/json"),
        "the right database"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn repeats_that_come_at_the_same_moment_are_one_request_and_no_fault() {
    let world = World::new().await;
    for round in 0..10 {
        let begin = || {
            let (app, owner) = (Arc::clone(&world.app), world.owner.clone());
            let request = request(&format!("k{round}"), "a");
            tokio::spawn(async move { idempotency::begin(&app, &owner, request).await })
        };
        let begun = futures_util::future::join_all((0..24).map(|_| begin())).await;
        // The claim of the first one lives until all have been told.
        let told: Vec<String> = begun
            .iter()
            .map(|begun| told(begun.as_ref().unwrap().as_ref().unwrap()))
            .collect();
        let new = told.iter().filter(|told| *told == "new").count();
        assert_eq!(new, 1, "{told:?}");
        assert!(told.iter().all(|told| told == "new" || told == "running"), "{told:?}");
    }
}

#[tokio::test]
async fn a_request_that_a_repeat_has_taken_over_commits_nothing() {
    let world = World::new().await;
    let claim = claimed(&world).await;
    // As if this node had stood still, and another had taken it for dead.
    world
        .write(|txn| {
            Box::pin(async move {
                txn.conn().execute_unprepared("DELETE FROM idempotency_key").await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    let new = project::New {
        name: "twice".into(),
        ..Default::default()
    };
    let made = idempotency::within(&claim, project::create(&world.app, &world.owner, new)).await;
    assert!(matches!(made, Err(Error::Conflict(_))), "{made:?}");
    assert_eq!(world.number("SELECT count(*) FROM project").await, 0);
}
