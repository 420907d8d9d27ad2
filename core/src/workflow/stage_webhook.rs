//! The webhook of a workflow stage, which is created, changed and disabled only by saving its workflow.

use super::input::StageWebhook;
use crate::{
    App, Error, Result,
    auth::Actor,
    db::Txn,
    delivery::{retry::Policy, signer::secret::SecretText},
    health,
    queue::lanes::Lanes,
    secret::Keyring,
    webhook::{
        Retry, Settings, has_secret,
        input::{self, Checked},
        secrets,
    },
};
use entity::{
    AuthType, PayloadFormat, ProjectId, StageId, WebhookId, WebhookStatus, WebhookTopic, webhook, webhook_secret,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use std::sync::Arc;

/// The default maximum number of requests of a stage's webhook: V7's documentation states that a webhook stage is
/// retried 5 times before it fails, hence five retries after the first request.
const MAX_ATTEMPTS: i32 = 6;
/// The delays before the retries in milliseconds.
const DELAYS_MS: [i64; 5] = [5_000, 30_000, 120_000, 600_000, 1_800_000];

/// A checked [`StageWebhook`].
pub(crate) struct Draft {
    place: usize,
    auth_type: AuthType,
    secret: Option<SecretText>,
    settings: Checked,
}

impl Draft {
    /// Checks the webhook of the stage at this index of a save.
    pub(crate) async fn check(app: &App, place: usize, given: StageWebhook) -> Result<Self> {
        let draft = Self::read(app, place, given).await;
        draft.map_err(|error| error.within(&path(place)))
    }

    async fn read(app: &App, place: usize, given: StageWebhook) -> Result<Self> {
        let settings = with_defaults(given.settings);
        let auth_type = settings.auth_type.unwrap_or(AuthType::Secret);
        Ok(Self {
            place,
            auth_type,
            settings: settings.check(&app.subscribers).await?,
            secret: input::secret(auth_type, given.secret)?,
        })
    }
}

fn path(place: usize) -> String {
    format!("stages.{place}.webhook")
}

/// Adds the defaults of a stage where they differ from those of [`input::blank`].
fn with_defaults(given: Settings) -> Settings {
    let retry = given.retry;
    Settings {
        topics: Some(vec![WebhookTopic::WorkflowAction]),
        url: given.url.or_else(|| Some(String::new())),
        payload_format: given.payload_format.or(Some(PayloadFormat::Ango)),
        auth_type: given.auth_type.or(Some(AuthType::Secret)),
        retry: Retry {
            max_attempts: retry.max_attempts.or(Some(MAX_ATTEMPTS)),
            delays_ms: retry.delays_ms.or_else(|| Some(DELAYS_MS.to_vec())),
            jitter: retry.jitter.or_else(|| Some(Policy::default().jitter)),
        },
        ..given
    }
}

/// Returns a stage's webhook with the default of every setting, except those that nobody can read back: tokens and
/// headers are kept.
fn reset(row: &webhook::Model) -> webhook::Model {
    let row = row.clone();
    webhook::Model {
        id: row.id,
        stage_id: row.stage_id,
        status: row.status,
        status_reason: row.status_reason,
        auth_type: row.auth_type,
        authorization: row.authorization,
        headers: row.headers,
        header_names: row.header_names,
        updated_at: row.updated_at,
        ..input::blank(row.organization_id, row.project_id, row.created_by, row.created_at)
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
    before: Option<WebhookId>,
    draft: &Draft,
    tools: &Tools,
) -> Result<webhook::Model> {
    let row = match before {
        Some(id) => change(txn, id, draft, tools).await,
        None => insert(txn, actor, project_id, stage_id, draft, &tools.keyring).await,
    };
    row.map_err(|error| error.within(&path(draft.place)))
}

async fn insert(
    txn: &Txn,
    actor: &Actor,
    project_id: ProjectId,
    stage_id: StageId,
    draft: &Draft,
    keyring: &Keyring,
) -> Result<webhook::Model> {
    input::require_secret(draft.auth_type, draft.secret.as_ref())?;
    let mut row = input::blank(actor.organization_id, Some(project_id), Some(actor.user_id), txn.now());
    row.stage_id = Some(stage_id);
    draft.settings.apply(&mut row, keyring)?;
    webhook::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(txn.conn())
        .await?;
    if let Some(secret) = &draft.secret {
        secrets::add(txn, &row, keyring, secret).await?;
    }
    txn.index().adopt(row.id, draft.settings.condition());
    Ok(row)
}

async fn change(txn: &Txn, id: WebhookId, draft: &Draft, tools: &Tools) -> Result<webhook::Model> {
    let row = webhook::Entity::find_by_id(id).one(txn.conn()).await?;
    let row = row.ok_or_else(|| Error::internal(format!("the webhook {id} of a stage does not exist")))?;
    let mut changed = reset(&row);
    draft.settings.apply(&mut changed, &tools.keyring)?;
    txn.index().adopt(id, draft.settings.condition());
    if let Some(secret) = &draft.secret {
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
