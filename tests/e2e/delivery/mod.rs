//! What an annotator does arrives at the webhook: signed in its dialect ([`signed`]), of every topic ([`topics`]), again
//! until it is taken ([`retries`]), and on record ([`records`]). [`snapshots`] shows two whole requests.

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

/// When the tests that move time begin: 2027-01-15, 08:00 UTC.
const START: Timestamp = Timestamp(1_800_000_000_000_000);

/// A service whose time stands still, a receiver, and somebody at work.
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

    /// Delivers what is due now; gives everything that came so far.
    async fn deliver(&self) -> Vec<Received> {
        self.app.deliver().await;
        self.receiver.received()
    }

    /// Lets time pass and delivers what is due then.
    async fn later(&self, by: Duration) -> Vec<Received> {
        self.clock.advance(by);
        self.deliver().await
    }
}

/// Topics of what came, in order.
fn topics(received: &[Received]) -> Vec<&str> {
    received.iter().map(|one| one.header("x-labelbox-event")).collect()
}
