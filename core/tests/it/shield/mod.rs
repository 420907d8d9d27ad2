//! Tests of the protection of receivers: circuit breakers, ordering, and the deactivation of dead webhooks, with the
//! events that report them.

mod breaker;
mod order;
mod watch;

use crate::support::{Receiver, Response, World};
use entity::webhook as webhooks;
use labelhook_core::{
    notification::waiting,
    webhook::{self, Patch, Retry, Settings},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

/// A receiver that answers every request with a status that the test sets.
struct Told {
    receiver: Receiver,
    answer: Arc<AtomicU16>,
}

impl Told {
    async fn to_answer(status: u16) -> Self {
        let answer = Arc::new(AtomicU16::new(status));
        let told = Arc::clone(&answer);
        let receiver = Receiver::new(move |_, _| Response::status(told.load(Ordering::SeqCst))).await;
        Self { receiver, answer }
    }

    fn answers(&self, status: u16) {
        self.answer.store(status, Ordering::SeqCst);
    }

    fn count(&self) -> usize {
        self.receiver.count()
    }
}

/// Returns a retry policy with at most this many attempts and this delay between them, without jitter.
fn retry(max_attempts: i32, delay: Duration) -> Retry {
    Retry {
        max_attempts: Some(max_attempts),
        delays_ms: Some(vec![i64::try_from(delay.as_millis()).unwrap()]),
        jitter: Some(0.0),
    }
}

async fn publish(world: &World, count: usize) {
    let label = world.annotated().await;
    for _ in 0..count {
        world.publish(&label).await;
    }
}

async fn change(world: &World, webhook: &webhooks::Model, patch: Patch) {
    webhook::update(&world.app, &world.owner, &webhook.id.to_string(), patch)
        .await
        .unwrap();
}

async fn shown(world: &World, webhook: &webhooks::Model) -> webhooks::Model {
    webhook::get(&world.app, &world.owner, &webhook.id.to_string())
        .await
        .unwrap()
}

async fn fares(world: &World, webhook: &webhooks::Model) -> waiting::Health {
    waiting::of(&world.app, &shown(world, webhook).await).await.unwrap()
}
