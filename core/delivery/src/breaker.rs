//! The circuit breaker of one webhook. Pure: outcomes and the time come in, changes of state go out.
//!
//! * *Closed*: requests are sent. Outcomes are counted over a window of five minutes, in two halves; the older half
//!   expires as a whole. When at least ten requests have ended and at least half of them failed, the breaker opens.
//! * *Open*: nothing is sent until the probe, half a minute away at first. The wait doubles each time the breaker opens
//!   again, up to ten minutes.
//! * *Half open*: the moment of the probe has come and one request is let through. Its success closes the breaker, its
//!   failure opens it again. The lane ensures that it is only one.
//!
//! A request that was sent before the breaker opened and ends while it is open changes nothing.

use entity::{BreakerState, Timestamp};
use std::time::Duration;

/// Half of the window over which outcomes are counted.
const HALF_WINDOW: Duration = Duration::from_secs(150);
/// The fewest outcomes from which a failure rate is computed.
const MIN_OUTCOMES: u32 = 10;
/// The wait from the first opening to its probe.
const FIRST_PROBE_DELAY: Duration = Duration::from_secs(30);
/// The longest wait for a probe.
const MAX_PROBE_DELAY: Duration = Duration::from_mins(10);

/// The verdict of an outcome on the receiver's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The receiver works.
    Success,
    /// The receiver fails.
    Failure,
    /// Neither: the receiver asked to wait (429), or no request reached it.
    Neither,
}

/// A change of a circuit breaker's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The breaker has opened: nothing may be sent until `until`.
    Opened {
        /// The moment of the probe.
        until: Timestamp,
    },
    /// The breaker has closed: everything may be sent.
    Closed,
}

/// The state of one webhook's circuit breaker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    /// The moment of the last change between open and closed; `None` if there was none.
    since: Option<Timestamp>,
    /// The moment of the next probe; `None` while closed.
    until: Option<Timestamp>,
    /// The number of times it opened in a row.
    trips: u32,
    /// The start of the newer half of the window.
    from: Timestamp,
    newer: Count,
    older: Count,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    ended: u32,
    failed: u32,
}

impl Breaker {
    /// Restores a breaker from the database. The counts of a closed breaker are not stored.
    pub fn stored(since: Timestamp, until: Option<Timestamp>, trips: u32) -> Self {
        Self {
            since: Some(since),
            until,
            trips,
            ..Self::default()
        }
    }

    /// Records an outcome. Returns the change of state it causes.
    pub fn note(&mut self, sign: Observation, now: Timestamp) -> Option<Change> {
        match (self.until, sign) {
            (None, Observation::Neither) => None,
            (None, _) => {
                self.count(sign == Observation::Failure, now);
                (sign == Observation::Failure && self.is_too_much()).then(|| self.open(now, 1))
            }
            (Some(until), _) if now < until => None,
            (Some(_), Observation::Success) => {
                *self = Self {
                    since: Some(now),
                    ..Self::default()
                };
                Some(Change::Closed)
            }
            (Some(_), Observation::Failure) => Some(self.open(now, self.trips.saturating_add(1))),
            (Some(_), Observation::Neither) => Some(self.open(now, self.trips)),
        }
    }

    /// Moves the probe of an open breaker to now. Returns the moment of the probe; `None` if the breaker is closed.
    pub fn hasten(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.until = self.until.map(|until| until.min(now));
        self.until
    }

    /// Returns the state at `now`.
    pub fn state(&self, now: Timestamp) -> BreakerState {
        match self.until {
            None => BreakerState::Closed,
            Some(until) if now < until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Returns since when the breaker has been closed, or open; `None` if it never changed.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// Returns the moment of the current probe; `None` while the breaker is closed.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Returns how often the breaker opened in a row.
    pub fn trips(&self) -> u32 {
        self.trips
    }

    /// Opens the breaker. It counts as open since it first opened, however many probes failed since.
    fn open(&mut self, now: Timestamp, trips: u32) -> Change {
        let doubled = FIRST_PROBE_DELAY.saturating_mul(1_u32.checked_shl(trips - 1).unwrap_or(u32::MAX));
        let until = now.plus(doubled.min(MAX_PROBE_DELAY));
        let since = self.until.and(self.since).unwrap_or(now);
        *self = Self::stored(since, Some(until), trips);
        Change::Opened { until }
    }

    /// Counts an outcome in the window.
    fn count(&mut self, failed: bool, now: Timestamp) {
        let age = now.since(self.from);
        if age >= HALF_WINDOW {
            self.older = if age < 2 * HALF_WINDOW {
                self.newer
            } else {
                Count::default()
            };
            self.newer = Count::default();
            self.from = now;
        }
        self.newer.ended = self.newer.ended.saturating_add(1);
        self.newer.failed = self.newer.failed.saturating_add(u32::from(failed));
    }

    /// Returns whether the failures in the window open the breaker.
    fn is_too_much(&self) -> bool {
        let ended = self.newer.ended.saturating_add(self.older.ended);
        let failed = self.newer.failed.saturating_add(self.older.failed);
        ended >= MIN_OUTCOMES && failed >= ended.div_ceil(2)
    }
}

#[cfg(test)]
mod tests {
    use super::Observation::*;
    use super::*;

    const START: Timestamp = Timestamp(1_769_851_800_000_000);

    fn at(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    /// Feeds each outcome at its second. Returns the changes.
    fn run(breaker: &mut Breaker, outcomes: &[(u64, Observation)]) -> Vec<Change> {
        let note = |(second, sign): &(u64, Observation)| breaker.note(*sign, at(*second));
        outcomes.iter().filter_map(note).collect()
    }

    fn opened(second: u64) -> Change {
        Change::Opened { until: at(second) }
    }

    fn open_at(second: u64) -> Breaker {
        let mut breaker = Breaker::default();
        assert_eq!(run(&mut breaker, &[(second, Failure); 10]), [opened(second + 30)]);
        breaker
    }

    #[test]
    fn it_opens_when_half_of_enough_have_failed() {
        let mixed = |good: usize, bad: usize| {
            let mut outcomes = vec![(0, Success); good];
            outcomes.extend(vec![(0, Failure); bad]);
            run(&mut Breaker::default(), &outcomes)
        };
        for (good, bad, opens) in [
            (0, 9, false),
            (0, 10, true),
            (5, 4, false),
            (5, 5, true),
            (6, 5, false),
            (6, 6, true),
            (100, 99, false),
            (100, 100, true),
            (1000, 10, false),
        ] {
            let expected = if opens { vec![opened(30)] } else { vec![] };
            assert_eq!(mixed(good, bad), expected, "{good} and {bad}");
        }
    }

    #[test]
    fn what_is_old_counts_no_more_and_what_asked_to_wait_never_did() {
        for (outcomes, opens) in [
            (vec![(0, 5), (149, 5)], true),
            (vec![(0, 5), (299, 5)], true),
            (vec![(0, 5), (300, 5)], false),
            (vec![(0, 5), (150, 1), (300, 4)], false),
            (vec![(0, 5), (150, 2), (300, 8)], true),
            (vec![(0, 9), (86_400, 9)], false),
        ] {
            let each = outcomes.iter().flat_map(|(at, count)| vec![(*at, Failure); *count]);
            let each: Vec<_> = each.collect();
            assert_eq!(
                run(&mut Breaker::default(), &each).len(),
                usize::from(opens),
                "{outcomes:?}"
            );
        }
        assert_eq!(run(&mut Breaker::default(), &[(0, Neither); 50]), []);
    }

    #[test]
    fn a_good_rate_of_old_does_not_hide_that_nothing_works_now() {
        let mut breaker = Breaker::default();
        assert_eq!(run(&mut breaker, &[(0, Success); 1000]), []);
        assert_eq!(run(&mut breaker, &[(300, Failure); 10]), [opened(330)]);
    }

    #[test]
    fn probes_come_at_growing_distance_and_the_first_success_closes() {
        let mut breaker = open_at(0);
        let mut second = 30;
        for wait in [60, 120, 240, 480, 600, 600] {
            assert_eq!(breaker.state(at(second - 1)), BreakerState::Open);
            assert_eq!(breaker.state(at(second)), BreakerState::HalfOpen);
            assert_eq!(run(&mut breaker, &[(second, Failure)]), [opened(second + wait)]);
            second += wait;
        }
        assert_eq!(breaker.since(), Some(START), "open all the time");
        assert_eq!(run(&mut breaker, &[(second, Success)]), [Change::Closed]);
        assert_eq!(
            (breaker.state(at(second)), breaker.since()),
            (BreakerState::Closed, Some(at(second)))
        );
        assert_eq!(run(&mut breaker, &[(second, Failure); 9]), [], "it counts anew");
        assert_eq!(
            run(&mut breaker, &[(second, Failure)]),
            [opened(second + 30)],
            "and waits anew"
        );
    }

    #[test]
    fn what_ends_while_it_is_open_changes_nothing_and_a_probe_that_says_nothing_is_made_again() {
        let mut breaker = open_at(0);
        assert_eq!(run(&mut breaker, &[(0, Success), (5, Failure), (29, Success)]), []);
        assert_eq!(run(&mut breaker, &[(40, Neither)]), [opened(70)]);
        assert_eq!(run(&mut breaker, &[(70, Failure)]), [opened(130)]);
    }

    #[test]
    fn a_probe_can_be_hastened() {
        let mut breaker = open_at(0);
        assert_eq!(breaker.hasten(at(10)), Some(at(10)));
        assert_eq!(breaker.hasten(at(20)), Some(at(10)), "it is half open already");
        assert_eq!(run(&mut breaker, &[(20, Failure)]), [opened(80)]);
        assert_eq!(Breaker::default().hasten(at(0)), None);
    }

    #[test]
    fn what_is_stored_goes_on_where_it_was() {
        let before = open_at(7);
        let mut breaker = Breaker::stored(before.since().unwrap(), before.until(), before.trips());
        assert_eq!(breaker, before);
        assert_eq!(run(&mut breaker, &[(37, Failure)]), [opened(97)]);
        let far = Breaker::stored(START, Some(START), u32::MAX).note(Failure, START);
        assert_eq!(far, Some(opened(600)));
    }
}
