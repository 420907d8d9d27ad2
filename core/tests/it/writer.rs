//! Group commit: units that arrive together share one transaction, and each stands or falls alone. These tests have one
//! thread, so what is joined is handed over before the writer has its turn, and makes one group.

use crate::support::{Receiver, Response, START, World};
use entity::{NotificationStatus::*, OrganizationId, organization};
use labelhook_core::{
    App, Error, Result,
    db::{Scope, Txn},
};
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel};
use std::sync::Arc;

async fn add(txn: &Txn, name: &str) -> Result<()> {
    let row = organization::Model {
        id: OrganizationId::new(),
        name: name.into(),
        retention_days: None,
        created_at: txn.now(),
        updated_at: txn.now(),
    };
    organization::Entity::insert(row.into_active_model())
        .exec_without_returning(txn.conn())
        .await?;
    Ok(())
}

async fn names(app: &App) -> Vec<String> {
    let rows = organization::Entity::find().all(app.db.read()).await.unwrap();
    let mut names: Vec<String> = rows.into_iter().map(|row| row.name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn units_that_arrive_together_share_a_transaction() {
    let world = World::new().await;
    let app = &world.app;
    let watcher = Arc::clone(app);
    let first = app.db.write(Scope::installation(), |txn| {
        Box::pin(async move { add(txn, "first").await })
    });
    let second = app.db.write(Scope::installation(), move |txn| {
        Box::pin(async move {
            let inside = organization::Entity::find().all(txn.conn()).await?.len();
            Ok((inside, names(&watcher).await.len()))
        })
    });
    let (first, seen) = tokio::join!(first, second);
    first.unwrap();
    assert_eq!(
        seen.unwrap(),
        (2, 1),
        "the second sees the first, and nobody outside does yet"
    );
    assert_eq!(names(app).await, ["Acme", "first"]);
}

#[tokio::test]
async fn a_unit_that_fails_is_undone_alone() {
    let world = World::new().await;
    let app = &world.app;
    let before = app.db.write(Scope::installation(), |txn| {
        Box::pin(async move { add(txn, "before").await })
    });
    let failing = app.db.write(Scope::installation(), |txn| {
        Box::pin(async move {
            add(txn, "failing").await?;
            Err::<(), _>(Error::invalid("name", "must be another"))
        })
    });
    let after = app.db.write(Scope::installation(), |txn| {
        Box::pin(async move { add(txn, "after").await })
    });
    let (before, failing, after) = tokio::join!(before, failing, after);
    assert!(matches!(failing, Err(Error::Invalid { .. })));
    assert!(before.is_ok() && after.is_ok());
    assert_eq!(names(app).await, ["Acme", "after", "before"]);
}

#[tokio::test]
async fn a_panicking_unit_is_undone_alone_and_the_writer_lives() {
    let world = World::new().await;
    let app = &world.app;
    let later = app.db.write(Scope::installation(), |txn| {
        Box::pin(async move {
            add(txn, "panicking").await?;
            assert!(txn.now() < START, "a test of panics");
            Ok(())
        })
    });
    let at_once = app
        .db
        .write::<(), _>(Scope::installation(), |_| panic!("a test of panics"));
    let neighbour = app.db.write(Scope::installation(), |txn| {
        Box::pin(async move { add(txn, "neighbour").await })
    });
    let (later, at_once, neighbour) = tokio::join!(later, at_once, neighbour);
    assert!(matches!(later, Err(Error::Internal(_))));
    assert!(matches!(at_once, Err(Error::Internal(_))));
    neighbour.unwrap();
    app.db
        .write(Scope::installation(), |txn| {
            Box::pin(async move { add(txn, "still alive").await })
        })
        .await
        .unwrap();
    assert_eq!(names(app).await, ["Acme", "neighbour", "still alive"]);
}

/// Lets the file grow by no more than so many pages.
async fn limit_pages(world: &World, more: i64) {
    let pages = world.number("SELECT page_count FROM pragma_page_count").await + more;
    world
        .write(move |txn| {
            Box::pin(async move {
                let sql = format!("PRAGMA max_page_count = {pages}");
                Ok(txn.conn().execute_unprepared(&sql).await.map(drop)?)
            })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_full_disk_is_told_to_everybody_of_the_group_and_changes_nothing() {
    if !servers::files() {
        return;
    }
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    let mut label = world.annotated().await;
    label.label.label = format!(r#"{{"text":"{}"}}"#, "x".repeat(500_000));
    limit_pages(&world, 0).await;
    let app = &world.app;
    let small = app.db.write(Scope::installation(), |txn| {
        Box::pin(async move { add(txn, "small").await })
    });
    let (organization_id, data) = (world.organization_id, label.data());
    let large = crate::support::publish(app, organization_id, data, labelhook_core::event::Change::Created);
    let (small, large) = tokio::join!(small, large);
    for error in [small.unwrap_err(), large.unwrap_err()] {
        assert!(
            matches!(&error, Error::Unavailable(text) if text.contains("disk is full")),
            "{error:?}"
        );
    }
    assert_eq!(names(app).await, ["Acme"]);
    assert_eq!(world.number("SELECT count(*) FROM event").await, 0);
    assert!(app.dispatcher.is_idle());
    limit_pages(&world, 1_000_000).await;
    world.publish(&label).await;
    world.deliver().await;
    assert_eq!(world.notification().await.status, Succeeded);
    assert_eq!(world.text("PRAGMA integrity_check").await, "ok");
}

#[tokio::test]
async fn an_outcome_waits_for_a_disk_that_is_full() {
    if !servers::files() {
        return;
    }
    let world = World::new().await;
    let receiver = Receiver::new(|_, _| Response::status(200).body(vec![b'x'; 60_000])).await;
    world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    world.publish(&label).await;
    limit_pages(&world, 0).await;
    let shutdown = tokio_util::sync::CancellationToken::new();
    let dispatcher = tokio::spawn(labelhook_core::dispatcher::run(world.app.clone(), shutdown.clone()));
    receiver.until(1).await;
    limit_pages(&world, 1_000_000).await;
    shutdown.cancel();
    dispatcher.await.unwrap();
    let row = world.notification().await;
    assert_eq!((row.status, world.attempts(&row).await.len()), (Succeeded, 1));
}

#[tokio::test]
async fn a_second_process_is_refused_and_told_who_was_first() {
    if !servers::files() {
        return;
    }
    let world = World::new().await;
    let Err(Error::Conflict(text)) = App::open(world.config()).await else {
        panic!("it was opened twice");
    };
    assert!(text.contains(&format!("pid {}", std::process::id())), "{text}");
    assert!(text.contains("labelhook.db is in use"), "{text}");
}

#[tokio::test]
async fn a_link_to_a_database_in_use_is_refused_too() {
    if !servers::files() {
        return;
    }
    let world = World::new().await;
    let link = world.file().with_file_name("link.db");
    std::os::unix::fs::symlink(world.file(), &link).unwrap();
    let config = labelhook_core::Config {
        database_url: format!("sqlite://{}?mode=rwc", link.display()),
        ..world.config()
    };
    assert!(matches!(App::open(config).await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn nothing_is_written_after_the_database_is_closed_and_everything_before() {
    let world = World::new().await;
    let app = &world.app;
    let last = app.db.write(Scope::installation(), |txn| {
        Box::pin(async move { add(txn, "last").await })
    });
    let (last, ()) = tokio::join!(last, app.db.close());
    last.unwrap();
    let late = app
        .db
        .write(Scope::installation(), |txn| {
            Box::pin(async move { add(txn, "late").await })
        })
        .await;
    assert!(matches!(late, Err(Error::Unavailable(_))));
    let world = world.restart().await;
    assert_eq!(names(&world.app).await, ["Acme", "last"]);
}
