//! A week: the name and the bounds of a partition. It starts on Monday, in UTC.

use chrono::{DateTime, NaiveDate};
use entity::Timestamp;
use uuid::Uuid;

const DAY: i64 = 86_400;
/// The first day of 1970 was a Thursday.
const MONDAY: i64 = 3;

/// The number of a week, counted from that of 1 January 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Week(i64);

impl Week {
    /// Returns the week of a moment.
    pub(super) fn of(at: Timestamp) -> Self {
        Self::of_day(at.seconds().div_euclid(DAY))
    }

    fn of_day(day: i64) -> Self {
        Self((day + MONDAY).div_euclid(7))
    }

    /// Returns this week and the `count` that follow.
    pub(super) fn and_next(self, count: i64) -> impl Iterator<Item = Self> {
        (self.0..=self.0 + count).map(Self)
    }

    /// Parses the week from the name of a table's partition.
    pub(super) fn named(name: &str, table: &str) -> Option<Self> {
        let monday = name.strip_prefix(table)?.strip_prefix('_')?;
        let monday = NaiveDate::parse_from_str(monday, "%Y%m%d").ok()?;
        Some(Self::of_day(
            monday.and_time(chrono::NaiveTime::MIN).and_utc().timestamp() / DAY,
        ))
    }

    /// Returns the name of a table's partition, which contains its Monday.
    pub(super) fn name(self, table: &str) -> String {
        let monday = DateTime::from_timestamp(self.begins(), 0).expect("a week of this age");
        format!("{table}_{}", monday.format("%Y%m%d"))
    }

    /// Returns the least id of the week.
    pub(super) fn from(self) -> Uuid {
        Uuid::from_u128(u128::try_from(self.begins() * 1_000).expect("a week after 1970") << 80)
    }

    /// Returns the least id after the week.
    pub(super) fn until(self) -> Uuid {
        Self(self.0 + 1).from()
    }

    pub(super) fn ends_before(self, at: Timestamp) -> bool {
        Self(self.0 + 1).begins() <= at.seconds()
    }

    /// Returns the SQL condition that a column's id belongs to the week.
    pub(super) fn holds(self, column: &str) -> String {
        format!("{column} >= '{}' AND {column} < '{}'", self.from(), self.until())
    }

    pub(super) fn bounds(self) -> String {
        format!("FOR VALUES FROM ('{}') TO ('{}')", self.from(), self.until())
    }

    /// Returns the start of the week in seconds since 1970.
    fn begins(self) -> i64 {
        (self.0 * 7 - MONDAY) * DAY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_on_monday_and_holds_the_ids_made_in_it() {
        // 2026-01-31T09:30:00Z, a Saturday.
        let week = Week::of(Timestamp(1_769_851_800_000_000));
        assert_eq!(week.name("event"), "event_20260126");
        assert_eq!(Week::named("event_20260126", "event"), Some(week));
        assert_eq!(Week::named("event_default", "event"), None);
        assert_eq!(Week::named("eventual_20260126", "event"), None);
        let names: Vec<_> = week.and_next(2).map(|week| week.name("x")).collect();
        assert_eq!(names, ["x_20260126", "x_20260202", "x_20260209"]);
        let at = |seconds: u64| Uuid::new_v7(uuid::Timestamp::from_unix_time(seconds, 0, 0, 0));
        let (first, last) = (at(1_769_385_600), at(1_769_990_399));
        assert!(week.from() < first && last < week.until());
        assert!(at(1_769_385_599) < week.from() && at(1_769_990_400) > week.until());
        assert!(!week.ends_before(Timestamp(1_769_990_399_000_000)));
        assert!(week.ends_before(Timestamp(1_769_990_400_000_000)));
    }
}
