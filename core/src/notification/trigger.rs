//! Sample events, sent as tests to listeners or to one webhook. Nothing happened, and the event is marked as a test.

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::Txn,
    event, lookup, project, publish, webhook,
};
use entity::{ProjectId, WebhookStatus, WebhookTopic, notification, webhook as webhooks};
use sea_orm::{ColumnTrait, Condition, EntityTrait, Iterable, QueryFilter, QueryOrder};

/// The sample to send, and its recipients.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// The topic of the sample.
    pub topic: WebhookTopic,
    /// The webhook to send it to; none: every listener.
    pub webhook: Option<String>,
    /// Limits the listeners to those that receive events of this project.
    pub project: Option<String>,
}

/// Sends a sample with invented data, regardless of subscriptions and filters. Returns the notifications before their
/// first attempt.
pub async fn trigger(app: &App, actor: &Actor, trigger: Trigger) -> Result<Vec<notification::Model>> {
    actor.require(Action::ManageWebhooks)?;
    check(trigger.topic)?;
    let (to, project_id) = addressees(app, actor, &trigger).await?;
    let topic = trigger.topic;
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let mut sent = Vec::with_capacity(to.len());
                for row in &to {
                    sent.push(send(txn, topic, row, project_id).await?);
                }
                Ok(sent)
            })
        })
        .await
}

/// Refuses a topic that is never published; the error lists the topics with a sample.
fn check(topic: WebhookTopic) -> Result<()> {
    if event::has_sample(topic) {
        return Ok(());
    }
    let known = WebhookTopic::iter().filter(|topic| event::has_sample(*topic));
    let known: Vec<&str> = known.map(WebhookTopic::as_str).collect();
    let reason = format!(
        "there is no sample of {}; there are {}",
        topic.as_str(),
        known.join(", ")
    );
    Err(Error::invalid("topic", reason))
}

/// Returns the webhooks to send to, and the project of the event.
async fn addressees(app: &App, actor: &Actor, trigger: &Trigger) -> Result<(Vec<webhooks::Model>, Option<ProjectId>)> {
    if let Some(id) = &trigger.webhook {
        if trigger.project.is_some() {
            return Err(Error::invalid("project", "must be left out when webhook is given"));
        }
        let row = webhook::get(app, actor, id).await?;
        webhook::active(&row)?;
        return Ok((vec![row], None));
    }
    let project_id = match &trigger.project {
        Some(id) => Some(project::get(app, actor, id).await?.id),
        None => None,
    };
    let rows = listening(app, actor, project_id).await?;
    match rows.is_empty() {
        false => Ok((rows, project_id)),
        true => Err(Error::NotAllowed(
            "nobody listens: run labelhook listen, or name a webhook".into(),
        )),
    }
}

/// Returns the listeners' webhooks that the actor has access to.
async fn listening(app: &App, actor: &Actor, project_id: Option<ProjectId>) -> Result<Vec<webhooks::Model>> {
    use webhooks::Column as Is;
    let of_project = |id: ProjectId| Condition::any().add(Is::ProjectId.is_null()).add(Is::ProjectId.eq(id));
    let condition = Condition::all()
        .add(Is::OrganizationId.eq(actor.organization_id))
        .add(Is::ListenerSeenAt.is_not_null())
        .add(Is::Status.eq(WebhookStatus::Active))
        .add_option(project_id.map(of_project));
    let rows = webhooks::Entity::find().filter(condition).order_by_asc(Is::Id);
    let mut rows = rows.all(app.db.read()).await?;
    rows.retain(|row| lookup::is_visible(row, actor));
    Ok(rows)
}

async fn send(
    txn: &Txn,
    topic: WebhookTopic,
    row: &webhooks::Model,
    project_id: Option<ProjectId>,
) -> Result<notification::Model> {
    let data = event::sample(topic, row.id, txn.now());
    let data = data.ok_or_else(|| Error::internal("a topic has no sample"))?;
    let subscriber = txn.index().subscriber(row).await?;
    publish::publish_test(txn, row.organization_id, (topic, &data), &subscriber, project_id)
}
