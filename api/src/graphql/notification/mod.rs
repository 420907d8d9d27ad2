//! Notification: type, queries, and the mutations that steer deliveries.

mod attempt;
mod input;
mod page;
mod stats;

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::{NotificationStatus, StatsBucket, Timestamp, WaitReason, WebhookId, attempt as attempts, notification};
use labelhook_core::{
    notification as notifications,
    notification::{Filter, waiting},
    page::Edge,
};

pub use self::attempt::Attempt;
pub use self::input::{NotificationOrderByInput, NotificationWhereInput, TriggerEventInput};
pub use self::page::{NotificationConnection, connection};
pub use self::stats::{NotificationStats, stats};
use super::{
    context::ContextExt,
    error::Result,
    event::Event,
    input::WhereUniqueInput,
    list::{Page, Slice},
    log_loader,
    task::Task,
    webhook::Webhook,
    work_loader,
    workflow::Stage,
};

/// One event for one webhook: where it is on its way, and every request that was made for it.
pub struct Notification(pub notification::Model);

/// One event for one webhook: where it is on its way, and every request that was made for it.
#[Object]
impl Notification {
    /// Its id: the delivery id header (`X-Labelbox-Id`). A redelivery is a new notification with a new id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What it tells of.
    async fn event(&self, ctx: &Context<'_>) -> Result<Event> {
        log_loader::event(ctx, self.0.event_id).await
    }

    /// To whom it goes.
    async fn webhook(&self, ctx: &Context<'_>) -> Result<Webhook> {
        log_loader::webhook(ctx, self.0.webhook_id).await
    }

    /// The task that it was sent for; null for a webhook that was registered.
    async fn task(&self, ctx: &Context<'_>) -> Option<Result<Task>> {
        work_loader::task(ctx, self.0.task_id?).await
    }

    /// The webhook stage that it was sent for; null for a webhook that was registered.
    async fn stage(&self, ctx: &Context<'_>) -> Option<Result<Stage>> {
        Some(work_loader::stage(ctx, self.0.stage_id?).await)
    }

    /// Where it is.
    async fn status(&self) -> NotificationStatus {
        self.0.status
    }

    /// Requests made so far.
    async fn attempt_count(&self) -> i32 {
        self.0.attempt_count
    }

    /// When the next request is due, and not before an open breaker lets one through; null while one is being made, while
    /// an earlier notification must end first (`ordering`), and when it is over.
    async fn next_attempt_at(&self, ctx: &Context<'_>) -> Option<Timestamp> {
        waiting::wait_until(ctx.app(), &self.0)
    }

    /// What its next request waits for; null while one is being made and when it is over.
    async fn wait_reason(&self, ctx: &Context<'_>) -> Result<Option<WaitReason>> {
        if !waiting::waits(&self.0) {
            return Ok(None);
        }
        let webhook = log_loader::webhook(ctx, self.0.webhook_id).await?;
        Ok(waiting::wait_reason(ctx.app(), &self.0, &webhook.0))
    }

    /// The notification whose bytes it sends again.
    async fn redelivery_of(&self, ctx: &Context<'_>) -> Option<Result<Self>> {
        let id = self.0.redelivery_of?.to_string();
        Some(
            notifications::get(ctx.app(), ctx.actor(), &id)
                .await
                .map(Self)
                .map_err(Into::into),
        )
    }

    /// When it was made: with its event, or when it was redelivered.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// Every request and what came back, oldest first.
    #[graphql(complexity = "super::list::cost(Some(10), child_complexity)")]
    async fn attempts(&self, ctx: &Context<'_>) -> Result<Vec<Attempt>> {
        let rows = log_loader::attempts(ctx, self.0.id).await?;
        let bodies = rows.iter().filter_map(|row| row.response_body.as_ref());
        ctx.spend(bodies.map(Vec::len).sum())?;
        let payload_id = self.0.payload_id;
        Ok(rows.into_iter().map(|row| Attempt { row, payload_id }).collect())
    }

    /// `[Date][Status] external_id`: date in ISO form; HTTP status, kind of error, or its own status before there is
    /// either.
    async fn log_line(&self) -> String {
        notifications::log_line(&self.0)
    }

    /// What is sent, in an object of its own as Labelbox has it.
    async fn webhook_notification_payload(&self, ctx: &Context<'_>) -> Result<WebhookNotificationPayload> {
        Ok(WebhookNotificationPayload {
            request_body: log_loader::body(ctx, self.0.payload_id).await?,
        })
    }

    /// Headers of the newest request: a JSON object as text, secrets and tokens masked.
    async fn request_headers(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        self.newest(ctx, |row| Some(row.request_headers)).await
    }

    /// Headers of the newest answer: a JSON object as text.
    async fn response_headers(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        self.newest(ctx, |row| row.response_headers).await
    }

    /// Body of the newest answer, its first 64 KiB; bytes that are not UTF-8 are replaced.
    async fn response_body(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        self.newest(ctx, |row| row.response_body.map(|body| attempt::text(&body)))
            .await
    }

    /// HTTP status of the newest answer.
    async fn response_code(&self) -> Option<i32> {
        self.0.response_code
    }
}

impl Notification {
    /// A value of the newest attempt, if there is one.
    async fn newest<T>(&self, ctx: &Context<'_>, of: impl FnOnce(attempts::Model) -> Option<T>) -> Option<Result<T>> {
        match log_loader::attempts(ctx, self.0.id).await {
            Ok(mut rows) => rows.pop().and_then(of).map(Ok),
            Err(error) => Some(Err(error)),
        }
    }
}

/// What a notification sends.
#[derive(SimpleObject)]
pub struct WebhookNotificationPayload {
    /// The request's body: the exact bytes that are sent and signed.
    request_body: String,
}

/// A webhook's notifications as a plain list.
pub async fn of_webhook(
    ctx: &Context<'_>,
    id: WebhookId,
    r#where: Option<NotificationWhereInput>,
    order_by: Option<NotificationOrderByInput>,
    slice: Slice,
) -> Result<Vec<Notification>> {
    let filter = Filter {
        webhook_ids: Some(vec![id]),
        ..r#where.unwrap_or_default().read()?
    };
    let from = if order_by == Some(NotificationOrderByInput::CreatedAtAsc) {
        Edge::Last
    } else {
        Edge::First
    };
    let rows = notifications::numbered(ctx.app(), ctx.actor(), &filter, from, slice.skip, slice.first).await?;
    Ok(rows.into_iter().map(Notification).collect())
}

/// Queries of notifications.
#[derive(Default)]
pub struct NotificationQuery;

/// Queries of notifications.
#[Object]
impl NotificationQuery {
    /// A notification by its id.
    async fn notification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Notification>> {
        Some(
            notifications::get(ctx.app(), ctx.actor(), &r#where.id)
                .await
                .map(Notification)
                .map_err(Into::into),
        )
    }

    /// The organization's log of deliveries, newest first. `first` or `last` at most 100; 20 when neither is given.
    #[graphql(complexity = "super::list::connection_cost(first, last, child_complexity)")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<NotificationWhereInput>,
        #[graphql(desc = "How many from the newest.")] first: Option<i32>,
        #[graphql(desc = "Only older than this place.")] after: Option<String>,
        #[graphql(desc = "How many from the oldest.")] last: Option<i32>,
        #[graphql(desc = "Only newer than this place.")] before: Option<String>,
    ) -> Result<NotificationConnection> {
        let page = Page::new(first, after.as_deref(), last, before.as_deref())?;
        connection(ctx, r#where.unwrap_or_default().read()?, page).await
    }

    /// How deliveries went. By `webhookIds`, `projectIds`, `topics` and time, in whole hours or days: from `createdAt_gte` (a
    /// day ago when absent, thirty by the DAY) to `createdAt_lt` (now). Its cost follows the time and not the log.
    #[graphql(complexity = "super::list::cost(Some(10), child_complexity)")]
    async fn notification_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<NotificationWhereInput>,
        #[graphql(desc = "The pieces of the series, 1,000 at most; HOUR up to 48 hours and DAY for more when absent.")]
        bucket: Option<StatsBucket>,
    ) -> Result<NotificationStats> {
        stats(ctx, &r#where.unwrap_or_default().read()?, bucket).await
    }
}

/// Mutations of notifications.
#[derive(Default)]
pub struct NotificationMutation;

/// Mutations of notifications.
#[Object]
impl NotificationMutation {
    /// Sends a notification's bytes again, as a new notification of the same event. The webhook must be ACTIVE.
    async fn redeliver_notification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Result<Notification> {
        Ok(Notification(
            notifications::redeliver(ctx.app(), ctx.actor(), &r#where.id).await?,
        ))
    }

    /// Stops a notification that is not delivered yet; RESOURCE_CONFLICT when it is over. A request that is in flight is
    /// still recorded.
    async fn cancel_notification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Result<Notification> {
        Ok(Notification(
            notifications::cancel(ctx.app(), ctx.actor(), &r#where.id).await?,
        ))
    }

    /// Sends a PING event to a webhook now and waits for the outcome of its first attempt, at most the webhook's own
    /// `timeoutMs` and two seconds.
    async fn ping_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which webhook; it must be ACTIVE.")] r#where: WhereUniqueInput,
    ) -> Result<Notification> {
        Ok(Notification(
            notifications::ping(ctx.app(), ctx.actor(), &r#where.id).await?,
        ))
    }

    /// Sends a sample of a topic as a test, with invented data: to every listener that the key sees, or to one webhook.
    /// Neither topics nor filters are asked. Gives the notifications at once, before their first attempt.
    async fn trigger_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to send, and to whom.")] data: TriggerEventInput,
    ) -> Result<Vec<Notification>> {
        let sent = notifications::trigger(ctx.app(), ctx.actor(), data.into()).await?;
        Ok(sent.into_iter().map(Notification).collect())
    }
}
