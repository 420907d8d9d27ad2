//! Matching: selects the webhooks that an event is sent to, by topic, project and filter. A filter that does not come to
//! its end in the time that the organization has left is not taken for a *no*: its webhook is selected for a postponed
//! match.

use crate::{
    Result,
    event::cel_scope,
    filter::{Outcome, Values},
    subscribers::{Subscriber, SubscriberCache},
};
use entity::{WebhookId, event};
use sea_orm::ConnectionTrait;
use std::time::Instant;

/// An event whose subscribers are being selected.
pub(crate) struct Asked<'e> {
    event: &'e event::Model,
    /// The values that filters read, built when the first filter needs them.
    values: Option<Values>,
}

/// The webhooks that receive an event, and those of which it is decided later.
#[derive(Default)]
pub(crate) struct Wanted<'s> {
    pub(crate) matching: Vec<&'s Subscriber>,
    pub(crate) postponed: Vec<&'s Subscriber>,
}

impl<'e> Asked<'e> {
    pub(crate) fn of(event: &'e event::Model) -> Self {
        Self { event, values: None }
    }

    /// Returns the organization's webhooks that receive the event. A filter that fails does not match. A webhook with an
    /// order that waits for a postponed match waits with this event, too.
    pub(crate) async fn wanted<'s>(
        &mut self,
        db: &impl ConnectionTrait,
        index: &SubscriberCache,
        subscribers: &'s [Subscriber],
    ) -> Result<Wanted<'s>> {
        let (topic, project_id) = (self.event.topic, self.event.project_id);
        let asked = || {
            subscribers
                .iter()
                .filter(move |subscriber| subscriber.wants(topic, project_id))
        };
        let ordered: Vec<WebhookId> = asked()
            .filter(|subscriber| subscriber.may_be_held_up())
            .map(|subscriber| subscriber.webhook_id)
            .collect();
        let held_up = index.held_up(db, &ordered).await?;
        let mut wanted = Wanted::default();
        for subscriber in asked() {
            if held_up.contains(&subscriber.webhook_id) {
                wanted.postponed.push(subscriber);
                continue;
            }
            match self.passes(index, subscriber).await {
                Outcome::Match => wanted.matching.push(subscriber),
                Outcome::TooDear(_) | Outcome::Stopped(_) => wanted.postponed.push(subscriber),
                Outcome::NoMatch | Outcome::Fault(_) => {}
            }
        }
        Ok(wanted)
    }

    /// Evaluates the subscriber's filter in the time that the organization has left. Without a filter nothing is
    /// computed.
    pub(crate) async fn passes(&mut self, index: &SubscriberCache, subscriber: &Subscriber) -> Outcome {
        let Some(condition) = &subscriber.condition else {
            return Outcome::Match;
        };
        let (id, started) = (self.event.organization_id, Instant::now());
        let values = self.values.get_or_insert_with(|| cel_scope::values(self.event));
        let outcome = condition.holds_within(values.clone(), index.budgets().left(id)).await;
        index.budgets().spend(id, started);
        outcome
    }
}

/// Evaluates the subscriber's filter outside of a transaction.
pub(crate) async fn passes_postponed(
    index: &SubscriberCache,
    event: &event::Model,
    subscriber: &Subscriber,
) -> Outcome {
    match &subscriber.condition {
        Some(condition) => {
            let cheap = index.limits().in_transaction / 4;
            condition.holds_postponed(cel_scope::values(event), cheap).await
        }
        None => Outcome::Match,
    }
}
