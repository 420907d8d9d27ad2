//! The consequences of outcomes for their webhooks, in the transaction that records them: the health is written,
//! warnings are published, webhooks are disabled, and operational events report it. The stored state determines whether
//! an event is new, so that a batch that is recorded twice publishes once.

use super::failure::failure;
use super::streak::FailureStreak;
use crate::{
    Result,
    db::Txn,
    event::{self, Counts, Notice},
    publish,
};
use entity::{
    NotificationId, NotificationStatus, ProjectId, Timestamp, WebhookId, WebhookStatus, WebhookTopic, notification,
    project, webhook as webhooks, webhook_health,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::OnConflict};
use std::collections::{BTreeMap, HashMap};

/// The summary of a batch of outcomes, by webhook.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// Webhooks whose health must be written; true when a delivery that counts was among the outcomes.
    pub marked: BTreeMap<WebhookId, bool>,
    /// The URLs that responded with 410 Gone, and whether an event may report it.
    pub gone: BTreeMap<WebhookId, (String, bool)>,
    /// Notifications that were given up, except those of operational events.
    pub failed: Vec<NotificationId>,
}

/// The changes that memory must apply after the commit.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    /// Warnings: the webhook, the start of the streak of failures, and the time of the warning.
    pub warned: Vec<(WebhookId, Option<Timestamp>, Timestamp)>,
    /// Webhooks that were disabled.
    pub disabled: Vec<WebhookId>,
}

/// Writes the health of the webhooks (`rows`: all that are marked) and applies the consequences.
pub(crate) async fn follow(txn: &Txn, ended: &Ended, rows: Vec<webhook_health::Model>) -> Result<Followed> {
    let mut followed = Followed::default();
    for (id, (url, may_be_told)) in &ended.gone {
        let reason = "the receiver answered 410 Gone";
        disable_at(
            txn,
            *id,
            url,
            reason,
            rows.iter().find(|row| row.webhook_id == *id),
            *may_be_told,
            &mut followed,
        )
        .await?;
    }
    let before = stored(txn, &rows).await?;
    let mut changed = Vec::with_capacity(rows.len());
    for mut row in rows {
        if ended.marked.get(&row.webhook_id) == Some(&true) {
            judge(txn, before.get(&row.webhook_id), &mut row, &mut followed).await?;
        } else if let Some(before) = before.get(&row.webhook_id) {
            // Outcomes that do not count must not hide the end of a streak from those that do.
            (row.failing_since, row.failures, row.warned_at) =
                (before.failing_since, before.failures, before.warned_at);
        }
        changed.push(row);
    }
    upsert(txn, changed).await?;
    given_up(txn, &ended.failed).await?;
    Ok(followed)
}

/// Publishes a warning or a recovery, or disables the webhook.
async fn judge(
    txn: &Txn,
    before: Option<&webhook_health::Model>,
    row: &mut webhook_health::Model,
    followed: &mut Followed,
) -> Result<()> {
    let warned = before.filter(|before| before.warned_at.is_some());
    match warned {
        Some(before) if before.failing_since == row.failing_since => row.warned_at = before.warned_at,
        Some(before) => {
            let reason = "a delivery succeeded";
            tell_of(txn, WebhookTopic::WebhookRecovered, row.webhook_id, reason, before).await?;
        }
        None => {}
    }
    let streak = FailureStreak::of(row);
    if streak.is_to_warn(txn.now()) {
        let reason = format!("nothing got through in {} attempts; {}", row.failures, last(row));
        row.warned_at = Some(txn.now());
        followed.warned.push((row.webhook_id, row.failing_since, txn.now()));
        tell_of(txn, WebhookTopic::WebhookFailing, row.webhook_id, &reason, row).await?;
    } else if streak.is_to_disable(txn.now()) {
        let days = txn.now().since(row.failing_since.unwrap_or_default()).as_secs() / 86_400;
        let reason = format!(
            "nothing got through for {days} days, in {} attempts; {}",
            row.failures,
            last(row)
        );
        let webhook = webhooks::Entity::find_by_id(row.webhook_id).one(txn.conn()).await?;
        if let Some(webhook) = webhook.filter(|webhook| webhook.auto_disable) {
            disable_at(txn, webhook.id, &webhook.url, &reason, Some(row), true, followed).await?;
        }
    }
    Ok(())
}

fn last(row: &webhook_health::Model) -> String {
    format!("last: {}", row.last_failure.as_deref().unwrap_or("unknown"))
}

/// Disables an active webhook that does harm, and publishes it.
pub(crate) async fn disable(txn: &Txn, webhook: &webhooks::Model, reason: &str) -> Result<()> {
    let mut followed = Followed::default();
    disable_at(txn, webhook.id, &webhook.url, reason, None, true, &mut followed).await
}

async fn disable_at(
    txn: &Txn,
    id: WebhookId,
    url: &str,
    reason: &str,
    row: Option<&webhook_health::Model>,
    may_be_told: bool,
    followed: &mut Followed,
) -> Result<()> {
    if let Some(revoked) = revoke(txn, id, url, reason).await? {
        followed.disabled.push(id);
        if may_be_told {
            tell(
                txn,
                WebhookTopic::WebhookDisabled,
                &revoked,
                reason,
                row.map(Counts::of),
                None,
            )
            .await?;
        }
    }
    Ok(())
}

/// Publishes an event for every notification that was given up, if a webhook subscribes to it; usually none does.
async fn given_up(txn: &Txn, ids: &[NotificationId]) -> Result<()> {
    let rows = match ids {
        [] => return Ok(()),
        ids => {
            notification::Entity::find()
                .filter(notification::Column::Id.is_in(ids.iter().copied()))
                .filter(notification::Column::Status.eq(NotificationStatus::Failed))
                .all(txn.conn())
                .await?
        }
    };
    let mut known: HashMap<WebhookId, webhooks::Model> = HashMap::new();
    for row in rows {
        let subscribers = txn.index().of(txn.conn(), row.organization_id).await?;
        let topic = WebhookTopic::NotificationFailed;
        if !subscribers.iter().any(|subscriber| subscriber.watches(topic)) {
            continue;
        }
        if !known.contains_key(&row.webhook_id) {
            let webhook = webhooks::Entity::find_by_id(row.webhook_id).one(txn.conn()).await?;
            known.extend(webhook.map(|webhook| (webhook.id, webhook)));
        }
        if let Some(webhook) = known.get(&row.webhook_id) {
            let reason = failure(row.response_code, row.error).unwrap_or("nothing was sent".into());
            tell(txn, topic, webhook, &reason, None, Some(&row)).await?;
        }
    }
    Ok(())
}

async fn tell_of(
    txn: &Txn,
    topic: WebhookTopic,
    id: WebhookId,
    reason: &str,
    row: &webhook_health::Model,
) -> Result<()> {
    match webhooks::Entity::find_by_id(id).one(txn.conn()).await? {
        Some(webhook) => tell(txn, topic, &webhook, reason, Some(Counts::of(row)), None).await,
        None => Ok(()),
    }
}

async fn tell(
    txn: &Txn,
    topic: WebhookTopic,
    webhook: &webhooks::Model,
    reason: &str,
    counts: Option<Counts>,
    of: Option<&notification::Model>,
) -> Result<()> {
    let project = match webhook.project_id {
        Some(id) => name(txn, id).await?,
        None => None,
    };
    let notice = Notice {
        topic,
        webhook: event::Watched::of(webhook, project),
        notification: of.map(event::GivenUp::from),
        reason: reason.to_owned(),
        counts: counts.unwrap_or_default(),
        created_at: txn.now(),
    };
    publish::publish_notice(txn, webhook, notice).await
}

async fn name(txn: &Txn, id: ProjectId) -> Result<Option<String>> {
    let row = project::Entity::find_by_id(id).one(txn.conn()).await?;
    Ok(row.map(|row| row.name))
}

async fn stored(txn: &Txn, rows: &[webhook_health::Model]) -> Result<HashMap<WebhookId, webhook_health::Model>> {
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let known = webhook_health::Entity::find()
        .filter(webhook_health::Column::WebhookId.is_in(rows.iter().map(|row| row.webhook_id)))
        .all(txn.conn())
        .await?;
    Ok(known.into_iter().map(|row| (row.webhook_id, row)).collect())
}

async fn upsert(txn: &Txn, rows: Vec<webhook_health::Model>) -> Result<()> {
    use webhook_health::Column as Is;
    if rows.is_empty() {
        return Ok(());
    }
    let known = OnConflict::column(Is::WebhookId)
        .update_columns([
            Is::Since,
            Is::ProbeAt,
            Is::Trips,
            Is::FailingSince,
            Is::Failures,
            Is::WarnedAt,
            Is::LastSuccessAt,
            Is::LastFailureAt,
            Is::LastFailure,
        ])
        .to_owned();
    webhook_health::Entity::insert_many(rows.into_iter().map(IntoActiveModel::into_active_model))
        .on_conflict(known)
        .exec_without_returning(txn.conn())
        .await?;
    Ok(())
}

/// Revokes a webhook automatically: nothing is sent to the receiver at `url` until a user reactivates it. Returns the
/// changed row. A webhook whose URL has changed in between, or that is not ACTIVE, stays unchanged; so does the webhook
/// of a stage, whose tasks take the output for failures.
pub(crate) async fn revoke(txn: &Txn, id: WebhookId, url: &str, reason: &str) -> Result<Option<webhooks::Model>> {
    let row = webhooks::Entity::find_by_id(id).one(txn.conn()).await?;
    let registered = |row: &webhooks::Model| row.stage_id.is_none() && row.url == url;
    let Some(mut row) = row.filter(|row| registered(row) && row.status == WebhookStatus::Active) else {
        return Ok(None);
    };
    row.status = WebhookStatus::Revoked;
    row.status_reason = Some(reason.to_owned());
    row.updated_at = txn.now();
    let row = row.into_active_model().reset_all().update(txn.conn()).await?;
    txn.webhooks_changed(row.organization_id);
    Ok(Some(row))
}
