//! Of which attempts the answer is kept.

use crate::support::{Receiver, Response, World, invalid};
use entity::{Capture, NotificationStatus::*, webhook};
use labelhook_core::webhook::{Patch, Settings, update};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Fails each first attempt.
async fn receiver() -> Receiver {
    Receiver::new(|number, _| Response::status(if number % 2 == 0 { 500 } else { 200 }).body("answer")).await
}

async fn patched(world: &World, row: &webhook::Model, patch: Patch) -> labelhook_core::Result<webhook::Model> {
    update(&world.app, &world.owner, &row.id.to_string(), patch).await
}

/// Which of the attempts of what was sent last have their answer.
async fn kept(world: &World) -> Vec<bool> {
    let rows = world.notifications().await;
    let attempts = world.attempts(rows.last().unwrap()).await;
    for attempt in &attempts {
        assert!(attempt.response_status.is_some() && !attempt.request_headers.is_empty());
        assert_eq!(attempt.response_headers.is_some(), attempt.response_body.is_some());
    }
    attempts
        .iter()
        .map(|attempt| attempt.response_body.as_deref() == Some(b"answer"))
        .collect()
}

#[tokio::test]
async fn answers_are_kept_as_the_webhook_says_and_those_of_failures_always() {
    let (world, receiver) = (World::new().await, receiver().await);
    let row = world.webhook(&receiver.url()).await;
    assert_eq!((row.capture, row.capture_percent), (Capture::Full, None));
    let change = world.annotated().await;
    for (capture, percent, expected) in [
        (None, None, [true, true]),
        (Some(Capture::Failures), None, [true, false]),
        (Some(Capture::Sample), Some(100), [true, true]),
        (Some(Capture::Full), None, [true, true]),
    ] {
        let patch = Settings {
            capture,
            capture_percent: percent,
            ..Settings::default()
        }
        .into();
        patched(&world, &row, patch).await.unwrap();
        world.publish(&change).await;
        world.deliver().await;
        world.after(MINUTE).await;
        assert_eq!(kept(&world).await, expected, "{capture:?}");
    }
    assert_eq!(world.status_count(Succeeded).await, 4);
}

#[tokio::test]
async fn a_sample_keeps_some_successes() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    world
        .webhook_with(&receiver.url(), |new| {
            (new.settings.capture, new.settings.capture_percent) = (Some(Capture::Sample), Some(30));
        })
        .await;
    let change = world.annotated().await;
    for _ in 0..100 {
        world.publish(&change).await;
    }
    world.deliver().await;
    let all = world.number("SELECT count(*) FROM attempt").await;
    let kept = world
        .number("SELECT count(*) FROM attempt WHERE response_headers IS NOT NULL")
        .await;
    assert_eq!(all, 100);
    assert!((5..=65).contains(&kept), "{kept}");
}

#[tokio::test]
async fn a_sample_needs_its_size_and_nothing_else_has_one() {
    let world = World::new().await;
    let row = world.webhook("http://127.0.0.1:9/hook").await;
    let refused = async |capture, capture_percent| {
        let patch = Settings {
            capture,
            capture_percent,
            ..Settings::default()
        }
        .into();
        invalid(patched(&world, &row, patch).await.unwrap_err())
    };
    let field = |reason: &str| ("capturePercent".to_owned(), reason.to_owned());
    let sample = Some(Capture::Sample);
    assert_eq!(refused(sample, None).await, field("is required when capture is SAMPLE"));
    assert_eq!(refused(sample, Some(0)).await, field("must be from 1 to 100"));
    assert_eq!(refused(sample, Some(101)).await, field("must be from 1 to 100"));
    let unused = field("is used only when capture is SAMPLE");
    assert_eq!(refused(None, Some(5)).await, unused);
    assert_eq!(refused(Some(Capture::Failures), Some(5)).await, unused);
    let set = |capture, capture_percent| {
        Settings {
            capture,
            capture_percent,
            ..Settings::default()
        }
        .into()
    };
    let row = patched(&world, &row, set(sample, Some(5))).await.unwrap();
    let row = patched(&world, &row, set(None, Some(7))).await.unwrap();
    assert_eq!((row.capture, row.capture_percent), (Capture::Sample, Some(7)));
    let row = patched(&world, &row, set(sample, None)).await.unwrap();
    assert_eq!(row.capture_percent, Some(7), "what is absent stays");
    let row = patched(&world, &row, set(Some(Capture::Failures), None)).await.unwrap();
    assert_eq!((row.capture, row.capture_percent), (Capture::Failures, None));
}
