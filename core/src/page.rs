//! Pages of logs that grow without end, cut by key: an id grows with time, so a cursor stays valid while rows are added,
//! and the next page costs what the first did. Rows come newest first.

use entity::Timestamp;
use sea_orm::Order;

/// Which page: `first` after a cursor, or `last` before one.
#[derive(Clone, Copy, Debug)]
pub struct Span<K> {
    /// How many.
    pub count: u64,
    /// From which end.
    pub from: Edge,
    /// Strictly after this one, in the list's order.
    pub after: Option<K>,
    /// Strictly before this one, in the list's order.
    pub before: Option<K>,
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// `first`: from the newest.
    First,
    /// `last`: from the oldest.
    Last,
}

/// A page, newest first, and whether there is more on either side.
#[derive(Clone, Debug)]
pub struct Slice<M> {
    /// The rows.
    pub rows: Vec<M>,
    /// Older ones follow.
    pub has_next: bool,
    /// Newer ones come before.
    pub has_previous: bool,
    /// Where the looking ended, when that is not at a row of the page.
    pub stop: Option<Stop<M>>,
}

/// The row at which the looking ended before the page was full: what lies beyond was not looked at.
#[derive(Clone, Debug)]
pub enum Stop<M> {
    /// Looking from the newest; older ones may follow.
    Older(M),
    /// Looking from the oldest; newer ones may come before.
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

impl Edge {
    pub(crate) fn order(self) -> Order {
        match self {
            Self::First => Order::Desc,
            Self::Last => Order::Asc,
        }
    }
}

impl<M> Slice<M> {
    /// A page of what was asked for with one row more than it holds.
    pub(crate) fn cut<K>(mut rows: Vec<M>, span: &Span<K>) -> Self {
        let count = usize::try_from(span.count).unwrap_or(usize::MAX);
        let more = rows.len() > count;
        rows.truncate(count);
        match span.from {
            Edge::First => Self {
                rows,
                has_next: more,
                has_previous: span.after.is_some(),
                stop: None,
            },
            Edge::Last => {
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

    /// The page of what was found until the looking ended at a row.
    pub(crate) fn ended<K>(rows: Vec<M>, span: &Span<K>, at: M) -> Self {
        let page = Self::cut(rows, span);
        match span.from {
            Edge::First => Self {
                has_next: true,
                stop: Some(Stop::Older(at)),
                ..page
            },
            Edge::Last => Self {
                has_previous: true,
                stop: Some(Stop::Newer(at)),
                ..page
            },
        }
    }

    /// The same page of something made from each row.
    pub fn map<N>(self, mut make: impl FnMut(M) -> N) -> Slice<N> {
        Slice {
            rows: self.rows.into_iter().map(&mut make).collect(),
            has_next: self.has_next,
            has_previous: self.has_previous,
            stop: self.stop.map(|stop| stop.map(make)),
        }
    }
}

/// Whether a row's value is among those of a filter, as SQL's `IN` says it: no value is in no list.
pub(crate) fn one_of<T: PartialEq>(wanted: &Option<Vec<T>>, value: Option<T>) -> bool {
    match wanted {
        None => true,
        Some(wanted) => value.is_some_and(|value| wanted.contains(&value)),
    }
}

/// Whether a moment lies within the bounds of a filter.
pub(crate) fn made_between(time: Timestamp, from: Option<Timestamp>, before: Option<Timestamp>) -> bool {
    from.is_none_or(|from| time >= from) && before.is_none_or(|before| time < before)
}
