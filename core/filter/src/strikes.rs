//! The evaluations of a condition that were stopped. Three within a minute switch it off for a minute, so that it does
//! not cost its limit each time; then it is tried again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Stopped evaluations after which a condition is switched off.
const MAX_STRIKES: u32 = 3;
/// The time after which stopped evaluations are forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// The stopped evaluations of the last minute.
#[derive(Debug, Default)]
pub(super) struct Strikes(Mutex<Option<Counted>>);

#[derive(Debug, Clone, Copy)]
struct Counted {
    count: u32,
    last: Instant,
}

impl Strikes {
    /// Counts an evaluation that was stopped.
    pub(super) fn add(&self) {
        self.add_at(Instant::now());
    }

    /// Returns whether the condition is switched off.
    pub(super) fn are_out(&self) -> bool {
        self.are_out_at(Instant::now())
    }

    fn add_at(&self, now: Instant) {
        let mut counted = self.lock();
        let before = recent(*counted, now).map_or(0, |counted| counted.count);
        *counted = Some(Counted {
            count: before + 1,
            last: now,
        });
    }

    fn are_out_at(&self, now: Instant) -> bool {
        recent(*self.lock(), now).is_some_and(|counted| counted.count >= MAX_STRIKES)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn recent(counted: Option<Counted>, now: Instant) -> Option<Counted> {
    counted.filter(|counted| now.saturating_duration_since(counted.last) < FORGOTTEN_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_strikes_switch_off_for_a_minute_and_are_forgotten_then() {
        let (strikes, start) = (Strikes::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        strikes.add_at(start);
        strikes.add_at(after(1));
        assert!(!strikes.are_out_at(after(2)));
        strikes.add_at(after(2));
        assert!(strikes.are_out_at(after(2)));
        assert!(strikes.are_out_at(after(61)));
        assert!(!strikes.are_out_at(after(62)));
        strikes.add_at(after(62));
        assert!(!strikes.are_out_at(after(62)), "it begins anew");
    }
}
