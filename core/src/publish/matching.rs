//! Matching: selects the webhooks that an event is sent to, by topic, project and filter.

use crate::{
    event::cel_scope,
    filter::{Outcome, Values},
    subscribers::Subscriber,
};
use entity::event;

/// An event whose subscribers are being selected.
pub(crate) struct Asked<'e> {
    event: &'e event::Model,
    /// The values that filters read, built when the first filter needs them.
    values: Option<Values>,
}

impl<'e> Asked<'e> {
    pub(crate) fn of(event: &'e event::Model) -> Self {
        Self { event, values: None }
    }

    /// Returns the organization's webhooks that receive the event. A filter that cannot be evaluated does not match.
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

    /// Evaluates the subscriber's filter. Without a filter nothing is computed.
    pub(crate) async fn passes(&mut self, subscriber: &Subscriber) -> Outcome {
        let Some(condition) = &subscriber.condition else {
            return Outcome::Match;
        };
        let values = self.values.get_or_insert_with(|| cel_scope::values(self.event));
        condition.holds(values.clone()).await
    }
}
