//! Tests that an annotator's work arrives at the webhook: signed in its dialect ([`signed`]), for every topic
//! ([`topics`]), retried until it is accepted ([`retries`]), and recorded ([`records`]). [`snapshots`] shows two whole
//! requests.

mod fairness;
mod records;
mod retries;
mod signed;
pub mod snapshots;
mod topics;

use std::sync::Arc;
use std::time::Duration;

use entity::Timestamp;
use harness::{Received, Start, TestApp, TestReceiver};
use labelhook_core::Clock;

use crate::desk::Desk;

/// The start of the tests in virtual time: 2027-01-15, 08:00 UTC.
const START: Timestamp = Timestamp(1_800_000_000_000_000);

/// A service in virtual time, a receiver, and an annotator at work.
struct Scene {
    app: Arc<TestApp>,
    clock: Clock,
    receiver: TestReceiver,
    desk: Desk,
}

impl Scene {
    async fn set() -> Self {
        let clock = Clock::mock(START);
        let start = Start {
            clock: clock.clone(),
            paused: true,
            ..Start::default()
        };
        let app = Arc::new(TestApp::with(start).await);
        let desk = Desk::set(&app.client).await;
        Self {
            app,
            clock,
            receiver: TestReceiver::start().await,
            desk,
        }
    }

    /// Delivers what is due now. Returns everything that arrived so far.
    async fn deliver(&self) -> Vec<Received> {
        self.app.deliver().await;
        self.receiver.received()
    }

    /// Moves the clock and delivers what is due then. Returns everything that arrived so far.
    async fn later(&self, by: Duration) -> Vec<Received> {
        self.clock.advance(by);
        self.deliver().await
    }
}

/// Returns the topics of the requests, in order.
fn topics(received: &[Received]) -> Vec<&str> {
    received.iter().map(|one| one.header("x-labelbox-event")).collect()
}
