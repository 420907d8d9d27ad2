//! Missed events of a webhook: events that its current settings select and of which it has no notification, such as
//! everything that happened while it was INACTIVE or REVOKED.

use super::{Part, Until};
use crate::{
    App, Error, Result, auth::Actor, event::last_before, notification::Filter, subscribers, webhook as webhooks,
};
use entity::{OrganizationId, ProjectId, Timestamp, WebhookId, WebhookTopic, event, notification, webhook};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select,
    sea_query::{Expr, ExprTrait},
};

/// A webhook with missed events.
#[derive(Debug)]
pub(super) struct MissedBy {
    organization_id: OrganizationId,
    webhook_id: WebhookId,
    project_id: Option<ProjectId>,
    topics: Vec<WebhookTopic>,
    created_at: Timestamp,
}

impl From<&webhook::Model> for MissedBy {
    fn from(row: &webhook::Model) -> Self {
        Self {
            organization_id: row.organization_id,
            webhook_id: row.id,
            project_id: row.project_id,
            topics: subscribers::topics(row),
            created_at: row.created_at,
        }
    }
}

impl MissedBy {
    /// Checks that the webhook can receive events now, and that the filter has only conditions of events.
    pub(super) async fn of(app: &App, actor: &Actor, id: &str, filter: &Filter) -> Result<Self> {
        let row = webhooks::get(app, actor, id).await?;
        if row.stage_id.is_some() {
            let reason = "the webhook is a workflow stage's own: rerunStage sends for what the stage holds";
            return Err(Error::NotAllowed(reason.into()));
        }
        webhooks::active(&row)?;
        match of_notifications(filter) {
            Some(field) => Err(Error::invalid(
                field,
                "must be left out with missedBy: what was missed has no notification",
            )),
            None => Ok(Self::from(&row)),
        }
    }

    /// Builds the replay part for the period of the filter, which by default starts with the creation of the webhook.
    pub(super) async fn part(&self, db: &impl ConnectionTrait, filter: &Filter, until: Until) -> Result<Part> {
        let (id, last) = (self.organization_id, until.sequence);
        let after = last_before(db, id, filter.created_from.unwrap_or(self.created_at), last).await?;
        let sequence = match filter.created_before {
            Some(time) => last_before(db, id, time, last).await? + 1,
            None => last,
        };
        let total = self.events(filter, after, sequence).count(db).await?;
        Ok(Part {
            webhook_id: self.webhook_id,
            total: i32::try_from(total).unwrap_or(i32::MAX),
            after_sequence: Some(after),
            until: Until { sequence, ..until },
        })
    }

    /// Selects the missed events, oldest first, before the webhook's filter is evaluated. PING events are only for the
    /// webhook that was pinged, and operational events are only sent at their time.
    pub(super) fn events(&self, filter: &Filter, after: i64, until: i64) -> Select<event::Entity> {
        use event::Column as Is;
        let asked = |topic: &WebhookTopic| filter.topics.as_ref().is_none_or(|topics| topics.contains(topic));
        let missed = |topic: &WebhookTopic| *topic != WebhookTopic::Ping && !topic.is_operational() && asked(topic);
        let told = notification::Entity::find()
            .select_only()
            .column(notification::Column::Id)
            .filter(Expr::col((notification::Entity, notification::Column::EventId)).equals((event::Entity, Is::Id)))
            .filter(notification::Column::WebhookId.eq(self.webhook_id))
            .into_query();
        let condition = Condition::all()
            .add(Is::OrganizationId.eq(self.organization_id))
            .add(Is::Sequence.gt(after))
            .add(Is::Sequence.lt(until))
            .add(Is::Test.eq(false))
            .add(Is::Topic.is_in(self.topics.iter().copied().filter(missed)))
            .add_option(self.project_id.map(|id| Is::ProjectId.eq(id)))
            .add_option(filter.project_ids.clone().map(|ids| Is::ProjectId.is_in(ids)))
            .add_option(filter.event_ids.clone().map(|ids| Is::Id.is_in(ids)))
            .add_option(filter.external_id.clone().map(|id| Is::ExternalId.eq(id)))
            .add(Expr::exists(told).not());
        event::Entity::find().filter(condition).order_by_asc(Is::Sequence)
    }
}

/// Returns the first condition of a filter that only notifications have.
fn of_notifications(filter: &Filter) -> Option<&'static str> {
    let given = [
        ("where.ids", filter.ids.is_some()),
        ("where.webhookIds", filter.webhook_ids.is_some()),
        ("where.stageIds", filter.stage_ids.is_some()),
        ("where.taskIds", filter.task_ids.is_some()),
        ("where.statuses", filter.statuses.is_some()),
        ("where.responseCodes", filter.response_codes.is_some()),
    ];
    given.into_iter().find_map(|(field, given)| given.then_some(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::DbBackend;

    #[tokio::test]
    async fn missed_events_are_walked_in_their_order_and_each_looked_up_once() {
        let missed_by = MissedBy {
            organization_id: OrganizationId::new(),
            webhook_id: WebhookId::new(),
            project_id: Some(ProjectId::new()),
            topics: vec![WebhookTopic::LabelCreated, WebhookTopic::Ping],
            created_at: Timestamp(0),
        };
        let query = missed_by.events(&Filter::default(), 1, 9).limit(100);
        let plan = crate::sql::plan(&query.build(DbBackend::Sqlite).to_string()).await;
        let walk = "event_sequence (organization_id=? AND sequence>? AND sequence<?)";
        assert!(plan[0].contains(walk), "{plan:?}");
        let look = "notification_event (event_id=?)";
        assert!(plan.iter().any(|line| line.contains(look)), "{plan:?}");
        assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "{plan:?}");
    }
}
