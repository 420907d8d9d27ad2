//! Statistics: what is counted as it happens is what counting the whole log would give.

use crate::support::{Receiver, Response, START, World, invalid, limited};
use entity::{NotificationStatus, StatsBucket, Timestamp, WebhookTopic, attempt};
use labelhook_core::{
    background::replays,
    event::Change,
    notification::{self, Filter},
    replay,
    stats::{self, Counts, Stats},
};
use sea_orm::EntityTrait;
use std::time::Duration;

const HOUR: i64 = 3_600_000_000;

/// A small generator (splitmix64).
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// A receiver that fails often, differently each time.
async fn moody(seed: u64) -> Receiver {
    Receiver::new(move |number, _| {
        let mut rng = Rng(seed ^ number as u64);
        Response::status([200, 200, 500, 429, 404][usize::try_from(rng.below(5)).unwrap()])
    })
    .await
}

async fn ask(world: &World, filter: Filter) -> Stats {
    stats::stats(&world.app, &world.owner, &filter, Some(StatsBucket::Hour))
        .await
        .unwrap()
}

/// Total, succeeded, failed, canceled, pending.
fn numbers(counts: &Counts) -> [i64; 5] {
    [
        counts.total,
        counts.succeeded,
        counts.failed,
        counts.canceled,
        counts.pending,
    ]
}

/// The same from the log, row by row, with the durations of all requests.
async fn brute(world: &World, filter: &Filter) -> ([i64; 5], Vec<f64>) {
    let (mut found, mut durations) = ([0; 5], Vec::new());
    let attempts = attempt::Entity::find().all(world.app.db.read()).await.unwrap();
    for row in world.notifications().await {
        let fits = filter
            .webhook_ids
            .as_ref()
            .is_none_or(|ids| ids.contains(&row.webhook_id))
            && filter.topics.as_ref().is_none_or(|topics| topics.contains(&row.topic))
            && filter.created_from.is_none_or(|from| row.created_at >= from)
            && filter.created_before.is_none_or(|before| row.created_at < before);
        if !fits {
            continue;
        }
        found[0] += 1;
        found[match row.status {
            NotificationStatus::Succeeded => 1,
            NotificationStatus::Failed => 2,
            NotificationStatus::Canceled => 3,
            _ => 4,
        }] += 1;
        let own = attempts.iter().filter(|attempt| attempt.notification_id == row.id);
        durations.extend(own.map(|attempt| f64::from(attempt.duration_ms)));
    }
    durations.sort_by(f64::total_cmp);
    (found, durations)
}

async fn check(world: &World, filter: Filter) {
    let shown = ask(world, filter.clone()).await;
    let (found, durations) = brute(world, &filter).await;
    assert_eq!(numbers(&shown.whole), found, "{filter:?}");
    let mut sums = [0; 5];
    for point in &shown.series {
        sums.iter_mut()
            .zip(numbers(point))
            .for_each(|(sum, number)| *sum += number);
    }
    assert_eq!(sums, found, "the series has all of it");
    let Some(percentiles) = shown.whole.percentiles else {
        assert!(durations.is_empty());
        return;
    };
    for (shown, hundredths) in percentiles.into_iter().zip([50, 95, 99]) {
        let exact = durations[(durations.len() * hundredths).div_ceil(100) - 1];
        assert!(
            (shown - exact).abs() <= exact / 16.0,
            "p{hundredths}: {shown} for {exact}"
        );
    }
}

#[tokio::test]
async fn what_is_counted_is_what_the_log_says_whatever_happens() {
    for seed in [1, 2, 3] {
        let mut rng = Rng(seed);
        let mut world = World::new().await;
        let receivers = [moody(seed).await, moody(seed + 100).await];
        let mut webhooks = Vec::new();
        for receiver in &receivers {
            let webhook = world
                .webhook_with(&receiver.url(), |new| new.settings.retry.max_attempts = Some(3))
                .await;
            webhooks.push(webhook.id);
        }
        let label = world.annotated().await;
        for _ in 0..60 {
            match rng.below(10) {
                0..4 => drop(world.publish(&label).await),
                4 => drop(world.publish_as(label.data(), Change::Updated).await),
                5 => world.deliver().await,
                6 => world.after(Duration::from_secs(rng.below(5_000))).await,
                7 => {
                    let rows = world.notifications().await;
                    if let Some(row) = rows.get(usize::try_from(rng.below(40)).unwrap()) {
                        let id = row.id.to_string();
                        notification::cancel(&world.app, &world.owner, &id).await.ok();
                    }
                }
                8 => {
                    let start = replay::Start {
                        filter: Filter {
                            statuses: Some(vec![NotificationStatus::Failed]),
                            ..Filter::default()
                        },
                        ..replay::Start::default()
                    };
                    replay::start(&world.app, &world.owner, start).await.ok();
                    replays::run_until_idle(&world.app).await.unwrap();
                }
                _ => world = world.restart().await,
            }
        }
        let since = Filter {
            created_from: Some(START.minus(Duration::from_secs(1_800))),
            ..Filter::default()
        };
        check(&world, since.clone()).await;
        let webhook_ids = Some(vec![webhooks[0]]);
        check(
            &world,
            Filter {
                webhook_ids,
                ..since.clone()
            },
        )
        .await;
        let topics = Some(vec![WebhookTopic::LabelUpdated]);
        check(
            &world,
            Filter {
                topics,
                ..since.clone()
            },
        )
        .await;
        let whole = Timestamp((START.0 / HOUR + 1) * HOUR);
        let created_before = Some(whole.plus(Duration::from_hours(2)));
        let created_from = Some(whole);
        let hours = Filter {
            created_from,
            created_before,
            ..Filter::default()
        };
        check(&world, hours).await;
    }
}

#[tokio::test]
async fn a_request_in_flight_when_it_was_canceled_is_a_request_and_no_success() {
    let world = World::new().await;
    let receiver = Receiver::holding().await;
    world.webhook(&receiver.url()).await;
    world.publish(&world.annotated().await).await;
    let app = world.app.clone();
    let delivering = tokio::spawn(async move { labelhook_core::dispatcher::run_until_idle(&app).await });
    receiver.until(1).await;
    let id = world.notification().await.id.to_string();
    notification::cancel(&world.app, &world.owner, &id).await.unwrap();
    receiver.release(1);
    delivering.await.unwrap().unwrap();
    let shown = ask(&world, Filter::default()).await;
    assert_eq!(numbers(&shown.whole), [1, 0, 0, 1, 0]);
    assert!(shown.whole.percentiles.is_some());
}

#[tokio::test]
async fn statistics_stay_within_what_an_actor_sees_and_name_the_field_they_are_not_kept_by() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let (own, others) = (world.annotated().await, world.annotated().await);
    world.webhook(&receiver.url()).await;
    for label in [&own, &others] {
        let id = label.project.id.to_string();
        world
            .webhook_with(&receiver.url(), |new| new.project_id = Some(id))
            .await;
        world.publish(label).await;
    }
    world.deliver().await;
    assert_eq!(ask(&world, Filter::default()).await.whole.succeeded, 4);
    let project_ids = Some(vec![own.project.id]);
    assert_eq!(
        ask(
            &world,
            Filter {
                project_ids,
                ..Filter::default()
            }
        )
        .await
        .whole
        .succeeded,
        2
    );
    let key = limited(&world.owner, [own.project.id]);
    let shown = stats::stats(&world.app, &key, &Filter::default(), None).await.unwrap();
    assert_eq!((shown.whole.total, shown.series.len()), (1, 24));
    let stranger = World::new().await;
    let foreign = stats::stats(&world.app, &stranger.owner, &Filter::default(), None)
        .await
        .unwrap();
    assert_eq!(foreign.whole.total, 0);
    let refused = Filter {
        statuses: Some(vec![]),
        ..Filter::default()
    };
    let refused = stats::stats(&world.app, &world.owner, &refused, None)
        .await
        .unwrap_err();
    assert_eq!(invalid(refused).0, "where.statuses");
}

#[tokio::test]
async fn hundreds_of_deliveries_to_one_webhook_are_a_few_rows() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    for _ in 0..300 {
        world.publish(&label).await;
    }
    world.deliver().await;
    let rows = world.number("SELECT count(*) FROM tally").await;
    assert!(rows < 80, "{rows}: one for those made, one for each bin of durations");
    assert_eq!(world.number("SELECT sum(count) FROM tally WHERE kind = 0").await, 300);
    assert_eq!(world.number("SELECT sum(count) FROM tally WHERE kind = 3").await, 300);
}
