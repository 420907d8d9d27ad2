//! The webhook of a workflow stage, which is created, changed and disabled only by saving its workflow.

use super::input::StageWebhook;
use crate::{
    App, Error, Result,
    auth::Actor,
    db::Txn,
    delivery::{retry::Policy, signer::secret},
    health,
    queue::lanes::Lanes,
    secret::Keyring,
    webhook::{New, Patch, Retry, has_secret, secrets},
};
use entity::{
    AuthType, PayloadContent, PayloadFormat, ProjectId, StageId, WebhookId, WebhookStatus, WebhookTopic, webhook,
    webhook_secret,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use std::sync::Arc;

/// The default maximum number of requests of a stage's webhook: V7's documentation states that a webhook stage is
/// retried 5 times before it fails, hence five retries after the first request.
const MAX_ATTEMPTS: i32 = 6;
/// The delays before the retries in milliseconds.
const DELAYS_MS: [i64; 5] = [5_000, 30_000, 120_000, 600_000, 1_800_000];

/// A save's settings of a stage's webhook.
pub(crate) struct Settings<'a> {
    place: usize,
    given: &'a StageWebhook,
    before: Option<WebhookId>,
}

impl<'a> Settings<'a> {
    /// Takes the settings of the stage at this index, and its existing webhook.
    pub(crate) fn new(place: usize, given: &'a StageWebhook, before: Option<WebhookId>) -> Self {
        Self { place, given, before }
    }

    fn path(&self) -> String {
        format!("stages.{}.webhook", self.place)
    }

    fn retry(&self) -> Retry {
        let Retry {
            max_attempts,
            delays_ms,
            jitter,
        } = self.given.retry.clone();
        Retry {
            max_attempts: max_attempts.or(Some(MAX_ATTEMPTS)),
            delays_ms: delays_ms.or_else(|| Some(DELAYS_MS.to_vec())),
            jitter: jitter.or_else(|| Some(Policy::default().jitter)),
        }
    }

    fn new_webhook(&self) -> New {
        let given = self.given.clone();
        New {
            project_id: None,
            topics: vec![WebhookTopic::WorkflowAction],
            url: given.url,
            secret: given.secret,
            description: None,
            payload_format: Some(given.payload_format.unwrap_or(PayloadFormat::Ango)),
            payload_query: given.payload_query,
            filter: given.filter,
            auth_type: given.auth_type,
            bearer_token: given.bearer_token,
            authorization_header: given.authorization_header,
            headers: given.headers,
            retry: self.retry(),
            timeout_ms: given.timeout_ms,
            max_in_flight: given.max_in_flight,
            rate: given.rate,
            ordering: None,
            auto_disable: None,
            capture: None,
            capture_percent: None,
        }
    }

    /// Builds the change. Absent settings return to their defaults, except those that nobody can read back: secrets,
    /// tokens and headers are kept.
    fn patch(&self) -> Patch {
        let given = self.given.clone();
        Patch {
            url: Some(given.url),
            payload_format: Some(given.payload_format.unwrap_or(PayloadFormat::Ango)),
            payload_query: Some(given.payload_query),
            filter: Some(given.filter),
            auth_type: Some(given.auth_type.unwrap_or(AuthType::Secret)),
            bearer_token: given.bearer_token,
            authorization_header: given.authorization_header,
            headers: given.headers,
            retry: self.retry(),
            timeout_ms: Some(given.timeout_ms.unwrap_or(crate::webhook::input::DEFAULT_TIMEOUT_MS)),
            max_in_flight: Some(given.max_in_flight.unwrap_or(crate::webhook::input::DEFAULT_IN_FLIGHT)),
            rate: Some(given.rate),
            ..Patch::default()
        }
    }
}

/// The parts of the application, beside the transaction, that creating and changing need.
pub(crate) struct Tools {
    keyring: Arc<Keyring>,
    registry: Arc<health::HealthRegistry>,
    lanes: Arc<Lanes>,
}

impl Tools {
    pub(crate) fn of(app: &App) -> Self {
        Self {
            keyring: Arc::clone(&app.keyring),
            registry: Arc::clone(&app.health),
            lanes: Arc::clone(&app.dispatcher.lanes),
        }
    }
}

/// Creates or changes the webhook of a stage.
pub(crate) async fn set(
    txn: &Txn,
    actor: &Actor,
    project_id: ProjectId,
    stage_id: StageId,
    settings: &Settings<'_>,
    tools: &Tools,
) -> Result<webhook::Model> {
    let content = settings.given.payload_content.unwrap_or(PayloadContent::Full);
    let row = match settings.before {
        Some(id) => change(txn, id, content, settings, tools).await,
        None => insert(txn, actor, project_id, stage_id, content, settings, &tools.keyring).await,
    };
    row.map_err(|error| error.within(&settings.path()))
}

async fn insert(
    txn: &Txn,
    actor: &Actor,
    project_id: ProjectId,
    stage_id: StageId,
    content: PayloadContent,
    settings: &Settings<'_>,
    keyring: &Keyring,
) -> Result<webhook::Model> {
    let draft = settings.new_webhook().check()?;
    let secret = draft.secret.clone();
    let row = webhook::Model {
        stage_id: Some(stage_id),
        payload_content: content,
        ..draft.into_row(actor, Some(project_id), keyring, txn.now())
    };
    webhook::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(txn.conn())
        .await?;
    if let Some(secret) = secret {
        secrets::add(txn, &row, keyring, &secret).await?;
    }
    Ok(row)
}

async fn change(
    txn: &Txn,
    id: WebhookId,
    content: PayloadContent,
    settings: &Settings<'_>,
    tools: &Tools,
) -> Result<webhook::Model> {
    let row = webhook::Entity::find_by_id(id).one(txn.conn()).await?;
    let row = row.ok_or_else(|| Error::internal(format!("the webhook {id} of a stage does not exist")))?;
    txn.index().adopt(id, None);
    let mut changed = settings
        .patch()
        .apply(&row, &tools.keyring, txn.now())?
        .unwrap_or_else(|| row.clone());
    changed.payload_content = content;
    let given = settings.given.secret.as_ref();
    if let Some(secret) = given.filter(|secret| changed.auth_type == AuthType::Secret || !secret.is_empty()) {
        secret::check(secret)?;
        forget_secrets(txn, id).await?;
        secrets::add(txn, &changed, &tools.keyring, secret).await?;
    } else if changed.auth_type == AuthType::Secret && !has_secret(txn, id).await? {
        return Err(Error::invalid("secret", "is required when authType is SECRET"));
    }
    if changed == row {
        return Ok(row);
    }
    changed.updated_at = txn.now();
    if health::is_fresh(&row, &changed) {
        health::clear(txn, &tools.registry, &tools.lanes, id).await?;
    }
    Ok(changed.into_active_model().reset_all().update(txn.conn()).await?)
}

/// Disables the webhook of a removed stage. Nothing is sent to it any longer.
pub(crate) async fn close(txn: &Txn, id: WebhookId) -> Result<()> {
    webhook::Entity::update_many()
        .col_expr(webhook::Column::Status, Expr::value(WebhookStatus::Inactive))
        .col_expr(
            webhook::Column::StatusReason,
            Expr::value(Some("its stage was removed")),
        )
        .col_expr(webhook::Column::UpdatedAt, Expr::value(txn.now()))
        .filter(webhook::Column::Id.eq(id))
        .exec(txn.conn())
        .await?;
    Ok(())
}

async fn forget_secrets(txn: &Txn, id: WebhookId) -> Result<()> {
    webhook_secret::Entity::delete_many()
        .filter(webhook_secret::Column::WebhookId.eq(id))
        .exec(txn.conn())
        .await?;
    Ok(())
}
