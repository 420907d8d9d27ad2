//! Pacing of the fan-out: decides which subscribers are notified when. Notifying a subscriber costs a wake-up and a
//! write, however many rows it gets. So subscribers are divided into groups that are notified one after the other. Each
//! is notified at most once a round, of all changes meanwhile, and never all at the same moment. After a pause all are
//! notified at once.

use std::{ops::Range, time::Duration};
use tokio::time::Instant;

/// The groups that subscribers are divided into.
pub(crate) const SHIFTS: usize = 5;
/// The time between two groups: a few times the cost of a look.
pub(crate) const SHIFT_INTERVAL: Duration = Duration::from_millis(4);
/// The number of subscribers by which a round grows by one [`SHIFT_INTERVAL`].
const SUBSCRIBERS_PER_SHIFT: usize = 40;

/// The pacing of one channel: when a group was last notified, and which groups are behind.
#[derive(Debug, Default)]
pub(crate) struct Pacing {
    next: usize,
    last: Option<Instant>,
    /// The groups that have not been notified of the newest rows.
    behind: usize,
}

impl Pacing {
    /// Notes that there is something new for every group.
    pub(crate) fn news(&mut self) {
        self.behind = SHIFTS;
    }

    /// Returns whether every group was notified of everything.
    pub(crate) fn are_over(&self) -> bool {
        self.behind == 0
    }

    /// Returns whether a group was notified within the last [`SHIFT_INTERVAL`].
    pub(crate) fn just_now(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| now < last + SHIFT_INTERVAL)
    }

    /// Returns all groups, as notified now.
    pub(crate) fn all(&mut self, now: Instant) -> Range<usize> {
        (self.behind, self.last) = (0, Some(now));
        0..SHIFTS
    }

    /// Returns the groups to notify now, for so many subscribers.
    pub(crate) fn take(&mut self, now: Instant, listeners: usize) -> Range<usize> {
        if self.are_over() {
            return 0..0;
        }
        let turns = (1 + listeners / SUBSCRIBERS_PER_SHIFT).min(SHIFTS);
        let round = SHIFT_INTERVAL * u32::try_from(turns).expect("few");
        if turns == 1 || self.last.is_none_or(|last| now >= last + round) {
            return self.all(now);
        }
        let start = self.next % SHIFTS;
        let end = (start + SHIFTS.div_ceil(turns)).min(SHIFTS);
        (self.next, self.last) = (end, Some(now));
        self.behind = self.behind.saturating_sub(end - start);
        start..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the groups notified in so many turns, with something new before each.
    fn told(turns: &mut Pacing, from: Instant, count: u32, listeners: usize) -> Vec<Range<usize>> {
        let turn = |number| {
            turns.news();
            turns.take(from + SHIFT_INTERVAL * number, listeners)
        };
        (0..count).map(turn).collect()
    }

    #[test]
    fn few_are_told_at_every_turn() {
        let told = told(&mut Pacing::default(), Instant::now(), 3, SUBSCRIBERS_PER_SHIFT - 1);
        assert_eq!(told, [0..5, 0..5, 0..5]);
    }

    #[test]
    fn many_are_told_at_once_after_a_silence_and_then_in_shifts() {
        let (mut turns, now) = (Pacing::default(), Instant::now());
        let first = told(&mut turns, now, 7, 1_000);
        assert_eq!(first, [0..5, 0..1, 1..2, 2..3, 3..4, 4..5, 0..1]);
        let later = now + SHIFT_INTERVAL * 100;
        assert_eq!(told(&mut turns, later, 2, 1_000), [0..5, 1..2]);
    }

    #[test]
    fn some_are_told_in_fewer_shifts() {
        let told = told(&mut Pacing::default(), Instant::now(), 4, 2 * SUBSCRIBERS_PER_SHIFT);
        assert_eq!(told, [0..5, 0..2, 2..4, 4..5]);
    }

    #[test]
    fn everybody_is_told_the_last_thing() {
        let (mut turns, now) = (Pacing::default(), Instant::now());
        told(&mut turns, now, 3, 1_000);
        let rest: Vec<_> = (3..7)
            .map(|number| turns.take(now + SHIFT_INTERVAL * number, 1_000))
            .collect();
        assert_eq!(rest, [2..3, 3..4, 4..5, 0..1]);
        assert!(turns.are_over(), "the second shift was told it at once");
        assert_eq!(turns.take(now + SHIFT_INTERVAL * 7, 1_000), 0..0);
    }
}
