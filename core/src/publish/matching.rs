//! Who is told of an event: the webhooks that want its topic, as far as their filters are true of it.

use crate::{
    event::cel_scope,
    filter::{Outcome, Values},
    subscribers::Subscriber,
};
use entity::event;

/// An event on its way to the webhooks that may want it.
pub(crate) struct Asked<'e> {
    event: &'e event::Model,
    /// Made when the first filter asks.
    values: Option<Values>,
}

impl<'e> Asked<'e> {
    pub(crate) fn of(event: &'e event::Model) -> Self {
        Self { event, values: None }
    }

    /// Those of the organization's webhooks that want the event. A filter that cannot be evaluated does not match.
    pub(crate) async fn wanted<'s>(&mut self, subscribers: &'s [Subscriber]) -> Vec<&'s Subscriber> {
        let mut wanted = Vec::new();
        for subscriber in subscribers {
            if subscriber.wants(self.event.topic, self.event.project_id)
                && self.passes(subscriber).await == Outcome::Match
            {
                wanted.push(subscriber);
            }
        }
        wanted
    }

    /// Whether the event passes the subscriber's filter. Without one nothing is spent.
    pub(crate) async fn passes(&mut self, subscriber: &Subscriber) -> Outcome {
        let Some(condition) = &subscriber.condition else {
            return Outcome::Match;
        };
        let values = self.values.get_or_insert_with(|| cel_scope::values(self.event));
        condition.holds(values.clone()).await
    }
}
