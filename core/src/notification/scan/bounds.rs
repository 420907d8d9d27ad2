//! Bounds of ids.

use crate::{Clock, notification::filter::Filter, page::PageRequest};
use entity::{NotificationId, notification};
use sea_orm::{ColumnTrait, Condition};

/// Returns the ids that the times of a filter leave.
pub(crate) fn near(clock: &Clock, filter: &Filter) -> Condition {
    Bounds::of(clock, filter).condition()
}

/// A range of ids, with inclusive and exclusive ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    pub above: Option<NotificationId>,
    pub from: Option<NotificationId>,
    pub to: Option<NotificationId>,
    pub below: Option<NotificationId>,
}

impl Bounds {
    /// Derives bounds from the times of a filter: ids contain their creation time, up to [`MAX_CLOCK_SKEW`]. A mock
    /// clock implies nothing about ids.
    pub(crate) fn of(clock: &Clock, filter: &Filter) -> Self {
        if clock.here().is_none() {
            return Self::default();
        }
        let id = |micros: i64| {
            let millis = u64::try_from(micros / 1_000).unwrap_or(0);
            NotificationId(uuid::Uuid::from_u128(u128::from(millis) << 80))
        };
        Self {
            from: filter
                .created_from
                .map(|time| id(time.0.saturating_sub(MAX_CLOCK_SKEW))),
            to: filter
                .created_before
                .map(|time| id(time.0.saturating_add(MAX_CLOCK_SKEW))),
            ..Self::default()
        }
    }

    pub(crate) fn and(self, span: PageRequest<NotificationId>) -> Self {
        Self {
            above: span.before,
            below: span.after,
            ..self
        }
    }

    pub(crate) fn condition(self) -> Condition {
        use notification::Column as Is;
        Condition::all()
            .add_option(self.above.map(|id| Is::Id.gt(id)))
            .add_option(self.from.map(|id| Is::Id.gte(id)))
            .add_option(self.to.map(|id| Is::Id.lte(id)))
            .add_option(self.below.map(|id| Is::Id.lt(id)))
    }
}

/// The maximum difference in microseconds between the time in an id and the time of its row: a transaction takes less.
const MAX_CLOCK_SKEW: i64 = 10_000_000;
