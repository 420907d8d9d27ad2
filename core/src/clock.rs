//! What time it is. Everything in core asks here, so a test moves a day of retries by hand in milliseconds.

use entity::Timestamp;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// The system's clock, or one that a test moves.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that stands still until it is moved.
    Mock(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn mock(start: Timestamp) -> Self {
        Self::Mock(Arc::new(AtomicI64::new(start.0)))
    }

    /// The moment it is now.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => chrono::Utc::now().into(),
            Self::Mock(micros) => Timestamp(micros.load(Ordering::SeqCst)),
        }
    }

    /// Moves a mock clock forward. The system's clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Self::Mock(micros) = self {
            micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}
