//! Keyset pagination of logs that only grow: ids increase with time, so a cursor stays valid while rows are added, and
//! every page costs the same. Rows come newest first.

use entity::Timestamp;
use sea_orm::Order;

/// A requested page: `first` after a cursor, or `last` before one.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<K> {
    /// The most rows of the page.
    pub count: u64,
    /// The end of the list to count from.
    pub from: End,
    /// The cursor that the page lies strictly after, in the list's order.
    pub after: Option<K>,
    /// The cursor that the page lies strictly before, in the list's order.
    pub before: Option<K>,
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// `first`: count from the newest row.
    First,
    /// `last`: count from the oldest row.
    Last,
}

/// A page, newest first, and whether there are more rows on either side.
#[derive(Clone, Debug)]
pub struct Page<M> {
    /// The rows.
    pub rows: Vec<M>,
    /// True when older rows follow.
    pub has_next: bool,
    /// True when newer rows come before.
    pub has_previous: bool,
    /// The end of a scan that stopped before the page was full, when that is not at a row of the page.
    pub stop: Option<Stop<M>>,
}

/// The row at which a scan stopped before the page was full. Rows beyond it were not examined.
#[derive(Clone, Debug)]
pub enum Stop<M> {
    /// Scanned from the newest; older rows may follow.
    Older(M),
    /// Scanned from the oldest; newer rows may come before.
    Newer(M),
}

impl<M> Stop<M> {
    fn map<N>(self, make: impl FnOnce(M) -> N) -> Stop<N> {
        match self {
            Self::Older(row) => Stop::Older(make(row)),
            Self::Newer(row) => Stop::Newer(make(row)),
        }
    }
}

impl End {
    pub(crate) fn order(self) -> Order {
        match self {
            Self::First => Order::Desc,
            Self::Last => Order::Asc,
        }
    }
}

impl<M> Page<M> {
    /// Makes a page from the rows of a query that asked for one row more than the page holds.
    pub(crate) fn cut<K>(mut rows: Vec<M>, span: &PageRequest<K>) -> Self {
        let count = usize::try_from(span.count).unwrap_or(usize::MAX);
        let more = rows.len() > count;
        rows.truncate(count);
        match span.from {
            End::First => Self {
                rows,
                has_next: more,
                has_previous: span.after.is_some(),
                stop: None,
            },
            End::Last => {
                rows.reverse();
                Self {
                    rows,
                    has_next: span.before.is_some(),
                    has_previous: more,
                    stop: None,
                }
            }
        }
    }

    /// Makes a page from the rows that a scan found until it stopped at `at`.
    pub(crate) fn ended<K>(rows: Vec<M>, span: &PageRequest<K>, at: M) -> Self {
        let page = Self::cut(rows, span);
        match span.from {
            End::First => Self {
                has_next: true,
                stop: Some(Stop::Older(at)),
                ..page
            },
            End::Last => Self {
                has_previous: true,
                stop: Some(Stop::Newer(at)),
                ..page
            },
        }
    }

    /// Returns the same page with `make` applied to each row.
    pub fn map<N>(self, mut make: impl FnMut(M) -> N) -> Page<N> {
        Page {
            rows: self.rows.into_iter().map(&mut make).collect(),
            has_next: self.has_next,
            has_previous: self.has_previous,
            stop: self.stop.map(|stop| stop.map(make)),
        }
    }
}

/// Returns whether a row's value is among those of a filter, as SQL's `IN` does: `NULL` is in no list.
pub(crate) fn one_of<T: PartialEq>(wanted: &Option<Vec<T>>, value: Option<T>) -> bool {
    match wanted {
        None => true,
        Some(wanted) => value.is_some_and(|value| wanted.contains(&value)),
    }
}

/// Returns whether a time lies within the bounds of a filter.
pub(crate) fn made_between(time: Timestamp, from: Option<Timestamp>, before: Option<Timestamp>) -> bool {
    from.is_none_or(|from| time >= from) && before.is_none_or(|before| time < before)
}
