//! The time of the database's writer that an organization's filters and payload queries may take: a token bucket for
//! each organization, so that filters of one never hold up another. What does not fit is postponed.

use entity::OrganizationId;
use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

/// The part of all time that one organization may take: half of it.
const SHARE: u32 = 2;
/// The number of organizations above which full buckets are dropped.
const MAX_KEPT: usize = 1_000;

/// The time that is left to each organization.
#[derive(Debug)]
pub(crate) struct Budgets {
    capacity: Duration,
    left: Mutex<HashMap<OrganizationId, Left>>,
}

#[derive(Debug, Clone, Copy)]
struct Left {
    time: Duration,
    at: Instant,
}

impl Left {
    fn now(self, capacity: Duration, now: Instant) -> Duration {
        let refilled = now.saturating_duration_since(self.at) / SHARE;
        self.time.saturating_add(refilled).min(capacity)
    }
}

impl Budgets {
    /// Makes full buckets of this capacity.
    pub(crate) fn new(capacity: Duration) -> Self {
        Self {
            capacity,
            left: Mutex::default(),
        }
    }

    /// Returns the time that an organization may take now.
    pub(crate) fn left(&self, id: OrganizationId) -> Duration {
        self.left_at(id, Instant::now())
    }

    /// Takes the time since `started` from an organization's bucket.
    pub(crate) fn spend(&self, id: OrganizationId, started: Instant) {
        let now = Instant::now();
        self.spend_at(id, now.saturating_duration_since(started), now);
    }

    fn left_at(&self, id: OrganizationId, now: Instant) -> Duration {
        let left = self.left.lock().expect("held for a look only");
        left.get(&id).map_or(self.capacity, |left| left.now(self.capacity, now))
    }

    fn spend_at(&self, id: OrganizationId, spent: Duration, now: Instant) {
        let mut left = self.left.lock().expect("held for a change only");
        if left.len() >= MAX_KEPT {
            left.retain(|_, left| left.now(self.capacity, now) < self.capacity);
        }
        let before = left.get(&id).map_or(self.capacity, |left| left.now(self.capacity, now));
        let time = before.saturating_sub(spent);
        left.insert(id, Left { time, at: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_takes_at_most_half_of_the_time_and_nothing_from_others() {
        let (ours, theirs) = (OrganizationId::new(), OrganizationId::new());
        let (budgets, start) = (Budgets::new(Duration::from_millis(20)), Instant::now());
        let ms = Duration::from_millis;
        assert_eq!(budgets.left_at(ours, start), ms(20));
        budgets.spend_at(ours, ms(15), start);
        assert_eq!(budgets.left_at(ours, start), ms(5));
        budgets.spend_at(ours, ms(500), start);
        assert_eq!(budgets.left_at(ours, start), Duration::ZERO);
        assert_eq!(budgets.left_at(ours, start + ms(10)), ms(5));
        assert_eq!(budgets.left_at(ours, start + ms(1_000)), ms(20));
        assert_eq!(budgets.left_at(theirs, start), ms(20));
    }
}
