//! Between which ids to look.

use super::Span;
use crate::{Clock, notification::filter::Filter};
use entity::{NotificationId, notification};
use sea_orm::{ColumnTrait, Condition};

/// Which ids the times of a filter leave to be looked at.
pub(crate) fn near(clock: &Clock, filter: &Filter) -> Condition {
    Bounds::of(clock, filter).condition()
}

/// The ids between which to look: at least the first, below or at the second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    pub above: Option<NotificationId>,
    pub from: Option<NotificationId>,
    pub to: Option<NotificationId>,
    pub below: Option<NotificationId>,
}

impl Bounds {
    /// Ids carry the time at which they were made, up to [`SLACK`]: this keeps away from what a filter's times leave out.
    /// A clock that a test moves says nothing of ids.
    pub(crate) fn of(clock: &Clock, filter: &Filter) -> Self {
        if clock.here().is_none() {
            return Self::default();
        }
        let id = |micros: i64| {
            let millis = u64::try_from(micros / 1_000).unwrap_or(0);
            NotificationId(uuid::Uuid::from_u128(u128::from(millis) << 80))
        };
        Self {
            from: filter.created_from.map(|time| id(time.0.saturating_sub(SLACK))),
            to: filter.created_before.map(|time| id(time.0.saturating_add(SLACK))),
            ..Self::default()
        }
    }

    pub(crate) fn and(self, span: Span) -> Self {
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

/// Microseconds by which the time in an id may be off from the time of its row: a unit of work takes less.
const SLACK: i64 = 10_000_000;
