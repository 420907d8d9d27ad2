//! The clock. Everything in core asks it for the time, so that a test runs a day of retries in milliseconds.

use entity::Timestamp;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// The system's clock, or a mock clock that a test moves.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system's clock, plus the microseconds by which the database's clock is ahead: where there are many nodes,
    /// all follow that one.
    System(Arc<AtomicI64>),
    /// A mock clock that stands still until it is moved.
    Mock(Arc<AtomicI64>),
}

impl Default for Clock {
    fn default() -> Self {
        Self::System(Arc::default())
    }
}

impl Clock {
    /// Makes a mock clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn mock(start: Timestamp) -> Self {
        Self::Mock(Arc::new(AtomicI64::new(start.0)))
    }

    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System(ahead) => Timestamp(system().0 + ahead.load(Ordering::SeqCst)),
            Self::Mock(micros) => Timestamp(micros.load(Ordering::SeqCst)),
        }
    }

    /// Returns the time of this machine's own clock; `None` for a mock clock.
    pub(crate) fn here(&self) -> Option<Timestamp> {
        match self {
            Self::System(_) => Some(system()),
            Self::Mock(_) => None,
        }
    }

    /// Follows a clock that is `micros` microseconds ahead of this machine's, unless this one is within `drift` of it
    /// already.
    pub(crate) fn follow(&self, micros: i64, drift: Duration) {
        if let Self::System(ahead) = self {
            let off = micros.abs_diff(ahead.load(Ordering::SeqCst));
            if u128::from(off) > drift.as_micros() {
                ahead.store(micros, Ordering::SeqCst);
                entity::ids_go_by(micros);
            }
        }
    }

    /// Moves a mock clock forward. The system's clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Self::Mock(micros) = self {
            micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
fn system() -> Timestamp {
    chrono::Utc::now().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_follows_another_that_is_far_off_and_leaves_small_differences() {
        let (clock, drift) = (Clock::default(), Duration::from_millis(20));
        clock.follow(15_000, drift);
        let ahead = |clock: &Clock| clock.now().0 - system().0;
        assert!(ahead(&clock) < 10_000);
        clock.follow(3_600_000_000, drift);
        assert!((1_800_000_000..=3_600_000_000).contains(&ahead(&clock)));
        clock.follow(3_600_010_000, drift);
        assert!(ahead(&clock) <= 3_600_000_000);
    }
}
